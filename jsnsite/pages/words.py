"""Plain words for codes that a reader sees, and how numbers are written."""

from __future__ import annotations

from django.utils.formats import get_format, number_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from jsnsite.measurements.trending import MISCLOSURE, NOT_CONNECTED, ONLY_DOUBTFUL_PAIRS

RELIABILITY = {
    "reliable": _("Reliable"),
    "review": _("Needs review"),
    "unreliable": _("Unreliable"),
    "flagged": _("Flagged"),
    "none": _("Not measured"),
    "baseline": _("Baseline"),
}
RELIABILITY_ICON = {
    "reliable": "check",
    "review": "question",
    "unreliable": "cross",
    "flagged": "flag",
    "none": "dash",
    "baseline": "dot",
}

JOINT_GROUPS = {
    "MCP": _("metacarpophalangeal joint (knuckle)"),
    "IP": _("interphalangeal joint of the thumb"),
    "PIP": _("proximal interphalangeal joint"),
    "DIP": _("distal interphalangeal joint"),
}
FINGERS = {
    "1": _("thumb"),
    "2": _("index finger"),
    "3": _("middle finger"),
    "4": _("ring finger"),
    "5": _("little finger"),
}


def joint_name(joint: str) -> str:
    """``PIP3`` as "proximal interphalangeal joint, middle finger"."""
    group = str(JOINT_GROUPS.get(joint[:-1], joint))
    return group if joint == "IP1" else f"{group}, {FINGERS.get(joint[-1], '')}"


def reason(code: str) -> str:
    """A doubt of the pipeline as a sentence; an unknown code is shown with its underscores as spaces."""
    return str(REASONS.get(code, code.replace("_", " ").capitalize() + "."))


#: Doubts that the pipeline (``workers.pipeline.judge`` and ``quantify``) and the recording of a run raise.
REASONS = {
    "poor_match_upper": _("The upper bone does not match well after registration."),
    "poor_match_lower": _("The lower bone does not match well after registration."),
    "starts_disagree": _("Registration ends at different places from different starting points."),
    "little_support": _("Little of the bone is seen on both films."),
    "small_bone_area_upper": _("Little of the upper bone is in the picture."),
    "small_bone_area_lower": _("Little of the lower bone is in the picture."),
    "not_converged": _("Registration had not settled when it stopped."),
    "bones_overlap": _("The two bones overlap in the projection."),
    "scale_differs": _("A bone's size differs between the films: another distance or posture."),
    "films_differ": _("The films were taken or processed in very different ways."),
    "bones_turned": _("The bones are turned against each other between the films."),
    "large_sigma": _("The uncertainty is large."),
    "large_change": _("The change is unusually large."),
    "beyond_film": _("The joint lies at the edge of the film."),
    "uncertain_location": _("It is uncertain whether the joint was found in the right place."),
    "not_finite": _("The picture has damaged values."),
    "no_contrast": _("The picture has no contrast here."),
    "upper_bone_not_found": _("The upper bone was not found."),
    "lower_bone_not_found": _("The lower bone was not found."),
    "joint_not_found": _("The joint was not found on both films."),
    "spacing_source_differs": _("The pixel spacing of the two films comes from different sources."),
    "spacing_value_differs": _("The two films have different pixel spacing."),
    ONLY_DOUBTFUL_PAIRS: _("Connected to the baseline only through measurements that ask for review."),
    MISCLOSURE: _("Measurements over several films contradict each other here."),
    NOT_CONNECTED: _("No measurement that counts connects this visit to the baseline."),
}

#: What the script of the drop zone says while films are sent.
UPLOAD = {
    "upload_of": _("Upload of %(name)s"),
    "waiting": _("Waiting"),
    "sent": _("%(percent)s %% sent"),
    "checking": _("Checking the film"),
    "paused": _("Many files at once: goes on in %(seconds)s s"),
    "too_large": _(
        "The server refuses files of this size. Send the single radiograph, uncompressed archives are not read."
    ),
    "refused": _(
        "Not uploaded: the server answered %(status)s. Try this file again; if it repeats, tell your administrator."
    ),
    "lost": _("Not uploaded: the connection was lost. Check the network and drop the file again."),
    "one_checked": _("%(done)s of %(total)s file checked"),
    "many_checked": _("%(done)s of %(total)s files checked"),
}


def signed_mm(value: float | None, digits: int = 2) -> str:
    """``+0.13``, ``−0.02`` or an en dash where there is no number; never ``-0.00``."""
    if value is None:
        return "–"
    rounded = round(value, digits)
    if rounded == 0:
        return number_format(0, digits)
    return f"{'+' if rounded > 0 else '−'}{number_format(abs(rounded), digits)}"


def unsigned_mm(value: float | None, digits: int = 2) -> str:
    """A size, or an en dash where there is no number."""
    # rounded first: number_format cuts digits off
    return "–" if value is None else number_format(round(value, digits), digits)


def as_written(number: str) -> str:
    """A stored number, every digit of it, with the reader's decimal sign."""
    return number.replace(".", get_format("DECIMAL_SEPARATOR"))


def exact(value: float | None) -> str:
    """Up to four digits that count, or an en dash."""
    return "–" if value is None else as_written(f"{value:.4g}")


def direction(jsn_mm: float | None, half_width_mm: float | None) -> str:
    """What the number says, given its error bar."""
    if jsn_mm is None:
        return gettext("could not be measured")
    if half_width_mm is not None and abs(jsn_mm) <= half_width_mm:
        return gettext("no change beyond the error bar")
    return gettext("narrower than at baseline") if jsn_mm > 0 else gettext("wider than at baseline")
