"""Ways to read a film whose tones hide the hand: bright borders, and hands far darker than what lies beside them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import ndimage

from workers.pipeline.types import FloatArray

_BRIGHT = 0.7  # share of the film's range above which a border is bright
_MOSTLY = 0.7  # share of the film that a border may cover and still be one
_SAMPLED_PX = 512  # side to which films are thinned out before their tones are measured


def readings(image: FloatArray) -> Iterator[FloatArray]:
    """The film (H, W) as it is; without its bright border; and with its dark tones lifted. Each is made when asked."""
    yield image
    plain = without_border(image)
    if plain is not image:
        yield plain
    yield lifted(plain)


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
