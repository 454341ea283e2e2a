"""The arrays behind a measurement, in one body for the browser: little-endian, row-major, nothing windowed.

The body is the length of the head (uint32), the head as JSON, padding to a multiple of 4 bytes, then the arrays.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

IMAGES = ("fixed", "moving", "warped")
LOSSES = ("loss_map", "loss_before")
#: The last two on the follow-up as taken; older results lack them.
MASKS = ("upper", "lower", "moving_upper", "moving_lower")
#: Raise it when the format changes: browsers keep bodies for a year.
FORMAT = 1


def encode(arrays: Mapping[str, npt.NDArray[Any]]) -> bytes:
    """The layers of a measurement that hold anything; one without a finite value is left out.

    The head is ``{"spacing_mm": …, "layers": {name: {type, shape, offset, slope, intercept}}}`` with ``offset`` in
    bytes from the head's end. Images are uint16 where value = slope * stored + intercept; losses float32, NaN
    outside the bones; masks uint8, 0 or 1.
    """
    head: dict[str, Any] = {"spacing_mm": float(arrays["pixel_spacing_mm"]), "layers": {}}
    body = bytearray()
    for name in LOSSES + IMAGES + MASKS:  # widest numbers first: every array starts at a multiple of its size
        if name not in arrays or not np.isfinite(arrays[name]).any():
            continue
        data, described = _layer(name, arrays[name])
        head["layers"][name] = described | {"shape": list(arrays[name].shape), "offset": len(body)}
        body += data
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 4)
    return len(text).to_bytes(4, "little") + text + bytes(body)


def _layer(name: str, array: npt.NDArray[Any]) -> tuple[bytes, dict[str, Any]]:
    if name in LOSSES:
        return array.astype("<f4").tobytes(), {"type": "float32"}
    if name in MASKS:
        return array.astype("u1").tobytes(), {"type": "uint8"}
    bottom, top = float(np.nanmin(array)), float(np.nanmax(array))
    slope = (top - bottom) / 65535 or 1.0
    stored = np.nan_to_num((array.astype(np.float64) - bottom) / slope).round()
    return stored.astype("<u2").tobytes(), {"type": "uint16", "slope": slope, "intercept": bottom}
