"""How large the benchmark is. ``JSN_BENCHMARK_FULL=1`` is the full one; each number can be set on its own."""

from __future__ import annotations

import os
from pathlib import Path

FULL = os.environ.get("JSN_BENCHMARK_FULL", "") not in ("", "0")

#: Made films are kept here, and in full mode the results of sections that are done: a run can be resumed.
CACHE = Path(os.environ.get("JSN_BENCHMARK_CACHE") or Path.home() / ".cache/jsn-benchmark")

PROJECT = Path(__file__).absolute().parents[2]
#: Real films; never part of the repository.
DATA = PROJECT.parent / "shared/data"
HERE = Path(__file__).absolute().parent


def size(name: str, short: int, full: int) -> int:
    """``JSN_BENCHMARK_<NAME>`` where it is set, else what fits the mode."""
    return int(os.environ.get(f"JSN_BENCHMARK_{name}") or (full if FULL else short))


#: Hands (of ten joints) of each kind of pair.
IN_PLANE_HANDS = size("IN_PLANE_HANDS", 2, 10)
VARIED_HANDS = size("VARIED_HANDS", 1, 10)
TURNED_HANDS = size("TURNED_HANDS", 1, 6)
CURVE_HANDS = size("CURVE_HANDS", 0, 3)
#: Joints that slow peers register, of each kind of pair.
PEER_JOINTS = size("PEER_JOINTS", 6, 60)
PEER_JOINTS_HARDER = size("PEER_JOINTS_HARDER", 0, 30)
#: Joints with hard cases among them; 10,000 is a trial's size, and takes over an hour.
MISMATCH_JOINTS = size("MISMATCH_JOINTS", 20, 1000)
ROBUSTNESS_JOINTS = size("ROBUSTNESS_JOINTS", 2, 30)
ROBUSTNESS_PEER_JOINTS = size("ROBUSTNESS_PEER_JOINTS", 0, 4)
SERIES = size("SERIES", 4, 45)
SERIES_PEERS = size("SERIES_PEERS", 0, 4)
LOCATION_FILMS = size("LOCATION_FILMS", 3, 16)
SPEED_JOINTS = size("SPEED_JOINTS", 10, 100)
SPEED_PEER_JOINTS = size("SPEED_PEER_JOINTS", 1, 10)
GPU_JOINTS = size("GPU_JOINTS", 1024, 1024)
