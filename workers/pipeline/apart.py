"""Two hands on one film, taken apart: where the other one may be, and what it looks like with this one painted over."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from model_store.locator.contract import LANDMARKS
from workers.pipeline.looking import SeenHand, Window
from workers.pipeline.types import BoolArray, FloatArray

_FINGER_MM = 24.0  # width that a finger and its metacarpal cover, on an adult's hand
_FOREARM_MM = 62.0
#: Wrist and forearm in the frame of the mean shape, mm: below MCP3, which is its origin.
_WRIST_MM, _ELBOW_MM = (4.0, 72.0), (4.0, 190.0)
_RAYS = tuple(
    tuple(f"{joint}{ray}" for joint in (("MCP", "IP", "TIP") if ray == 1 else ("MCP", "PIP", "DIP", "TIP")))
    for ray in range(1, 6)
)


def covered(hand: SeenHand, shape: tuple[int, ...]) -> BoolArray:
    """The part (H, W) of a picture of this shape that a hand and its forearm cover, with a little room."""
    picture = Image.new("1", (shape[1], shape[0]))
    draw = ImageDraw.Draw(picture)
    scale = hand.fit.scale_px
    wrist, elbow = (np.array(place) @ hand.fit.linear.T + hand.fit.offset for place in (_WRIST_MM, _ELBOW_MM))
    place = dict(zip(LANDMARKS, hand.points, strict=True))
    for ray in _RAYS:
        line = [wrist, *(place[name] for name in ray)]
        _stroke(draw, [(float(x), float(y)) for x, y in line], _FINGER_MM * scale)
    _stroke(draw, [(float(x), float(y)) for x, y in (wrist, elbow)], _FOREARM_MM * scale)
    return np.asarray(picture, np.bool_)


def without(image: FloatArray, part: BoolArray) -> FloatArray:
    """The picture (H, W) with a part of it painted in the tone that lies around it."""
    ring = ndimage.binary_dilation(part, iterations=4) & ~part
    return np.where(part, np.median(image[ring] if ring.any() else image), image).astype(np.float32)


def halves(shape: tuple[int, ...]) -> tuple[Window, Window]:
    """The halves of a film (H, W) across its longer side: two hands may lie there, and neither be clear of the other
    on a look at the whole film.
    """
    height, width = shape
    if width >= height:
        return Window(0, 0, width // 2, height), Window(width // 2, 0, width - width // 2, height)
    return Window(0, 0, width, height // 2), Window(0, height // 2, width, height - height // 2)


def widest_strip_beside(part: BoolArray) -> Window:
    """What of a film lies left of, right of, above or below all of a part of it (H, W): the largest of these."""
    height, width = part.shape
    columns, rows = np.flatnonzero(part.any(axis=0)), np.flatnonzero(part.any(axis=1))
    if columns.size == 0:
        return Window(0, 0, width, height)
    left, right, top, bottom = int(columns[0]), int(columns[-1]) + 1, int(rows[0]), int(rows[-1]) + 1
    strips = (
        Window(0, 0, left, height),
        Window(right, 0, width - right, height),
        Window(0, 0, width, top),
        Window(0, bottom, width, height - bottom),
    )
    return max(strips, key=lambda strip: strip.width * strip.height)


def opposite(part: BoolArray) -> Window:
    """A window as large as a part of a film (H, W), and a third more, on the other side of the film's middle: where a
    second hand lies on a film that was centred on both.
    """
    height, width = part.shape
    columns, rows = np.flatnonzero(part.any(axis=0)), np.flatnonzero(part.any(axis=1))
    if columns.size == 0:
        return Window(0, 0, width, height)
    x, y = width - 1 - (columns[0] + columns[-1]) / 2, height - 1 - (rows[0] + rows[-1]) / 2
    half = 1.33 * max(np.ptp(columns), np.ptp(rows)) / 2
    left, right = (int(np.clip(edge, 0, width)) for edge in (x - half, x + half))
    top, bottom = (int(np.clip(edge, 0, height)) for edge in (y - half, y + half))
    return Window(left, top, max(right - left, 1), max(bottom - top, 1))


def _stroke(draw: ImageDraw.ImageDraw, line: list[tuple[float, float]], width: float) -> None:
    draw.line(line, fill=1, width=max(1, round(width)))
    for x, y in line:
        draw.ellipse([x - width / 2, y - width / 2, x + width / 2, y + width / 2], fill=1)
