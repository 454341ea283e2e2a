"""Find the finger joints of a hand on a whole film, at any rotation, left or right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model_store.locator.contract import INPUT_PX, LANDMARKS
from model_store.locator.shape import ADULT_BREADTH_MM, MCP2, MCP5, HandFit, fit_hand, handedness
from workers.inference import InferenceBackend, get_backend
from workers.pipeline.crop import Matrix, apply, resample, upright
from workers.pipeline.readings import readings
from workers.pipeline.types import JOINTS, ROI_SIZE_MM, FloatArray, Laterality, LocatedJoint

Floats = npt.NDArray[np.float64]

_PRESENT = 0.35  # agreement from which on there is a hand
_SURE = 0.6  # agreement from which on no other reading of the film is tried
_CERTAIN_SIDE = 0.25  # how much better one side must fit for the film to overrule what it is filed as
_GUESSED = 0.05  # confidence below which a joint is placed where the hand's shape expects it
_FILL = 0.86  # share of the frame that the landmarks fill on a closer look
_CLOSER_LOOKS = (
    (0.0,),
    (-7.0, 0.0, 7.0),
)  # turns of the hand, degrees, of each look; the last ones are averaged

#: The landmark that a joint's distal bone points to, and the one it starts at.
_AXES: dict[str, tuple[str, str]] = {
    **{f"MCP{ray}": (f"MCP{ray}", "IP1" if ray == 1 else f"PIP{ray}") for ray in range(1, 6)},
    **{f"PIP{ray}": (f"PIP{ray}", f"DIP{ray}") for ray in range(2, 6)},
    **{f"DIP{ray}": (f"DIP{ray}", f"TIP{ray}") for ray in range(2, 6)},
    "IP1": ("IP1", "TIP1"),
}


@dataclass(frozen=True)
class HandLocation:
    """The hand on a film.

    ``joints``: empty where no hand was found. ``laterality``: as the film shows it, for a posteroanterior view; None
    where no hand was found or it cannot be told. ``confidence``: 0 to 1, that there is a hand, whole and as found.
    """

    joints: list[LocatedJoint]
    laterality: Laterality | None
    confidence: float


def locate_joints(
    image: FloatArray,
    *,
    pixel_spacing_mm: float | None = None,
    laterality: Laterality | None = None,
    backend: InferenceBackend | None = None,
) -> list[LocatedJoint]:
    """The joints of ``JOINTS`` that are on the film, in that order; an empty list where there is no hand.

    Args and errors: see ``locate_hand``.
    """
    found = locate_hand(image, pixel_spacing_mm=pixel_spacing_mm, laterality=laterality, backend=backend)
    return [joint for joint in found.joints if joint.joint in JOINTS]


def locate_hand(
    image: FloatArray,
    *,
    pixel_spacing_mm: float | None = None,
    laterality: Laterality | None = None,
    backend: InferenceBackend | None = None,
) -> HandLocation:
    """All fourteen finger joints of a hand, and which hand it is.

    The whole film is looked at in four orientations; the best answer says where and how the hand lies; then the hand
    is looked at again, upright and filling the frame. Where no hand, or a doubtful one, is seen, other readings of the
    film's tones are tried.

    Args:
        image: (H, W), bone bright, any intensity scale.
        pixel_spacing_mm: of the film; a ROI's side is then 22.4 mm. Without it, the ROI grows with the hand: 22.4 mm on
            an adult's.
        laterality: what the film is filed as; it decides only where the film itself does not tell.
        backend: what runs the model ``locator``; that of the environment where not given.

    Raises:
        ValueError: when the image is not a finite (H, W) array of at least 32 pixels a side, or the spacing is not
            positive.
        InferenceError: from the backend.
    """
    image = _checked(image, pixel_spacing_mm)
    backend = backend or get_backend()
    best = HandLocation([], None, 0.0)
    for reading in readings(image):
        found = _locate(reading, pixel_spacing_mm, laterality, backend)
        if (bool(found.joints), found.confidence) > (bool(best.joints), best.confidence):
            best = found
        if best.joints and best.confidence > _SURE:
            break
    return best


def _locate(
    image: FloatArray,
    pixel_spacing_mm: float | None,
    laterality: Laterality | None,
    backend: InferenceBackend,
) -> HandLocation:
    """What one reading of the film shows."""
    points, confidence = _first_look(image, backend)
    fit = _fit(points, confidence, laterality)
    for turns in _CLOSER_LOOKS:
        if not _plausible(fit, image.shape):
            return HandLocation([], None, fit.agreement)
        points, confidence = _closer_look(image, fit, turns, backend)
        fit = _fit(points, confidence, laterality)
    if fit.agreement < _PRESENT:
        return HandLocation([], None, fit.agreement)
    joints = _joints(points, confidence, fit, image.shape, pixel_spacing_mm)
    return HandLocation(joints, "L" if fit.mirrored else "R", fit.agreement)


def _checked(image: FloatArray, pixel_spacing_mm: float | None) -> FloatArray:
    image = np.asarray(image, np.float32)
    if image.ndim != 2 or min(image.shape) < 32:
        raise ValueError(
            f"A film is an array (H, W) of at least 32 x 32 pixels; this one has shape {image.shape}."
        )
    if not np.isfinite(image).all():
        raise ValueError("The film has pixel values that are not finite.")
    if pixel_spacing_mm is not None and not pixel_spacing_mm > 0:
        raise ValueError(f"Pixel spacing must be positive, not {pixel_spacing_mm}.")
    return image


def _look(image: FloatArray, views: list[Matrix], backend: InferenceBackend) -> list[tuple[Floats, Floats]]:
    """Landmarks (19, 2) in pixels of the image, and their confidence (19,), from each view of it."""
    frames = []
    for view in views:
        frame = resample(image, view, (INPUT_PX, INPUT_PX), order=1)[0]
        frames.append(np.clip(frame, *np.percentile(frame, [0.5, 99.5])))
    found = backend.infer("locator", {"image": np.stack(frames)[:, None].astype(np.float32)})
    points, confidence = (np.asarray(found[name], np.float64) for name in ("points", "confidence"))
    return [(apply(view, p), c) for view, p, c in zip(views, points, confidence, strict=True)]


def _first_look(image: FloatArray, backend: InferenceBackend) -> tuple[Floats, Floats]:
    """The whole film, in the four orientations; the answer that looks most like a hand."""
    height, width = image.shape
    centre, step = ((width - 1) / 2, (height - 1) / 2), max(height, width) / INPUT_PX
    small = resample(image, upright(centre, 0.0, step, INPUT_PX), (INPUT_PX, INPUT_PX), order=1)[0]
    middle = ((INPUT_PX - 1) / 2, (INPUT_PX - 1) / 2)
    quarters = [upright(middle, angle, 1.0, INPUT_PX) for angle in (0.0, 90.0, 180.0, 270.0)]
    answers = _look(small, quarters, backend)
    points, confidence = max(answers, key=lambda answer: handedness(*answer)[0].agreement)
    return apply(upright(centre, 0.0, step, INPUT_PX), points), confidence


def _closer_look(
    image: FloatArray, fit: HandFit, turns: tuple[float, ...], backend: InferenceBackend
) -> tuple[Floats, Floats]:
    """The hand upright, as a right one, filling the frame; the mean over small turns."""
    shape = fit.points()
    views = []
    for turn in turns:
        angle = fit.angle_deg + turn
        axes = upright((0.0, 0.0), angle, 1.0, 1, mirrored=fit.mirrored)[:, :2]
        within = shape @ axes  # the landmarks along the view's own axes
        low, high = within.min(axis=0), within.max(axis=0)
        centre = axes @ ((low + high) / 2)
        step = float((high - low).max()) / (_FILL * INPUT_PX)
        views.append(upright(centre, angle, step, INPUT_PX, mirrored=fit.mirrored))
    answers = _look(image, views, backend)
    points = np.stack([points for points, _ in answers])
    confidence = np.stack([confidence for _, confidence in answers])
    weight = confidence[..., None] + 1e-6
    return (points * weight).sum(axis=0) / weight.sum(axis=0), confidence.mean(axis=0)


def _fit(points: Floats, confidence: Floats, filed_as: Laterality | None) -> HandFit:
    fit, certainty = handedness(points, confidence)
    if filed_as is not None and certainty < _CERTAIN_SIDE:
        return fit_hand(points, confidence, mirrored=filed_as == "L")
    return fit


def _plausible(fit: HandFit, shape: tuple[int, ...]) -> bool:
    """Whether a closer look is worth it: there may be a hand, and not a far smaller or larger one than the film."""
    breadth = fit.scale_px * ADULT_BREADTH_MM
    return fit.agreement > 0.5 * _PRESENT and 0.04 * max(shape) < breadth < max(shape)


def _joints(
    points: Floats, confidence: Floats, fit: HandFit, shape: tuple[int, ...], pixel_spacing_mm: float | None
) -> list[LocatedJoint]:
    expected = fit.points()
    points = np.where(confidence[:, None] < _GUESSED, expected, points)
    place = dict(zip(LANDMARKS, points, strict=True))
    breadth = float(np.linalg.norm(points[MCP2] - points[MCP5]))
    size = ROI_SIZE_MM / pixel_spacing_mm if pixel_spacing_mm else ROI_SIZE_MM * breadth / ADULT_BREADTH_MM
    joints = []
    for index, name in enumerate(LANDMARKS):
        if name not in _AXES:
            continue
        x, y = place[name]
        if not (-0.5 <= x <= shape[1] - 0.5 and -0.5 <= y <= shape[0] - 0.5):
            continue
        start, end = (place[end] for end in _AXES[name])
        angle = float(np.rad2deg(np.arctan2(end[0] - start[0], start[1] - end[1])))
        trust = float(confidence[index] * np.exp(-((fit.residual[index] / 0.6) ** 2)))
        joints.append(LocatedJoint(name, float(x), float(y), angle, size, trust))
    return joints
