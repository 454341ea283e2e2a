"""Error against added noise, rotation and scaling, as the method's paper shows it: `make benchmark ONLY=robustness`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from tests.benchmarks import figures, settings
from tests.benchmarks.cases import ROI_PX, SPACING_MM, Case, HandPair, in_plane
from tests.benchmarks.measure import Row, by_peer, by_pipeline
from tests.benchmarks.peers import PEERS
from tests.benchmarks.report import Found, section
from tests.benchmarks.scores import Score, score
from tests.benchmarks.table import table
from workers.pipeline.crop import crop_roi, resample, upright
from workers.pipeline.types import JOINTS, BoolArray

pytestmark = pytest.mark.timeout(7200)


def test_robustness() -> None:
    section("robustness", _robustness)


#: (joint of a hand, level) -> the case at this level
Spoil = Callable[[HandPair, int, float], Case]


def with_noise(pair: HandPair, joint: int, level: float) -> Case:
    """White noise on both ROIs, its deviation ``level`` percent of the film's 12 bits."""
    case = pair.case(joint)
    rng = np.random.default_rng([pair.seed, joint, round(100 * level)])
    fixed, moving = (
        (roi + rng.normal(0.0, 40.95 * level, roi.shape)).astype(np.float32)
        for roi in (case.fixed, case.moving)
    )
    return replace(case, fixed=fixed, moving=moving)


def with_rotation(pair: HandPair, joint: int, level: float) -> Case:
    """The moving ROI cropped at an angle ``level`` degrees off: both bones turn about its centre. Its JSN is that along
    the axis half-way between both ROIs', which exchanging them does not change."""
    return _cropped_anew(pair, joint, _jsn_along(pair, joint, level / 2), turn_deg=level)


def _jsn_along(pair: HandPair, joint: int, turned_deg: float) -> float:
    angle = math.radians(turned_deg)
    (dx_upper, dy_upper, _), (dx_lower, dy_lower, _) = pair.motion[joint]
    return float(math.cos(angle) * (dy_upper - dy_lower) - math.sin(angle) * (dx_upper - dx_lower))


def with_scaling(pair: HandPair, joint: int, level: float) -> Case:
    """The moving ROI with all bone ``level`` percent larger than its spacing says."""
    factor = 1 + level / 100
    return _cropped_anew(pair, joint, factor * pair.jsn_mm(joint), scale=factor)


def _cropped_anew(
    pair: HandPair, joint: int, jsn_mm: float, *, turn_deg: float = 0.0, scale: float = 1.0
) -> Case:
    """From the film itself, by cubic splines, so that nothing is resampled twice."""
    case = pair.case(joint)
    place = pair.place(1, joint)
    spacing = SPACING_MM / scale
    roi = crop_roi(
        pair.moving,
        replace(place, angle_deg=place.angle_deg + turn_deg),
        SPACING_MM,
        spacing_out_mm=spacing,
        size_mm=ROI_PX * spacing,
    ).pixels
    middle = ((ROI_PX - 1) / 2, (ROI_PX - 1) / 2)
    grid = upright(middle, turn_deg, 1 / scale, ROI_PX)

    def again(mask: BoolArray) -> BoolArray:
        return np.asarray(resample(mask.astype(np.float32), grid, mask.shape, order=1)[0] > 0.5)

    upper, lower = case.moving_masks
    return replace(case, moving=roi, moving_masks=(again(upper), again(lower)), jsn_mm=jsn_mm)


STUDIES: dict[str, tuple[Spoil, tuple[float, ...], str]] = {
    "noise": (with_noise, (0.0, 0.5, 1.0, 2.0, 4.0, 8.0), "SD of added noise, % of range"),
    "rotation": (with_rotation, (0.0, 2.0, 5.0, 10.0, 15.0, 20.0), "degrees between the ROIs"),
    "scaling": (with_scaling, (-8.0, -4.0, -2.0, 0.0, 2.0, 4.0, 8.0), "% of size between the ROIs"),
}


def _robustness() -> Found:
    pairs = [in_plane(number) for number in range(settings.IN_PLANE_HANDS)]
    everyone = [(pair, joint) for pair in pairs for joint in range(len(JOINTS))]
    order = np.random.default_rng(0).permutation(len(everyone))
    chosen = [everyone[i] for i in order[: settings.ROBUSTNESS_JOINTS]]
    panels: dict[str, dict[str, figures.Curve]] = {}
    parts = []
    for study, (spoil, levels, label) in STUDIES.items():
        by_method: dict[str, list[Score]] = {}
        for level in levels:
            cases = [spoil(pair, joint, level) for pair, joint in chosen]
            peers_cases = cases[: settings.ROBUSTNESS_PEER_JOINTS]
            if study == "rotation":
                peers_cases = [
                    replace(case, jsn_mm=_jsn_along(pair, joint, level))
                    for case, (pair, joint) in zip(peers_cases, chosen, strict=False)
                ]
            for name, rows in _measured(cases, peers_cases).items():
                by_method.setdefault(name, []).append(
                    score([row.error_mm for row in rows], [row.hand for row in rows])
                )
        panels[study] = {
            name: (
                levels,
                [s.rmse for s in scores],
                [s.rmse_interval[0] for s in scores],
                [s.rmse_interval[1] for s in scores],
            )
            for name, scores in by_method.items()
        }
        lines = [
            [name, *(f"{s.rmse:.3f} / {s.median:.3f}" for s in scores)] for name, scores in by_method.items()
        ]
        parts.append(
            f"{study}: {label}\n\n{table(['RMSE / median, mm', *(f'{v:g}' for v in levels)], lines)}"
        )
    text = (
        f"{len(chosen)} joints with in-plane motion, true masks; peers on "
        f"{settings.ROBUSTNESS_PEER_JOINTS} of them. Noise is added to both films; rotation and "
        "scaling are cropped from the film by cubic splines. Where ROIs are turned to each other JSN counts along the "
        "axis half-way between theirs, for the peers along that of the moving one. The peers register rigidly, "
        "which is best for one patient on one machine; scaling shows what that costs.\n\n"
        + "\n\n".join(parts)
    )
    labels = {study: label for study, (_, _, label) in STUDIES.items()}
    plot = figures.curves(panels, labels, "RMSE of JSN, mm", log=True)
    return Found(text, [], {"robustness.svg": plot})


def _measured(cases: Sequence[Case], peers_cases: Sequence[Case]) -> dict[str, list[Row]]:
    rows = by_pipeline(cases, true_masks=True).rows
    if not peers_cases:
        return {"JSN": rows}
    found = {"JSN": rows, "JSN, the peers' joints": rows[: len(peers_cases)]}
    return found | {name: by_peer(name, peers_cases).rows for name in PEERS}
