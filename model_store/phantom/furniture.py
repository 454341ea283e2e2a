"""What else is on a film: side marker, collimated edges, the cassette's frame, rings, a band exposed twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PilImage
from PIL import ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter

if TYPE_CHECKING:
    from .projection import Projection
    from .seen import JointTruth

Image = NDArray[np.float32]


@dataclass(frozen=True)
class Furniture:
    """marker: lead letter of the side, on a plate or not. collimation_mm: clear of the hand, None = open field.

    ring: the joint whose distal bone wears one, ring_mm beyond the joint, ring_width_mm broad. band: part of the film
    was exposed twice.
    """

    marker: Literal["none", "letter", "plate"] = "letter"
    marker_mm: float = 12.0
    marker_turn_deg: float = 0.0
    collimation_mm: float | None = None
    collimation_turn_deg: float = 0.0
    leak: float = 0.02  # of the beam beyond the collimator's blades
    frame: bool = False
    ring: str | None = None
    ring_mm: float = 18.0
    ring_width_mm: float = 4.0
    band: bool = False


def make_furniture(rng: np.random.Generator) -> Furniture:
    marker: tuple[Literal["none", "letter", "plate"], ...] = ("none", "letter", "plate")
    return Furniture(
        marker=marker[int(rng.choice(3, p=[0.2, 0.45, 0.35]))],
        marker_mm=float(rng.uniform(8.0, 15.0)),
        marker_turn_deg=float(rng.normal(0, 12.0)),
        collimation_mm=float(rng.uniform(6.0, 16.0)) if rng.random() < 0.4 else None,
        collimation_turn_deg=float(rng.normal(0, 1.5)),
        leak=float(rng.choice([0.004, 0.05, 0.5])),
        frame=bool(rng.random() < 0.15),
        ring=str(rng.choice(["MCP2", "MCP3", "MCP4", "MCP4", "MCP5"])) if rng.random() < 0.04 else None,
        ring_mm=float(rng.uniform(12.0, 22.0)),
        ring_width_mm=float(rng.uniform(2.0, 6.0)),
        band=bool(rng.random() < 0.02),
    )


def transmission(
    furniture: Furniture,
    projection: Projection,
    hand: NDArray[np.bool_],
    rng: np.random.Generator,
) -> Image:
    """Share of the beam that passes, (H, W) float32."""
    passes = np.ones(projection.shape, np.float32)
    if furniture.collimation_mm is not None:
        passes *= _blades(furniture, projection, hand)
    if furniture.frame:
        passes *= _frame(projection, rng)
    if furniture.band:
        passes *= _band(projection, rng)
    if furniture.ring in projection.joints:
        passes *= _ring(furniture, projection.joints[str(furniture.ring)], projection, hand)
    if furniture.marker != "none":
        _put_marker(passes, furniture, projection, hand, rng)
    return passes


def _blades(furniture: Furniture, projection: Projection, hand: NDArray[np.bool_]) -> Image:
    rows, columns = np.flatnonzero(hand.any(axis=1)), np.flatnonzero(hand.any(axis=0))
    spacing = projection.pixel_spacing_mm
    clear = float(furniture.collimation_mm or 0.0) / spacing
    centre = np.array([columns[0] + columns[-1], rows[0] + rows[-1]]) / 2
    half = np.array([columns[-1] - columns[0], rows[-1] - rows[0]]) / 2 + clear
    angle = np.deg2rad(furniture.collimation_turn_deg)
    y, x = np.ogrid[: hand.shape[0], : hand.shape[1]]
    u = (x - centre[0]) * np.cos(angle) + (y - centre[1]) * np.sin(angle)
    v = (y - centre[1]) * np.cos(angle) - (x - centre[0]) * np.sin(angle)
    inside = np.minimum(half[0] - np.abs(u), half[1] - np.abs(v))
    soft_edge = np.clip(inside / (0.8 / spacing) + 0.5, 0.0, 1.0)
    return (furniture.leak + (1.0 - furniture.leak) * soft_edge).astype(np.float32)


def _frame(projection: Projection, rng: np.random.Generator) -> Image:
    """A bright bar along one or two edges of the film."""
    passes = np.ones(projection.shape, np.float32)
    width = max(2, int(rng.uniform(1.0, 4.0) / projection.pixel_spacing_mm))
    for side in rng.choice(4, int(rng.integers(1, 3)), replace=False):
        inset = int(rng.uniform(0, 3.0) / projection.pixel_spacing_mm)
        view = (passes, passes[::-1], passes.T, passes.T[::-1])[int(side)]
        view[inset : inset + width] = rng.uniform(0.02, 0.4)
    return np.asarray(gaussian_filter(passes, 1.0))


def _band(projection: Projection, rng: np.random.Generator) -> Image:
    """A strip across the film that has been exposed less than the rest."""
    angle, offset = np.deg2rad(rng.uniform(-20.0, 20.0)), rng.uniform(-0.3, 0.3)
    height, width = projection.shape
    y, x = np.ogrid[:height, :width]
    along = (y - height * (0.5 + offset)) * np.cos(angle) + (x - width * 0.5) * np.sin(angle)
    half = rng.uniform(0.08, 0.25) * height
    inside = np.clip(half - np.abs(along) + 0.5, 0.0, 1.0)
    return (1.0 - rng.uniform(0.05, 0.5) * inside).astype(np.float32)


def _ring(furniture: Furniture, joint: JointTruth, projection: Projection, hand: NDArray[np.bool_]) -> Image:
    """A metal ring seen from its side: a bar across the finger, from skin to skin."""
    spacing = projection.pixel_spacing_mm
    place = joint.to_film(np.array([0.0, -furniture.ring_mm / spacing]))
    y, x = np.mgrid[: hand.shape[0], : hand.shape[1]]
    local = joint.to_roi(np.stack([x, y], axis=-1)) - joint.to_roi(place)
    bar = np.clip(0.5 + 0.5 * furniture.ring_width_mm / spacing - np.abs(local[..., 1]), 0.0, 1.0)
    finger = hand & (np.abs(local[..., 0]) * spacing < 12.0)
    metal = gaussian_filter((bar * finger).astype(np.float32), 0.7)
    return np.asarray(1.0 - np.float32(0.995) * metal)


def _put_marker(
    passes: Image,
    furniture: Furniture,
    projection: Projection,
    hand: NDArray[np.bool_],
    rng: np.random.Generator,
) -> None:
    stamp = _stamp(furniture, projection, rng)
    height, width = stamp.shape
    rows, columns = passes.shape
    if height >= rows or width >= columns:
        return
    for _ in range(40):  # somewhere free; a crowded film goes without
        row, column = (
            int(rng.integers(0, rows - height)),
            int(rng.integers(0, columns - width)),
        )
        if not hand[row : row + height, column : column + width].any():
            passes[row : row + height, column : column + width] *= stamp
            return


def _stamp(furniture: Furniture, projection: Projection, rng: np.random.Generator) -> Image:
    size = int(furniture.marker_mm / projection.pixel_spacing_mm)
    initials = "".join(rng.choice(list("ABCDEGHJKMNPRSTW"), 2))
    text = projection.laterality if rng.random() < 0.5 else f"{projection.laterality}\n{initials}"
    side = int(size * 2.6)
    sheet = PilImage.new("L", (side, side), 255)
    draw = ImageDraw.Draw(sheet)
    if furniture.marker == "plate":
        draw.rounded_rectangle((side * 0.12, side * 0.08, side * 0.88, side * 0.92), side * 0.08, fill=205)
    draw.multiline_text(
        (side / 2, side / 2), text, fill=6, anchor="mm", align="center", font=ImageFont.load_default(size * 0.85),
        stroke_width=max(1, size // 30), stroke_fill=6,
    )  # fmt: skip
    turned = sheet.rotate(furniture.marker_turn_deg, fillcolor=255, resample=PilImage.Resampling.BILINEAR)
    return np.asarray(turned, np.float32) / np.float32(255.0)
