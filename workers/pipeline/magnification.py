"""What the joints of a hand say together about the films: how much one is magnified against the other.

Films taken at other distances, or whose files give the pixel spacing at the detector in one case and at the hand in
the other, differ in scale by per cents, all joints alike. A bone that seems to have grown alone has turned out of the
plane. Only the second is a reason to doubt the pose of a joint, whose JSN is read free of magnification.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from workers.pipeline.judge import with_evidence
from workers.pipeline.types import JointResult

#: Joints that must agree before their hand has a magnification.
FEWEST = 4
#: Residual over signal variance above which a joint does not vote.
POOR = 0.25
#: Scale that a whole hand's tilt of 8 degrees feigns, 1 - cos 8 degrees: up to here it is no magnification.
TILT = 0.01
#: Beyond this one of the films' pixel spacings must be wrong, and nothing is excused.
MOST = 0.06


def with_magnification(results: Mapping[str, JointResult]) -> dict[str, JointResult]:
    """The results of a hand, with each joint's ``scale_deviation`` counted from the scale that its films have in
    common; of that, what a tilted hand may feign still counts. The metric ``magnification`` holds the common scale.
    """
    common = _common_scale(results)
    return {name: _judged_against(common, result) for name, result in results.items()}


def _common_scale(results: Mapping[str, JointResult]) -> float:
    """The median over the joints that match; 1 where there are too few, or where no film can be magnified so much."""
    scales = [
        math.sqrt(result.upper.scale * result.lower.scale)
        for result in results.values()
        if max(result.metrics.get(f"residual_{bone}", math.inf) for bone in ("upper", "lower")) < POOR
    ]
    common = float(np.median(scales)) if len(scales) >= FEWEST else 1.0
    return common if abs(math.log(common)) <= MOST else 1.0


def _judged_against(common: float, result: JointResult) -> JointResult:
    if math.isnan(result.jsn_mm):
        return result
    own = max(abs(bone.scale / common - 1.0) for bone in (result.upper, result.lower))
    counted = min(own + min(abs(common - 1.0), TILT), result.metrics["scale_deviation"])
    return with_evidence(result, {"scale_deviation": counted, "magnification": common})
