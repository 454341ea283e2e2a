"""Look for one hand on a picture: the whole of it, then closer and closer, upright and filling the frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw
from scipy.spatial import ConvexHull

from model_store.locator.contract import INPUT_PX
from model_store.locator.shape import ADULT_BREADTH_MM, HandFit, fit_hand, handedness
from workers.inference.protocol import InferenceBackend
from workers.pipeline.crop import Matrix, apply, invert, resample, upright
from workers.pipeline.types import BoolArray, FloatArray, Laterality

Floats = npt.NDArray[np.float64]

PRESENT = 0.35  # agreement from which on there is a hand
_CERTAIN_SIDE = 0.25  # how much better one side must fit for the film to overrule what it is filed as
#: Closer looks: the share of the frame that the landmarks fill, and the turns of the hand, degrees, of each. The first
#: leaves room for what the look at the whole film may have missed.
Looks = tuple[tuple[float, tuple[float, ...]], ...]
LAST_LOOK: Looks = ((0.86, (-20.0, -10.0, 0.0, 10.0, 20.0)),)
CLOSER_LOOKS: Looks = ((0.55, (-15.0, 15.0)), *LAST_LOOK)
_SAME_PLACE = 0.06  # distance, in breadths of the hand, within which two answers mean one place
_ROOM_ABOUT = 1.25  # the region whose tones count: the hull of the landmarks, this much larger


@dataclass(frozen=True)
class Window:
    """A part of a picture: its left, top, width and height, px."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True)
class SeenHand:
    """The landmarks (19, 2) of a hand, px, their confidence (19,), and the hand's shape laid over them."""

    points: Floats
    confidence: Floats
    fit: HandFit

    @property
    def is_there(self) -> bool:
        """Whether it is a hand at all."""
        return self.fit.agreement >= PRESENT

    @property
    def laterality(self) -> Laterality:
        """Which hand it is, on a posteroanterior view."""
        return "L" if self.fit.mirrored else "R"

    @property
    def breadth_px(self) -> float:
        """From MCP2 to MCP5, as the fitted shape has it."""
        return self.fit.scale_px * ADULT_BREADTH_MM


def look_for_hand(
    image: FloatArray, filed_as: Laterality | None, backend: InferenceBackend, within: Window | None = None
) -> SeenHand:
    """What looks most like a hand on the picture, in any of four orientations.

    Args:
        image: (H, W), bone bright.
        filed_as: the hand it ought to be; it decides only where the picture does not tell.
        backend: what runs the model ``locator``.
        within: the part of the picture that the first look is at; all of it where not given.
    """
    window = within or Window(0, 0, image.shape[1], image.shape[0])
    return look_closer(image, _first_look(image, window, filed_as, backend), filed_as, backend)


def look_closer(
    image: FloatArray,
    seen: SeenHand,
    filed_as: Laterality | None,
    backend: InferenceBackend,
    looks: Looks = CLOSER_LOOKS,
) -> SeenHand:
    """The hand again, as found by looks at it alone; what proves to be none has an agreement below ``PRESENT``."""
    for fill, turns in looks:
        if not _plausible(seen, image.shape):
            break
        seen = _closer_look(image, seen.fit, fill, turns, filed_as, backend)
    return seen


def _look(
    image: FloatArray, views: list[Matrix], backend: InferenceBackend, region: Floats | None = None
) -> list[tuple[Floats, Floats]]:
    """Landmarks (19, 2) in pixels of the image, and their confidence (19,), from each view of it.

    The tones of each view are cut to the range of those in the region, the hull of points (N, 2) on the image, or of
    all: black corners, white shutters and markers beside a hand then do not drown it.
    """
    frames = []
    for view in views:
        frame = resample(image, view, (INPUT_PX, INPUT_PX), order=1)[0]
        counted = frame if region is None else frame[_hull(apply(invert(view), region))]
        frames.append(np.clip(frame, *np.percentile(counted if counted.size else frame, [0.5, 99.5])))
    found = backend.infer("locator", {"image": np.stack(frames)[:, None].astype(np.float32)})
    points, confidence = (np.asarray(found[name], np.float64) for name in ("points", "confidence"))
    return [(apply(view, p), c) for view, p, c in zip(views, points, confidence, strict=True)]


def _first_look(
    image: FloatArray, window: Window, filed_as: Laterality | None, backend: InferenceBackend
) -> SeenHand:
    """The window, in the four orientations; the answer that looks most like a hand."""
    part = image[window.top : window.top + window.height, window.left : window.left + window.width]
    centre = ((window.width - 1) / 2, (window.height - 1) / 2)
    whole = upright(centre, 0.0, max(part.shape) / INPUT_PX, INPUT_PX)
    small = resample(part, whole, (INPUT_PX, INPUT_PX), order=1)[0]
    middle = ((INPUT_PX - 1) / 2, (INPUT_PX - 1) / 2)
    quarters = [upright(middle, angle, 1.0, INPUT_PX) for angle in (0.0, 90.0, 180.0, 270.0)]
    answers = _look(small, quarters, backend)
    points, confidence = max(answers, key=lambda answer: handedness(*answer)[0].agreement)
    return _seen(apply(whole, points) + np.array([window.left, window.top]), confidence, filed_as)


def _closer_look(
    image: FloatArray,
    fit: HandFit,
    fill: float,
    turns: tuple[float, ...],
    filed_as: Laterality | None,
    backend: InferenceBackend,
) -> SeenHand:
    """The hand upright, as a right one, filling the frame; the mean over small turns."""
    shape = fit.points()
    views = []
    for turn in turns:
        angle = fit.angle_deg + turn
        axes = upright((0.0, 0.0), angle, 1.0, 1, mirrored=fit.mirrored)[:, :2]
        within = shape @ axes  # the landmarks along the view's own axes
        low, high = within.min(axis=0), within.max(axis=0)
        centre = axes @ ((low + high) / 2)
        step = float((high - low).max()) / (fill * INPUT_PX)
        views.append(upright(centre, angle, step, INPUT_PX, mirrored=fit.mirrored))
    region = shape.mean(axis=0) + _ROOM_ABOUT * (shape - shape.mean(axis=0))
    answers = _look(image, views, backend, region)
    breadth = fit.scale_px * ADULT_BREADTH_MM
    points, confidence = (np.stack(part) for part in zip(*answers, strict=True))
    return _seen(*agree(points, confidence, breadth), filed_as)


def agree(points: Floats, confidence: Floats, breadth_px: float) -> tuple[Floats, Floats]:
    """Landmarks (L, 2) and confidence (L,) that several views (V, L, 2), (V, L) support together.

    Each landmark goes where most of the views' confidence lies, less what other landmarks claim there: two joints
    are never in one place. Answers for that place are averaged.
    """
    views, count = confidence.shape
    everywhere = points.reshape(-1, 2)
    distance = np.linalg.norm(everywhere[:, None] - everywhere[None], axis=-1)
    near = np.exp(-((distance / (_SAME_PLACE * breadth_px)) ** 2)).reshape(views, count, views, count)
    # of landmark m to where view v has landmark l
    claims = np.einsum("vlwm,wm->vlm", near, confidence) / views
    own = np.einsum("vll->vl", claims)
    rival = np.where(np.eye(count, dtype=bool), 0.0, claims).max(axis=-1)
    best = (own * (1.0 - np.clip(rival, 0.0, 1.0))).argmax(axis=0)
    weight = np.einsum("vlwl->vlw", near)[best, np.arange(count)].T * confidence + 1e-9
    place = (points * weight[..., None]).sum(axis=0) / weight.sum(axis=0)[:, None]
    return place, np.clip(own[best, np.arange(count)], 0.0, 1.0)


def _hull(points: Floats) -> BoolArray:
    """The pixels of a view that lie in the convex hull of points (N, 2)."""
    outline = points[ConvexHull(points).vertices]
    picture = Image.new("1", (INPUT_PX, INPUT_PX))
    ImageDraw.Draw(picture).polygon([(float(x), float(y)) for x, y in outline], fill=1)
    return np.asarray(picture, np.bool_)


def _seen(points: Floats, confidence: Floats, filed_as: Laterality | None) -> SeenHand:
    fit, certainty = handedness(points, confidence)
    if filed_as is not None and certainty < _CERTAIN_SIDE:
        fit = fit_hand(points, confidence, mirrored=filed_as == "L")
    return SeenHand(points, confidence, fit)


def _plausible(seen: SeenHand, shape: tuple[int, ...]) -> bool:
    """Whether a closer look is worth it: there may be a hand, and not a far smaller or larger one than the film."""
    return seen.fit.agreement > 0.5 * PRESENT and 0.04 * max(shape) < seen.breadth_px < max(shape)
