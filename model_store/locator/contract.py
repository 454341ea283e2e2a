"""What callers of the locator need to know of it, without its network."""

from __future__ import annotations

#: What the network finds: the finger joints, then the tips of the distal phalanges.
LANDMARKS: tuple[str, ...] = (
    *(f"MCP{ray}" for ray in range(1, 6)),
    "IP1",
    *(f"PIP{ray}" for ray in range(2, 6)),
    *(f"DIP{ray}" for ray in range(2, 6)),
    *(f"TIP{ray}" for ray in range(1, 6)),
)

#: Side of the network's input, px, and of its heatmaps.
INPUT_PX = 256
HEATMAP_PX = 128
