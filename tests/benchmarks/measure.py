"""Measure cases by the product's public pipeline and by peers; what comes out are plain rows that can be kept."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tests.benchmarks.cases import SPACING_MM, Case, HandPair
from tests.benchmarks.peers import PEERS, regions
from tests.benchmarks.peers.windows import Mask
from workers.pipeline import quantify_hands, quantify_joints
from workers.pipeline.types import JOINTS, JointResult

_BATCH = 50


@dataclass(frozen=True)
class Row:
    """One joint as one method saw it. ``sigma_mm`` and ``reliability``: NaN and "" where a method gives none."""

    method: str
    case: str
    truth_mm: float
    jsn_mm: float
    sigma_mm: float = math.nan
    reliability: str = ""
    condition: str = ""
    bound_rigid_mm: float = math.nan
    bound_similarity_mm: float = math.nan

    @property
    def error_mm(self) -> float:
        return self.jsn_mm - self.truth_mm

    @property
    def hand(self) -> str:
        return self.case.split()[0]


@dataclass(frozen=True)
class Measured:
    """``seconds`` of processor time, which other processes on the machine disturb least."""

    rows: list[Row]
    seconds: float

    @property
    def ms_a_joint(self) -> float:
        return 1000 * self.seconds / max(1, len(self.rows))


def row_of(result: JointResult, method: str, case: str, truth_mm: float, condition: str = "") -> Row:
    return Row(method, case, truth_mm, result.jsn_mm, result.jsn_sigma_mm, str(result.reliability), condition)


def by_pipeline(cases: Sequence[Case], *, true_masks: bool, spacing_mm: float = SPACING_MM) -> Measured:
    """ROIs to JSN, with the true masks or those of the model."""
    method = "JSN, true masks" if true_masks else "JSN, own masks"
    rows = []
    start = time.process_time()
    for first in range(0, len(cases), _BATCH):
        part = cases[first : first + _BATCH]
        results = quantify_joints(
            [case.fixed for case in part],
            [case.moving for case in part],
            spacing_mm,
            fixed_masks=[case.fixed_masks for case in part] if true_masks else None,
            moving_masks=[case.moving_masks for case in part] if true_masks else None,
        )
        rows += [
            Row(
                **vars(row_of(result, method, case.name, case.jsn_mm))
                | {"bound_rigid_mm": case.bound_mm[0], "bound_similarity_mm": case.bound_mm[1]}
            )
            for case, result in zip(part, results, strict=True)
        ]
    return Measured(rows, time.process_time() - start)


def by_whole_hand(pairs: Sequence[HandPair], condition: str = "") -> Measured:
    """Whole films to JSN: joints found, cropped, segmented and registered by the product alone."""
    rows = []
    start = time.process_time()
    for pair in pairs:
        found = quantify_hands(pair.fixed, pair.moving, SPACING_MM, SPACING_MM)
        for i, joint in enumerate(JOINTS):
            case, truth = f"{pair.seed} {joint}", pair.jsn_mm(i)
            if joint in found:
                rows.append(row_of(found[joint], "JSN, whole hand", case, truth, condition))
            else:
                rows.append(Row("JSN, whole hand", case, truth, math.nan, condition=condition))
    return Measured(rows, time.process_time() - start)


def by_peer(name: str, cases: Sequence[Case], spacing_mm: float = SPACING_MM) -> Measured:
    """ROIs and true masks to JSN. A peer that raises has failed on that joint; growing the masks is not timed."""
    rows, seconds = [], 0.0
    for case in cases:
        before = regions(case.fixed_masks, spacing_mm)
        after = regions(case.moving_masks, spacing_mm)
        if name not in _LOADED:  # its library's start-up is not timed
            _LOADED.add(name)
            _jsn_mm(name, case, before, after, spacing_mm)
        start = time.process_time()
        jsn_mm = _jsn_mm(name, case, before, after, spacing_mm)
        seconds += time.process_time() - start
        rows.append(Row(name, case.name, case.jsn_mm, jsn_mm))
    return Measured(rows, seconds)


_LOADED: set[str] = set()


def _jsn_mm(
    name: str, case: Case, before: tuple[Mask, Mask], after: tuple[Mask, Mask], spacing_mm: float
) -> float:
    try:
        return PEERS[name](case.fixed, case.moving, before, after, spacing_mm)
    except (RuntimeError, ValueError, np.linalg.LinAlgError):
        return math.nan
