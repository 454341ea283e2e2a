"""Ordinary and hard joints by the thousand, kept between runs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model_store.phantom.hard import KINDS, make_hard_case
from tests.benchmarks.store import Arrays, kept
from workers.pipeline.types import ROI_SIZE_MM, FloatArray, LocatedJoint

ORDINARY, *HARD_KINDS = KINDS
#: Joint pairs that one hand gives: every joint once as it comes, and once with one of the hard kinds.
PAIRS_A_HAND = 20
#: Hands from here on are for the benchmark alone.
FIRST_HAND = 100_000


@dataclass(frozen=True)
class HardPair:
    """The part of two films about one joint, and where a locator found it on each."""

    kind: str
    joint: str
    fixed: FloatArray
    moving: FloatArray
    spacing_mm: tuple[float, float]
    places: tuple[LocatedJoint, LocatedJoint]
    jsn_mm: float


def hard_hand(number: int) -> list[HardPair]:
    """All pairs of one hand."""
    first = 10 * (FIRST_HAND + number)
    wanted = [
        (kind, seed)
        for seed in range(first, first + 10)
        for kind in (ORDINARY, HARD_KINDS[(seed + number) % len(HARD_KINDS)])
    ]

    def make() -> Arrays:
        arrays: Arrays = {}
        for i, (kind, seed) in enumerate(wanted):
            case = make_hard_case(kind, seed)
            seen = [projection.joints[case.joint] for projection in case.projections]
            arrays |= {
                f"{i}_fixed": case.films[0].pixels,
                f"{i}_moving": case.films[1].pixels,
                f"{i}_spacing_mm": np.array([film.pixel_spacing_mm for film in case.films]),
                f"{i}_places": np.array([(t.x_px, t.y_px, t.angle_deg) for t in seen]),
                f"{i}_jsn_mm": np.array(case.motion.jsn_mm),
                f"{i}_joint": np.array(case.joint),
            }
        return arrays

    arrays = kept(f"hard-{number}", make)
    return [_pair(arrays, i, kind) for i, (kind, _) in enumerate(wanted)]


def _pair(arrays: Arrays, i: int, kind: str) -> HardPair:
    joint = str(arrays[f"{i}_joint"])
    spacing = tuple(float(value) for value in arrays[f"{i}_spacing_mm"])
    places = [
        LocatedJoint(joint, float(x), float(y), float(angle), ROI_SIZE_MM / step, 1.0)
        for (x, y, angle), step in zip(arrays[f"{i}_places"], spacing, strict=True)
    ]
    films = [arrays[f"{i}_{film}"].astype("float32") for film in ("fixed", "moving")]
    return HardPair(
        kind,
        joint,
        films[0],
        films[1],
        (spacing[0], spacing[1]),
        (places[0], places[1]),
        float(arrays[f"{i}_jsn_mm"]),
    )
