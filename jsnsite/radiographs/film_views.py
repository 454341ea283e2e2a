"""The page of a whole film, its pixels, and what people correct on it."""

from __future__ import annotations

import gzip
from typing import Any
from uuid import UUID

import numpy as np
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import condition, require_POST, require_safe

from jsnsite.measurements import artifacts
from jsnsite.measurements import queries as measurement_queries
from jsnsite.measurements.models import Run
from jsnsite.pages.shortcuts import SignedInRequest, refusals_as_messages
from jsnsite.radiographs import corrections, film, film_data, queries, services
from jsnsite.radiographs.forms import MasksForm, OutlineForm, PlaceForm, SideForm, SpacingForm
from jsnsite.radiographs.models import Laterality, Radiograph, RadiographState
from jsnsite.radiographs.pixels import film_pixels
from jsnsite.reviews import queries as review_queries
from jsnsite.scoping import Action, allowed


@login_required
@require_safe
def film_page(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """The film in a viewer, its joints with their results, and every correction. ``?joint=`` opens one joint."""
    radiograph = queries.radiograph_or_404(request.user, uuid)
    reads = allowed(request.user, Action.READ, radiograph)
    independent = review_queries.reads_independently(request.user, may_read=reads)
    joints = film.film_joints(request.user, radiograph, show_flags=not independent)
    selected = next((each for each in joints if each.joint == request.GET.get("joint")), None)
    hand = film.films_of_hand(request.user, radiograph)
    place = next((n for n, each in enumerate(hand) if each.pk == radiograph.pk), None)
    may_place = allowed(request.user, Action.ANNOTATE, radiograph)
    usable = radiograph.current and (
        radiograph.state == RadiographState.READY or radiograph.failure_code == "no_hand_found"
    )
    context = {
        "film": radiograph,
        "patient": radiograph.timepoint.patient,
        "joints": joints,
        "selected": selected,
        "pending": any(each.pending for each in joints),
        "in_work": radiograph.state in (RadiographState.QUEUED, RadiographState.LOCATING),
        "found": sum(each.annotation is not None for each in joints),
        "hand": hand,
        "earlier": hand[place - 1] if place else None,
        "later": hand[place + 1] if place is not None and place + 1 < len(hand) else None,
        "may_place": may_place,
        "can_place": may_place and usable,
        "pairs": _pairs_with(request, radiograph),
        "history": film.corrections_of(radiograph),
        "data": film_data.overlay(joints, selected),
        "frame": film_data.frame(radiograph),
        "words": film_data.words(),
    }
    if selected is not None and context["can_place"]:
        context |= _editing(radiograph, selected)
    answer = render(request, "radiographs/film.html", context | _film_forms(request, radiograph))
    if request.htmx and "waiting" in request.GET and not context["in_work"]:
        answer.headers["HX-Refresh"] = "true"  # joints are found or not: the whole page is another one
    return answer


def _editing(radiograph: Radiograph, selected: film.FilmJoint) -> dict[str, Any]:
    start = film_data.start(radiograph, selected)
    return {"start": start, "outlines": film_data.outlines(selected)}


def _film_forms(request: SignedInRequest, radiograph: Radiograph) -> dict[str, Any]:
    may_upload = allowed(request.user, Action.UPLOAD, radiograph)
    at_visit = {each.laterality: each for each in queries.radiographs_of(request.user, radiograph.timepoint)}
    other = Laterality.LEFT if radiograph.laterality == Laterality.RIGHT else Laterality.RIGHT
    settled = radiograph.state in (RadiographState.READY, RadiographState.FAILED)
    return {
        "may_upload": may_upload,
        "spacing_form": SpacingForm() if may_upload and corrections.may_enter_spacing(radiograph) else None,
        "side_open": may_upload and radiograph.current and radiograph.failure_code == "laterality_mismatch",
        "may_refile": may_upload
        and radiograph.current
        and settled
        and radiograph.failure_code != "laterality_mismatch",
        "other_side": other,
        "other_film": at_visit.get(other),
    }


def _pairs_with(request: SignedInRequest, radiograph: Radiograph) -> int:
    """How many pairs of films a correction on this one measures again."""
    pairs = Run.objects.restrict(request.user).filter(Q(baseline=radiograph) | Q(followup=radiograph))
    pairs = pairs.filter(baseline__current=True, followup__current=True)
    return pairs.order_by().values("baseline", "followup").distinct().count()


def _pixels_etag(request: SignedInRequest, uuid: UUID) -> str | None:
    return f'W/"{uuid}-pixels"' if queries.radiographs(request.user).filter(uuid=uuid).exists() else None


@login_required
@require_safe
@condition(etag_func=_pixels_etag)
def pixels(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """The film at full depth, which never changes: kept by the browser, and by nobody between."""
    radiograph = queries.radiograph_or_404(request.user, uuid)
    found = film_pixels(services.load_pixels(radiograph))
    headers = {
        "X-Shape": "{},{}".format(*found.shape),
        "X-Scale": f"{found.slope!r},{found.intercept!r}",
        "X-Reduction": str(found.reduction),
        "X-Spacing-Mm": "" if radiograph.pixel_spacing_mm is None else repr(radiograph.pixel_spacing_mm),
        "Cache-Control": "private, max-age=31536000, immutable",
        "Vary": "Cookie, Accept-Encoding",
    }
    body = found.body
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        body = gzip.compress(body, compresslevel=1)
        headers["Content-Encoding"] = "gzip"
    return HttpResponse(body, content_type="application/octet-stream", headers=headers)


@login_required
@require_safe
def masks(request: SignedInRequest, uuid: UUID, joint: str) -> HttpResponse:
    """The model's masks of a joint on this film, upper then lower bone, one byte a pixel, as ``?of=`` (a measurement)
    has them: a start for drawing. No content where that result did not keep them.
    """
    radiograph = queries.radiograph_or_404(request.user, uuid)
    form = MasksForm(request.GET)
    if not form.is_valid():
        raise Http404
    row = measurement_queries.measurement_or_404(request.user, form.cleaned_data["of"])
    if row.joint != joint or radiograph.pk not in (row.run.baseline_id, row.run.followup_id):
        raise Http404
    arrays = artifacts.load(row)
    names = artifacts.MASKS if row.run.baseline_id == radiograph.pk else tuple(artifacts.MOVING_MASKS)
    if not all(name in arrays for name in names):
        return HttpResponse(status=204)
    bones = np.stack([arrays[name] for name in names])
    headers = {
        "X-Shape": "{},{}".format(*bones.shape[1:]),
        "X-Spacing-Mm": repr(float(arrays["pixel_spacing_mm"])),
        "Cache-Control": "private, no-cache",
    }
    return HttpResponse(
        bones.astype("u1").tobytes(), content_type="application/octet-stream", headers=headers
    )


@login_required
@require_POST
def place(request: SignedInRequest, uuid: UUID, joint: str) -> HttpResponse:
    """Move, turn or resize a joint's region, or place one that was not found: a new version."""
    radiograph = queries.radiograph_or_404(request.user, uuid)
    form = PlaceForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Enter position, angle and size as numbers."))
        return _back(radiograph, joint)
    given = form.cleaned_data
    with refusals_as_messages(request):
        size_px = given["size_mm"] / (radiograph.pixel_spacing_mm or float("nan"))
        annotation = services.annotate(
            radiograph=radiograph,
            joint=joint,
            x_px=given["x_px"],
            y_px=given["y_px"],
            angle_deg=given["angle_deg"],
            size_px=size_px,
            version=given["version"],
            user=request.user,
        )
        saved = _("Saved: %(joint)s, version %(version)s.") % {"joint": joint, "version": annotation.version}
        messages.success(request, f"{saved} {_measured_again(request, radiograph, joint)}")
    return _back(radiograph, joint)


@login_required
@require_POST
def outline(request: SignedInRequest, uuid: UUID, joint: str) -> HttpResponse:
    """Draw a bone's outline, or give it back to the model: a new version."""
    radiograph = queries.radiograph_or_404(request.user, uuid)
    form = OutlineForm(request.POST)
    annotation = queries.annotations_of(radiograph).get(joint)
    if annotation is None:
        raise Http404
    if not form.is_valid():
        messages.error(request, _("The outline could not be read. Draw it again."))
        return _back(radiograph, joint)
    given = form.cleaned_data
    with refusals_as_messages(request):
        if annotation.version != given["annotation"]:
            raise services.changed_meanwhile()
        drawn = services.draw_outline(
            annotation=annotation,
            bone=given["bone"],
            polygon=given["polygon"],
            version=given["version"],
            user=request.user,
        )
        words = {"joint": joint, "bone": drawn.get_bone_display(), "version": drawn.version}
        saved = (
            _("Saved: outline of the %(bone)s of %(joint)s, version %(version)s.")
            if drawn.polygon
            else _("The model outlines the %(bone)s of %(joint)s again.")
        )
        messages.success(request, f"{saved % words} {_measured_again(request, radiograph, joint)}")
    return _back(radiograph, joint)


@login_required
@require_POST
def side(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """File the film under the other hand, or swap both hands of the visit."""
    radiograph = queries.radiograph_or_404(request.user, uuid)
    form = SideForm(request.POST)
    with refusals_as_messages(request):
        swap = form.is_valid() and form.cleaned_data["swap"]
        radiograph = services.correct_laterality(radiograph=radiograph, swap=swap, user=request.user)
        hand = {"side": radiograph.get_laterality_display()}
        messages.success(request, _("Filed as %(side)s hand. Its joints are found and measured anew.") % hand)
    return redirect("radiographs:film", radiograph.uuid)


def _measured_again(request: SignedInRequest, radiograph: Radiograph, joint: str) -> str:
    films = Q(baseline=radiograph) | Q(followup=radiograph)
    runs = Run.objects.restrict(request.user).filter(films, state__in=film.ACTIVE)
    count = sum(joint in run.joints for run in runs.select_related("baseline__study"))
    if not count:
        return _("There is no pair of films to measure yet.")
    return ngettext(
        "It is measured again in %(count)s pair of films; the other joints stay as they are.",
        "It is measured again in %(count)s pairs of films; the other joints stay as they are.",
        count,
    ) % {"count": count}


def _back(radiograph: Radiograph, joint: str) -> HttpResponse:
    return redirect(f"{reverse('radiographs:film', args=[radiograph.uuid])}?joint={joint}")
