"""Ways to read a film whose tones hide the hand: bone dark, bright borders, hands far darker than what lies beside."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from workers.pipeline.polarity import inverted
from workers.pipeline.types import FloatArray

_BRIGHT = 0.7  # share of the film's range above which a border is bright
_MOSTLY = 0.7  # share of the film that a border may cover and still be one
_SAMPLED_PX = 512  # side to which films are thinned out before their tones are measured
_LARGEST_PX = 1536  # longer side above which a film is thinned out before hands are looked for


@dataclass(frozen=True)
class Reading:
    """A film (H, W) with its tones changed so that bone is bright; ``bone_dark``: on the film itself it is dark."""

    pixels: FloatArray
    bone_dark: bool
    is_plain: bool


@dataclass(frozen=True)
class Thinned:
    """A film with ``step`` x ``step`` of its pixels averaged into one."""

    pixels: FloatArray
    step: int

    def to_film(self, points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Points (N, 2), (x, y) in these pixels, as pixels of the film."""
        return points * self.step + (self.step - 1) / 2


def thinned(image: FloatArray) -> Thinned:
    """The film as large as the search for hands needs it, at most 2 x 1536 pixels a side less one."""
    step = max(1, max(image.shape) // _LARGEST_PX)
    height, width = (length // step for length in image.shape)
    blocks = image[: height * step, : width * step].reshape(height, step, width, step)
    return Thinned(blocks.mean(axis=(1, 3), dtype=np.float32), step)


def readings(image: FloatArray) -> Iterator[Reading]:
    """The film (H, W) as it is and inverted; then both without bright borders; then with dark tones lifted. Each is
    made when asked for.
    """
    sides = ((image, False), (inverted(image), True))
    for pixels, bone_dark in sides:
        yield Reading(pixels, bone_dark, is_plain=True)
    for pixels, bone_dark in sides:
        plain = without_border(pixels)
        if plain is not pixels:
            yield Reading(plain, bone_dark, is_plain=False)
        yield Reading(lifted(plain), bone_dark, is_plain=False)


def without_border(image: FloatArray) -> FloatArray:
    """The film with bright parts that reach its edge set to its background: white shutters and frames are no patient.

    The same array where there are none, or where they are most of the film.
    """
    low, high = np.percentile(_thinned(image), [5, 99.9])
    parts, _ = ndimage.label(image > low + _BRIGHT * (high - low))
    at_edge = np.unique(np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]]))
    at_edge = at_edge[at_edge > 0]
    if at_edge.size == 0:
        return image
    border = ndimage.binary_dilation(np.isin(parts, at_edge), iterations=3)
    if border.mean() > _MOSTLY:
        return image
    return np.where(border, np.percentile(image[~border], 10), image).astype(np.float32)


def lifted(image: FloatArray) -> FloatArray:
    """The film's range as 0 to 1, its dark tones lifted by a square root."""
    low, high = np.percentile(_thinned(image), [1, 99.5])
    return np.sqrt(np.clip((image - low) / max(high - low, 1e-9), 0.0, 1.0)).astype(np.float32)


def _thinned(image: FloatArray) -> FloatArray:
    step = max(1, max(image.shape) // _SAMPLED_PX)
    return image[::step, ::step]
