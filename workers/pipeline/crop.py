"""Crop a joint out of a film, upright, with the exact way back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from workers.pipeline.types import ROI_SIZE_MM, BoolArray, FloatArray, LocatedJoint

Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Crop:
    """An upright ROI cut out of a film.

    ``pixels`` (S, S), ``valid`` (S, S) False where the ROI reaches beyond the film, ``spacing_mm`` of the ROI's
    pixels, ``matrix`` (2, 3) from ROI pixels to film pixels: ``film = matrix @ (x, y, 1)``.
    """

    pixels: FloatArray
    valid: BoolArray
    spacing_mm: float
    matrix: Matrix

    def to_film(self, xy: npt.ArrayLike) -> Matrix:
        """Points (..., 2), (x, y) in ROI pixels, as film pixels."""
        return apply(self.matrix, xy)

    def to_roi(self, xy: npt.ArrayLike) -> Matrix:
        """Points (..., 2), (x, y) in film pixels, as ROI pixels."""
        return apply(invert(self.matrix), xy)


def apply(matrix: Matrix, xy: npt.ArrayLike) -> Matrix:
    """Map points (..., 2) by an affine matrix (2, 3)."""
    return np.asarray(xy, np.float64) @ matrix[:, :2].T + matrix[:, 2]


def invert(matrix: Matrix) -> Matrix:
    """The affine matrix (2, 3) of the way back."""
    linear = np.linalg.inv(matrix[:, :2])
    return np.column_stack([linear, -linear @ matrix[:, 2]])


def upright(
    centre_xy: npt.ArrayLike, angle_deg: float, step_px: float, side_px: int, *, mirrored: bool = False
) -> Matrix:
    """Affine matrix (2, 3) from the pixels of an upright square to those of the film.

    Args:
        centre_xy: the square's centre on the film.
        angle_deg: direction on the film of what is up in the square, 0 = up the film, positive clockwise.
        step_px: film pixels per pixel of the square.
        side_px: side of the square in its own pixels.
        mirrored: whether the square shows the film mirrored left to right.
    """
    angle = np.deg2rad(angle_deg)
    linear = step_px * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    if mirrored:
        linear[:, 0] *= -1.0
    middle = np.full(2, (side_px - 1) / 2)
    return np.column_stack([linear, np.asarray(centre_xy, np.float64) - linear @ middle])


def resample(
    image: FloatArray, matrix: Matrix, shape: tuple[int, int], *, order: int = 3
) -> tuple[FloatArray, BoolArray]:
    """Sample an image on another grid by splines, without aliasing.

    Where the new grid is coarser by a factor f, the image is first smoothed by a Gaussian of
    ``sigma = sqrt(f^2 - 1) / 2`` pixels, which takes the point spread of one old pixel to that of a new one.

    Args:
        image: (H, W).
        matrix: (2, 3) from pixels of the result to pixels of the image.
        shape: of the result.
        order: of the spline, 1 or 3.

    Returns:
        the result, edge values repeated beyond the image, and where it is inside the image.
    """
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    x, y = np.moveaxis(apply(matrix, np.stack([columns, rows], axis=-1)), -1, 0)
    valid = (x >= -0.5) & (x <= image.shape[1] - 0.5) & (y >= -0.5) & (y <= image.shape[0] - 0.5)
    factor = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    sigma = 0.5 * np.sqrt(max(factor**2 - 1.0, 0.0))
    window, left, top = _window(image, x, y, margin=int(np.ceil(4 * sigma)) + 12)
    reduction = int(factor // 4)
    if reduction > 1:  # a mean over few pixels first keeps strong reduction of a large film fast
        window = _block_mean(window, reduction)
        sigma = 0.5 * np.sqrt((factor / reduction) ** 2 - 1.0)
    step = max(reduction, 1)
    if sigma > 0:
        window = ndimage.gaussian_filter(window, sigma, mode="nearest", truncate=4.0)
    where = np.stack([y - top, x - left])
    where = (where - (step - 1) / 2) / step
    return ndimage.map_coordinates(window, where, order=order, mode="nearest"), valid


def _window(image: FloatArray, x: Matrix, y: Matrix, margin: int) -> tuple[FloatArray, int, int]:
    """The part of the image that these coordinates and a margin about them touch, and its left and top."""
    height, width = image.shape
    left, top = (int(np.clip(np.floor(v.min()) - margin, 0, end - 1)) for v, end in ((x, width), (y, height)))
    right, bottom = (
        int(np.clip(np.ceil(v.max()) + margin + 1, 1, end)) for v, end in ((x, width), (y, height))
    )
    part = image[top : max(bottom, top + 1), left : max(right, left + 1)]
    return np.asarray(part, np.float32), left, top


def _block_mean(image: FloatArray, size: int) -> FloatArray:
    """Mean over blocks of (size, size), edges repeated to fill the last ones."""
    pad = [(0, -length % size) for length in image.shape]
    padded = np.pad(image, pad, mode="edge")
    blocks = padded.reshape(padded.shape[0] // size, size, padded.shape[1] // size, size)
    return blocks.mean(axis=(1, 3), dtype=np.float32)


def crop_roi(
    image: FloatArray,
    joint: LocatedJoint,
    pixel_spacing_mm: float,
    *,
    spacing_out_mm: float | None = None,
    size_mm: float = ROI_SIZE_MM,
) -> Crop:
    """The upright ROI of a joint: finger axis along +y, distal bone on top.

    Args:
        image: (H, W) film.
        joint: where the joint is on it.
        pixel_spacing_mm: of the film.
        spacing_out_mm: of the ROI; that of the film where not given.
        size_mm: side of the ROI (Wang et al. 2023: 127 px at 0.175 mm).

    Raises:
        ValueError: when a spacing or the size is not positive.
    """
    spacing = pixel_spacing_mm if spacing_out_mm is None else spacing_out_mm
    if min(pixel_spacing_mm, spacing, size_mm) <= 0:
        raise ValueError("Pixel spacing and ROI size must be positive.")
    side = max(2, round(size_mm / spacing))
    matrix = upright((joint.x_px, joint.y_px), joint.angle_deg, spacing / pixel_spacing_mm, side)
    pixels, valid = resample(image, matrix, (side, side))
    return Crop(pixels, valid, spacing, matrix)
