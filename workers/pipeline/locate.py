"""Find the finger joints of the hands on a whole film, at any rotation, left or right, bone bright or dark."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model_store.locator.contract import LANDMARKS
from model_store.locator.shape import ADULT_BREADTH_MM, MCP2, MCP5
from workers.inference import InferenceBackend, get_backend
from workers.pipeline.apart import covered, halves, opposite, widest_strip_beside, without
from workers.pipeline.looking import LAST_LOOK, SeenHand, look_closer, look_for_hand
from workers.pipeline.readings import Reading, Thinned, readings, thinned
from workers.pipeline.types import JOINTS, ROI_SIZE_MM, FloatArray, Laterality, LocatedJoint

_SURE = 0.6  # agreement from which on no other reading of the film is tried
_SECOND = 0.5  # agreement from which on there is a second hand
_ALIKE = 0.55  # size of the smaller of two hands on one film, as a share of the larger one's
_SHARED = 0.35  # share of a hand that another one may cover without being the same hand
_ROOM = 1.0  # breadths of a hand that must be free beside it for another one to lie there
_GUESSED = 0.05  # trust below which a joint is placed where the hand's shape expects it
_ASTRAY = 0.6  # breadths beside where the hand's shape expects it, one sigma of what a landmark may be

#: The landmark that a joint's distal bone points to, and the one it starts at.
_AXES: dict[str, tuple[str, str]] = {
    **{f"MCP{ray}": (f"MCP{ray}", "IP1" if ray == 1 else f"PIP{ray}") for ray in range(1, 6)},
    **{f"PIP{ray}": (f"PIP{ray}", f"DIP{ray}") for ray in range(2, 6)},
    **{f"DIP{ray}": (f"DIP{ray}", f"TIP{ray}") for ray in range(2, 6)},
    "IP1": ("IP1", "TIP1"),
}
#: The landmark at the other end of a joint's proximal bone.
_BEFORE: dict[str, str] = {end: start for start, end in _AXES.values()}


@dataclass(frozen=True)
class HandLocation:
    """A hand on a film.

    ``joints``: empty where no hand was found. ``laterality``: as the film shows it, for a posteroanterior view; None
    where no hand was found. ``confidence``: 0 to 1, that there is a hand, whole and as found. ``bone_dark``: the film
    shows bone darker than what surrounds it, and must be inverted before anything is measured on it.
    """

    joints: list[LocatedJoint]
    laterality: Laterality | None
    confidence: float
    bone_dark: bool = False


def locate_joints(
    image: FloatArray,
    *,
    pixel_spacing_mm: float | None = None,
    laterality: Laterality | None = None,
    backend: InferenceBackend | None = None,
) -> list[LocatedJoint]:
    """The joints of ``JOINTS`` that are on the film, in that order; an empty list where there is no hand.

    Args and errors: see ``locate_hands``.
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
    """All fourteen finger joints of one hand: the one of this laterality where the film shows two, else the surer one.

    Args and errors: see ``locate_hands``. Where the film shows no hand, the location has no joints.
    """
    hands = locate_hands(image, pixel_spacing_mm=pixel_spacing_mm, laterality=laterality, backend=backend)
    wanted = [hand for hand in hands if hand.laterality == laterality]
    return max(wanted or hands, key=lambda hand: hand.confidence, default=HandLocation([], None, 0.0))


def locate_hands(
    image: FloatArray,
    *,
    pixel_spacing_mm: float | None = None,
    laterality: Laterality | None = None,
    backend: InferenceBackend | None = None,
) -> list[HandLocation]:
    """The hands on a film, none, one or two, from the film's left to its right, each with its finger joints.

    The whole film is looked at in four orientations; the best answer says where and how a hand lies; then the hand is
    looked at again, upright and filling the frame. What it covers is painted over, and a second hand is looked for;
    where there is one, each is looked at once more without the other. Where no hand, or a doubtful one, is seen, other
    readings of the film's tones are tried, the inverted film first, and then the halves of the film.

    Args:
        image: (H, W), bone bright or bone dark, any intensity scale.
        pixel_spacing_mm: of the film; a ROI's side is then 22.4 mm. Without it, the ROI grows with the hand: 22.4 mm on
            an adult's.
        laterality: what the film is filed as; it decides only where a film of one hand does not tell.
        backend: what runs the model ``locator``; that of the environment where not given.

    Raises:
        ValueError: when the image is not a finite (H, W) array of at least 32 pixels a side, or the spacing is not
            positive.
        InferenceError: from the backend.
    """
    image = _checked(image, pixel_spacing_mm)
    backend = backend or get_backend()
    film = thinned(image)
    reading, hand = _first_hand(film.pixels, laterality, backend)
    if not hand.is_there:
        return []
    hands = [hand]
    other = _second_hand(reading.pixels, hand, backend)
    if other is not None:
        hands = [_alone(reading.pixels, one, two, backend) for one, two in ((hand, other), (other, hand))]
    hands.sort(key=lambda hand: float(hand.fit.offset[0]))
    return [_location(hand, film, image.shape, pixel_spacing_mm, reading.bone_dark) for hand in hands]


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


def _first_hand(
    image: FloatArray, laterality: Laterality | None, backend: InferenceBackend
) -> tuple[Reading, SeenHand]:
    """The hand that is seen best in any reading of the film, and that reading."""
    best: tuple[Reading, SeenHand] | None = None
    for reading in readings(image):
        for window in (None, *(halves(image.shape) if reading.is_plain else ())):
            seen = look_for_hand(reading.pixels, laterality, backend, window)
            if best is None or seen.fit.agreement > best[1].fit.agreement:
                best = reading, seen
            if best[1].fit.agreement > _SURE:
                return best
    assert best is not None  # there is always a first reading
    return best


def _second_hand(image: FloatArray, hand: SeenHand, backend: InferenceBackend) -> SeenHand | None:
    """Another hand of about the same size, where there is one."""
    taken = covered(hand, image.shape)
    beside = widest_strip_beside(taken)
    if min(beside.width, beside.height) < _ROOM * hand.breadth_px:
        return None
    rest = without(image, taken)
    for window in (None, opposite(taken), beside):
        other = look_for_hand(rest, None, backend, window)
        sizes = sorted((hand.breadth_px, other.breadth_px))
        if other.fit.agreement < _SECOND or sizes[0] < _ALIKE * sizes[1]:
            continue
        place = covered(other, image.shape)
        if (taken & place).sum() < _SHARED * min(taken.sum(), place.sum()):
            return other
    return None


def _alone(image: FloatArray, hand: SeenHand, other: SeenHand, backend: InferenceBackend) -> SeenHand:
    """The hand as it is seen where the other one is painted over."""
    part = covered(other, image.shape) & ~covered(hand, image.shape)
    again = look_closer(without(image, part), hand, None, backend, looks=LAST_LOOK)
    return again if again.is_there else hand


def _location(
    hand: SeenHand,
    film: Thinned,
    shape: tuple[int, ...],
    pixel_spacing_mm: float | None,
    bone_dark: bool,
) -> HandLocation:
    trust = hand.confidence * np.exp(-((hand.fit.residual / _ASTRAY) ** 2))
    is_guess = trust < _GUESSED
    points = film.to_film(np.where(is_guess[:, None], hand.fit.points(), hand.points))
    place = dict(zip(LANDMARKS, points, strict=True))
    guessed = {name for name, guess in zip(LANDMARKS, is_guess, strict=True) if guess}
    breadth = float(np.linalg.norm(points[MCP2] - points[MCP5]))
    size = ROI_SIZE_MM / pixel_spacing_mm if pixel_spacing_mm else ROI_SIZE_MM * breadth / ADULT_BREADTH_MM
    joints = []
    for index, name in enumerate(LANDMARKS):
        if name not in _AXES:
            continue
        x, y = place[name]
        if not (-0.5 <= x <= shape[1] - 0.5 and -0.5 <= y <= shape[0] - 0.5):
            continue
        start, end = (place[landmark] for landmark in joint_axis(name, guessed))
        angle = float(np.rad2deg(np.arctan2(end[0] - start[0], start[1] - end[1])))
        joints.append(LocatedJoint(name, float(x), float(y), angle, size, float(trust[index])))
    return HandLocation(joints, hand.laterality, hand.fit.agreement, bone_dark)


def joint_axis(joint: str, guessed: set[str]) -> tuple[str, str]:
    """The landmarks that a joint's axis runs through: of its distal bone, or of its proximal one, with which a finger
    goes on straight, where only that one has been seen.
    """
    start, end = _AXES[joint]
    before = _BEFORE.get(start)
    return (before, start) if end in guessed and before and not guessed & {before, start} else (start, end)
