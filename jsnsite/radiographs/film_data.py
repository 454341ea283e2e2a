"""What the film page hands to its script, as JSON: where the joints are, where editing starts, words."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from jsnsite.measurements.models import JointMeasurement
from jsnsite.pages.words import RELIABILITY, signed_mm
from jsnsite.radiographs.film import FilmJoint
from jsnsite.radiographs.models import Bone, JointAnnotation, Radiograph
from jsnsite.radiographs.services import ROI_RANGE_MM

#: Side of a joint's region as the locator proposes it (``workers.pipeline.types.ROI_SIZE_MM``).
ROI_SIZE_MM = 22.4


def frame(radiograph: Radiograph) -> dict[str, Any]:
    """The film itself."""
    return {
        "uuid": str(radiograph.uuid),
        "columns": radiograph.columns,
        "rows": radiograph.rows,
        "spacing_mm": radiograph.pixel_spacing_mm,
        "roi_range_mm": ROI_RANGE_MM,
    }


def overlay(joints: list[FilmJoint], selected: FilmJoint | None) -> dict[str, Any]:
    """The joints that are on the film, and which one is open."""
    return {
        "selected": selected.joint if selected else "",
        "joints": [_spot(each, each.annotation) for each in joints if each.annotation is not None],
    }


def _spot(each: FilmJoint, annotation: JointAnnotation) -> dict[str, Any]:
    leading = each.leading
    return {
        "joint": each.joint,
        "x_px": annotation.x_px,
        "y_px": annotation.y_px,
        "angle_deg": annotation.angle_deg,
        "size_px": annotation.size_px,
        "status": each.status,
        "by_person": each.by_person,
        "label": _label(each),
        "url": reverse("measurements:measurement", args=[leading.uuid]) if leading else "",
    }


def _label(each: FilmJoint) -> str:
    leading = each.leading
    if each.status == "measuring":
        return _("%(joint)s: being measured") % {"joint": each.joint}
    if leading is None:
        return _("%(joint)s: not measured") % {"joint": each.joint}
    return _("%(joint)s: JSN %(jsn)s mm, %(status)s") % {
        "joint": each.joint,
        "jsn": signed_mm(leading.jsn_mm),
        "status": RELIABILITY[each.status].lower(),
    }


def start(radiograph: Radiograph, selected: FilmJoint) -> dict[str, Any]:
    """Where correcting a joint starts: where it is, or in the middle of the film where it is missing."""
    found = selected.annotation
    spacing_mm = radiograph.pixel_spacing_mm or 1.0
    if found is None:
        x_px, y_px, angle_deg = (radiograph.columns - 1) / 2, (radiograph.rows - 1) / 2, 0.0
        return {
            "x_px": x_px, "y_px": y_px, "angle_deg": angle_deg, "size_mm": ROI_SIZE_MM, "version": 0,
        }  # fmt: skip
    return {
        "x_px": round(found.x_px, 2),
        "y_px": round(found.y_px, 2),
        "angle_deg": round(found.angle_deg, 2),
        "size_mm": round(found.size_px * spacing_mm, 2),
        "version": found.version,
    }


def outlines(selected: FilmJoint) -> dict[str, Any]:
    """Drawn outlines of the joint's two bones, and where the model's are to be had."""
    newest = _newest_versions(selected)
    return {
        "annotation": selected.annotation.version if selected.annotation else 0,
        "bones": {
            bone: {
                "version": newest.get(bone, 0),
                "polygon": selected.outlines[bone].polygon if bone in selected.outlines else [],
            }
            for bone in Bone.values
        },
        "model": _model(selected),
    }


def _newest_versions(selected: FilmJoint) -> dict[str, int]:
    """Numbers of the newest outlines, those that no longer count included."""
    if selected.annotation is None:
        return {}
    drawn = selected.annotation.radiograph.outlines.filter(joint=selected.joint).newest()
    return dict(drawn.order_by().values_list("bone", "version"))


def _model_result(selected: FilmJoint) -> tuple[JointMeasurement, str] | None:
    """The newest result whose masks show the model's outlines on this film, preferably in the region as it is, and
    the part that the film has in it ("baseline" or "followup").
    """
    if selected.annotation is None:
        return None
    version, film_pk = selected.annotation.version, selected.annotation.radiograph_id
    found = []
    for row in selected.results:
        part = "baseline" if row.run.baseline_id == film_pk else "followup"
        digests = row.run.input_digests.get(part, {})
        drawn = digests.get("outlines", {}).get(row.joint)
        if row.artifact and not drawn and row.joint in digests.get("annotations", {}):
            found.append((digests["annotations"][row.joint] == version, row, part))
    if not found:
        return None
    _, row, part = max(found, key=lambda each: each[0])
    return row, part


def _model(selected: FilmJoint) -> dict[str, Any] | None:
    """Where the model's masks are to be had, and the region that they lie in."""
    found = _model_result(selected)
    if found is None or selected.annotation is None:
        return None
    row, part = found
    radiograph = selected.annotation.radiograph
    version = row.run.input_digests[part]["annotations"][row.joint]
    region = radiograph.annotations.get(joint=row.joint, version=version)
    return {
        "url": reverse("radiographs:masks", args=[radiograph.uuid, row.joint]) + f"?of={row.uuid}",
        "x_px": region.x_px,
        "y_px": region.y_px,
        "angle_deg": region.angle_deg,
    }


def words() -> dict[str, str]:
    """What the script says."""
    return {
        "loading": _("Loading the film at full depth…"),
        "failed": _("The film could not be loaded. Reload the page; the numbers beside it are complete."),
        "move": _("%(joint)s: region. Arrow keys move it; [ and ] turn it; < and > resize it."),
        "turn": _("Turn"),
        "resize": _("Resize"),
        "corner": _("Corner %(number)s of %(count)s"),
        "unsaved": _("There are changes that are not saved."),
        "no_model": _(
            "There is no outline by the model yet, as this film has not been measured. A rough shape is drawn: pull it "
            "into place."
        ),
        "upper": str(Bone.UPPER.label),
        "lower": str(Bone.LOWER.label),
    }
