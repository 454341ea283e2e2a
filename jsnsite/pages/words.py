"""Plain words for codes that a reader sees, and how numbers are written."""

from __future__ import annotations

RELIABILITY = {
    "reliable": "Reliable",
    "review": "Needs review",
    "unreliable": "Unreliable",
    "flagged": "Flagged",
    "none": "Not measured",
    "baseline": "Baseline",
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
    "MCP": "metacarpophalangeal joint (knuckle)",
    "IP": "interphalangeal joint of the thumb",
    "PIP": "proximal interphalangeal joint",
    "DIP": "distal interphalangeal joint",
}
FINGERS = {"1": "thumb", "2": "index finger", "3": "middle finger", "4": "ring finger", "5": "little finger"}


def joint_name(joint: str) -> str:
    """``PIP3`` as "proximal interphalangeal joint, middle finger"."""
    group = JOINT_GROUPS.get(joint[:-1], joint)
    return group if joint == "IP1" else f"{group}, {FINGERS.get(joint[-1], '')}"


def reason(code: str) -> str:
    """A doubt of the pipeline as a sentence; an unknown code is shown with its underscores as spaces."""
    return REASONS.get(code, code.replace("_", " ").capitalize() + ".")


#: Doubts that the pipeline (``workers.pipeline.judge`` and ``quantify``) and the recording of a run raise.
REASONS: dict[str, str] = {
    "poor_match_upper": "The upper bone does not match well after registration.",
    "poor_match_lower": "The lower bone does not match well after registration.",
    "starts_disagree": "Registration ends at different places from different starting points.",
    "little_support": "Little of the bone is seen on both films.",
    "small_bone_area_upper": "Little of the upper bone is in the picture.",
    "small_bone_area_lower": "Little of the lower bone is in the picture.",
    "not_converged": "Registration had not settled when it stopped.",
    "bones_overlap": "The two bones overlap in the projection.",
    "scale_differs": "A bone's size differs between the films: another distance or posture.",
    "bones_turned": "The bones are turned against each other between the films.",
    "large_sigma": "The uncertainty is large.",
    "large_change": "The change is unusually large.",
    "beyond_film": "The joint lies at the edge of the film.",
    "uncertain_location": "It is uncertain whether the joint was found in the right place.",
    "not_finite": "The picture has damaged values.",
    "no_contrast": "The picture has no contrast here.",
    "upper_bone_not_found": "The upper bone was not found.",
    "lower_bone_not_found": "The lower bone was not found.",
    "joint_not_found": "The joint was not found on both films.",
    "spacing_source_differs": "The pixel spacing of the two films comes from different sources.",
    "spacing_value_differs": "The two films have different pixel spacing.",
}


def signed_mm(value: float | None, digits: int = 2) -> str:
    """``+0.13``, ``−0.02`` or an en dash where there is no number; never ``-0.00``."""
    if value is None:
        return "–"
    rounded = round(value, digits)
    if rounded == 0:
        return f"{0:.{digits}f}"
    return f"{'+' if rounded > 0 else '−'}{abs(rounded):.{digits}f}"


def direction(jsn_mm: float | None, half_width_mm: float | None) -> str:
    """What the number says, given its error bar."""
    if jsn_mm is None:
        return "could not be measured"
    if half_width_mm is not None and abs(jsn_mm) <= half_width_mm:
        return "no change beyond the error bar"
    return "narrower than at baseline" if jsn_mm > 0 else "wider than at baseline"


def jsn_class(jsn_mm: float | None) -> str:
    """Colour class of the hand map."""
    if jsn_mm is None:
        return "none"
    for limit, name in ((-0.1, "wider"), (0.1, "still"), (0.25, "narrow-1"), (0.5, "narrow-2")):
        if jsn_mm < limit:
            return name
    return "narrow-3"
