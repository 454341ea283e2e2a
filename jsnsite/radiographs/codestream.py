"""How large a compressed image says it is, read from its own header before anything is decoded.

A DICOM header that says 100 x 100 over a codestream of 60000 x 60000 would otherwise fill the memory.
"""

from __future__ import annotations

import struct

#: Start-of-frame markers of JPEG (ITU-T T.81 table B.1) and JPEG-LS (T.87: FFF7).
_JPEG_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}) | {0xF7}
_JPEG_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})


def frame_size(codestream: bytes) -> tuple[int, int] | None:
    """(rows, columns) of a JPEG, JPEG-LS or JPEG 2000 codestream; None where the header cannot be read."""
    try:
        if codestream[:4] == b"\xff\x4f\xff\x51":  # JPEG 2000, HTJ2K: SOC, SIZ (T.800 A.5.1)
            x_size, y_size, x_offset, y_offset = struct.unpack_from(">IIII", codestream, 8)
            return y_size - y_offset, x_size - x_offset
        if codestream[:2] == b"\xff\xd8":
            return _jpeg_size(codestream)
    except (struct.error, IndexError):
        pass
    return None


def _jpeg_size(codestream: bytes) -> tuple[int, int] | None:
    position = 2
    while position + 4 <= len(codestream):
        if codestream[position] != 0xFF:
            return None
        marker = codestream[position + 1]
        if marker == 0xFF:  # fill byte
            position += 1
        elif marker in _JPEG_FRAMES:
            rows, columns = struct.unpack_from(">HH", codestream, position + 5)
            return rows, columns
        elif marker in _JPEG_WITHOUT_LENGTH:
            position += 2
        else:
            position += 2 + struct.unpack_from(">H", codestream, position + 2)[0]
    return None
