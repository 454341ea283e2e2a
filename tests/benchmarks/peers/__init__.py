"""What others would register a joint with: each at its best settings that we found, given the true masks.

A peer is a function ``(fixed, moving, fixed_regions, moving_regions, spacing_mm) -> jsn_mm`` on upright ROIs; dy is
read at the ROI's centre, which on the phantom is the true joint centre.
"""

from __future__ import annotations

from tests.benchmarks.peers.ecc import ecc_jsn_mm
from tests.benchmarks.peers.elastix import elastix_dy_mm
from tests.benchmarks.peers.phase_correlation import phase_correlation_jsn_mm
from tests.benchmarks.peers.pipoc import pipoc_jsn_mm
from tests.benchmarks.peers.simpleitk import simpleitk_dy_mm
from tests.benchmarks.peers.windows import Peer, each_bone, regions

PEERS: dict[str, Peer] = {
    "elastix": each_bone(elastix_dy_mm),
    "SimpleITK": each_bone(simpleitk_dy_mm),
    "OpenCV ECC": ecc_jsn_mm,
    "scikit-image phase correlation": phase_correlation_jsn_mm,
    "PIPOC": pipoc_jsn_mm,
}

__all__ = ["PEERS", "Peer", "regions"]
