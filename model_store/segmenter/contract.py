"""What callers of the segmenter need to know of it, without its network."""

from __future__ import annotations

#: Side of the network's input in pixels and the spacing it was trained at: a field of 22.4 mm.
INPUT_PX = 128
SPACING_MM = 0.175
