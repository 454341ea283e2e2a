"""Arrays as pictures in a page: grey films, registered pairs, loss maps in colour, bone outlines."""

from __future__ import annotations

import base64
from io import BytesIO

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from workers.pipeline.types import BoneMasks, BoolArray, FloatArray

Rgb = npt.NDArray[np.uint8]

#: Stops of matplotlib's ``inferno``: brightness rises with the value, readable without colour vision.
INFERNO = (
    (0, 0, 4), (27, 12, 65), (74, 12, 107), (120, 28, 109), (165, 44, 96),
    (207, 68, 70), (237, 105, 37), (251, 155, 6), (247, 209, 61), (252, 255, 164),
)  # fmt: skip
UPPER_RGB, LOWER_RGB = (88, 169, 239), (240, 182, 86)
#: Screen pixels per side of a joint's picture.
ROI_SIDE_PX = 336
FILM_HEIGHT_PX = 900


def grey_window(image: FloatArray) -> tuple[float, float]:
    """Values shown black and white: all but the darkest and brightest half per cent."""
    finite = image[np.isfinite(image)]
    if not finite.size:
        return 0.0, 1.0
    low, high = np.percentile(finite, (0.5, 99.5))
    return float(low), float(max(high, low + 1e-6))


def grey(image: FloatArray, window: tuple[float, float]) -> Rgb:
    """(H, W) as (H, W, 3) through the window; not finite is black."""
    low, high = window
    level = np.clip((np.nan_to_num(image, nan=low) - low) / (high - low), 0, 1)
    return np.repeat((255 * level).astype(np.uint8)[..., None], 3, axis=2)


def heat(share: FloatArray) -> Rgb:
    """Colours (..., 3) of values in 0..1."""
    stops = np.linspace(0, 1, len(INFERNO))
    channels = [np.interp(share, stops, [colour[i] for colour in INFERNO]) for i in range(3)]
    return np.stack(channels, axis=-1).astype(np.uint8)


def with_outlines(picture: Rgb, masks: BoneMasks) -> Rgb:
    """The picture, enlarged to ``ROI_SIDE_PX``, with both bones outlined."""
    picture = enlarged(picture)
    for mask, colour in ((masks.upper, UPPER_RGB), (masks.lower, LOWER_RGB)):
        picture[_outline(mask, picture.shape[:2])] = colour
    return picture


def loss_over(background: Rgb, loss: FloatArray, top: float) -> Rgb:
    """The loss map in colour over a darkened picture; ``top``: the loss shown brightest."""
    bones = np.isfinite(loss)
    picture = (background * 0.45).astype(np.uint8)
    picture[bones] = heat(np.clip(np.nan_to_num(loss) / top, 0, 1))[bones]
    return enlarged(picture)


def enlarged(picture: Rgb, side_px: int = ROI_SIDE_PX) -> Rgb:
    """As large as ``side_px`` on the longer side."""
    factor = side_px / max(picture.shape[:2])
    size = (max(1, round(picture.shape[1] * factor)), max(1, round(picture.shape[0] * factor)))
    return np.array(Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC))


def film(image: FloatArray) -> Rgb:
    """A whole film, at most ``FILM_HEIGHT_PX`` high."""
    picture = grey(image, grey_window(image))
    scale = min(1.0, FILM_HEIGHT_PX / picture.shape[0])
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    return np.array(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS))


def data_uri(picture: Rgb) -> str:
    """The picture as an address that holds it: JPEG with full colour, so that a page of seventy stays small."""
    buffer = BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=90, subsampling=0)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _outline(mask: BoolArray, shape: tuple[int, ...]) -> BoolArray:
    size = (shape[1], shape[0])
    soft = Image.fromarray((255 * mask).astype(np.uint8)).resize(size, Image.Resampling.BICUBIC)
    large = np.asarray(soft) > 127
    return np.asarray(large & ~ndimage.binary_erosion(large, iterations=2, border_value=1))
