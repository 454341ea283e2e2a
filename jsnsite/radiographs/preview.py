"""Small 8-bit pictures of radiographs for lists; never measured on. No Django here."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import numpy.typing as npt
from PIL import Image


def preview_png(pixels: npt.NDArray[np.float32], *, max_side_px: int = 1024) -> bytes:
    """An 8-bit PNG of (H, W) ``pixels``, window from the 0.5th to the 99.8th percentile, same aspect, bone
    bright.
    """
    low, high = np.percentile(pixels[::4, ::4], (0.5, 99.8))
    scaled = np.clip((pixels - low) / max(high - low, 1e-6), 0, 1)
    image = Image.fromarray((scaled * 255).astype(np.uint8))
    image.thumbnail((max_side_px, max_side_px), Image.Resampling.BOX)
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
