"""How far repeat measurements agree: bias, limits of agreement, smallest detectable change, closure, coverage.

Bland JM, Altman DG, "Statistical methods for assessing agreement between two methods of clinical measurement",
Lancet 1986;327:307-310 (bias, limits of agreement and their standard errors). Bruynesteyn K et al., "Deciding on
progression of joint damage in paired films of individual patients: smallest detectable difference or change", Ann
Rheum Dis 2005;64:179-182 (smallest detectable change). Clopper CJ, Pearson ES, Biometrika 1934;26:404-413 (exact
interval of a share).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
from scipy import stats

from workers.pipeline.types import Reliability

Z_95 = 1.96
#: Error in JSN from which on a registration has locked onto the wrong place, mm.
MISMATCH_MM = 0.5


@dataclass(frozen=True)
class Measured:
    """JSN of one joint between two films of known true change.

    ``hand``, ``first`` and ``second`` are running numbers from 1 of a hand (or of a folder of ROIs) and of two films in
    it; no names, which may be those of patients. ``truth_mm``: the true change, NaN where it is not known.
    ``backward_mm``: JSN with the films exchanged, NaN where not measured.
    """

    hand: int
    first: int
    second: int
    joint: str
    jsn_mm: float
    sigma_mm: float
    reliability: Reliability
    reasons: tuple[str, ...]
    truth_mm: float
    backward_mm: float

    @property
    def is_measured(self) -> bool:
        """Whether there is a number."""
        return math.isfinite(self.jsn_mm)

    @property
    def error_mm(self) -> float:
        """Measured less true change; NaN where one of them is not known."""
        return self.jsn_mm - self.truth_mm

    @property
    def has_error(self) -> bool:
        """Whether there is a number, and a true one to hold it against."""
        return math.isfinite(self.error_mm)

    @property
    def badness_mm(self) -> float:
        """Size of the error; where it is not known, of forward plus backward."""
        known = self.error_mm if self.has_error else self.jsn_mm + self.backward_mm
        return abs(known) if math.isfinite(known) else 0.0


@dataclass(frozen=True)
class Share:
    """``count`` of ``total``, and the exact 95 % interval of the share (Clopper & Pearson 1934)."""

    count: int
    total: int

    @property
    def value(self) -> float:
        """The share, 0 to 1; NaN of nothing."""
        return self.count / self.total if self.total else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Lower and upper end, 0 to 1."""
        low = stats.beta.ppf(0.025, self.count, self.total - self.count + 1) if self.count else 0.0
        high = (
            stats.beta.ppf(0.975, self.count + 1, self.total - self.count) if self.total > self.count else 1.0
        )
        return float(low), float(high)


@dataclass(frozen=True)
class Agreement:
    """Bias and spread of errors, mm, each with its 95 % interval.

    ``independent``: how many of the ``count`` errors are; three films of a joint give three pairs, but the third
    follows from the other two. Intervals are as wide as that many errors make them.
    """

    count: int
    independent: int
    bias_mm: float
    sd_mm: float

    @property
    def bias_interval_mm(self) -> tuple[float, float]:
        """95 % interval of the bias: Student's t over the independent errors."""
        half = self._t() * self.sd_mm / math.sqrt(self.independent) if self.independent > 1 else math.nan
        return self.bias_mm - half, self.bias_mm + half

    @property
    def limits_mm(self) -> tuple[float, float]:
        """Limits of agreement: bias -+ 1.96 SD (Bland & Altman 1986)."""
        return self.bias_mm - Z_95 * self.sd_mm, self.bias_mm + Z_95 * self.sd_mm

    @property
    def limit_half_interval_mm(self) -> float:
        """Half the 95 % interval of each limit of agreement: standard error sqrt(3 / n) SD (Bland & Altman 1986)."""
        if self.independent < 2:
            return math.nan
        return self._t() * math.sqrt(3.0 / self.independent) * self.sd_mm

    @property
    def sdc_mm(self) -> float:
        """Smallest detectable change of one joint: 1.96 SD.

        Each error is that of one change score whose true value is known, so the square root of two by which
        Bruynesteyn et al. 2005 divide, for the difference of two readings of one change, has no place here.
        """
        return Z_95 * self.sd_mm

    @property
    def sdc_interval_mm(self) -> tuple[float, float]:
        """95 % interval of the smallest detectable change: chi-squared of the variance."""
        freedom = self.independent - 1
        if freedom < 1:
            return math.nan, math.nan
        low, high = (math.sqrt(freedom / float(stats.chi2.ppf(p, freedom))) for p in (0.975, 0.025))
        return self.sdc_mm * low, self.sdc_mm * high

    def _t(self) -> float:
        return float(stats.t.ppf(0.975, self.independent - 1))


def agreement(rows: Iterable[Measured]) -> Agreement:
    """Bias and spread of what was measured; NaN where that is too little."""
    rows = [row for row in rows if row.has_error]
    errors = np.array([row.error_mm for row in rows])
    films: dict[tuple[int, str], set[int]] = defaultdict(set)
    pairs: dict[tuple[int, str], int] = defaultdict(int)
    for row in rows:
        films[row.hand, row.joint] |= {row.first, row.second}
        pairs[row.hand, row.joint] += 1
    independent = sum(min(pairs[key], len(seen) - 1) for key, seen in films.items())
    return Agreement(
        count=len(rows),
        independent=independent,
        bias_mm=float(errors.mean()) if len(rows) else math.nan,
        sd_mm=float(errors.std(ddof=1)) if len(rows) > 1 else math.nan,
    )


def mismatches(rows: Iterable[Measured]) -> Share:
    """How many of the measured are off by more than ``MISMATCH_MM``."""
    errors = [abs(row.error_mm) for row in rows if row.has_error]
    return Share(sum(error > MISMATCH_MM for error in errors), len(errors))


def coverage(rows: Iterable[Measured]) -> Share:
    """How many of the measured have their true change within +-1.96 sigma; 95 % of them should."""
    rows = [row for row in rows if row.has_error]
    return Share(sum(abs(row.error_mm) <= Z_95 * row.sigma_mm for row in rows), len(rows))


def coverage_by_sigma(rows: Iterable[Measured]) -> list[tuple[float, float, Share]]:
    """Smallest and largest sigma, mm, and coverage, of each third of the measured by predicted sigma."""
    ordered = sorted((row for row in rows if row.has_error), key=lambda row: row.sigma_mm)
    if len(ordered) < 3:
        return []
    cuts = [round(i * len(ordered) / 3) for i in range(4)]
    thirds = [ordered[start:end] for start, end in pairwise(cuts)]
    return [(third[0].sigma_mm, third[-1].sigma_mm, coverage(third)) for third in thirds]


def closures_mm(rows: Sequence[Measured]) -> list[float]:
    """J12 + J23 - J13 of each joint and three films of a hand, each pair registered on its own."""
    by_place = {(row.hand, row.joint, row.first, row.second): row for row in rows if row.is_measured}
    films: dict[tuple[int, str], set[int]] = defaultdict(set)
    for hand, joint, first, second in by_place:
        films[hand, joint] |= {first, second}
    found = []
    for (hand, joint), seen in films.items():
        for a, b, c in combinations(sorted(seen), 3):
            sides = [by_place.get((hand, joint, *pair)) for pair in ((a, b), (b, c), (a, c))]
            ab, bc, ac = (math.nan if side is None else side.jsn_mm for side in sides)
            if math.isfinite(ab + bc - ac):
                found.append(ab + bc - ac)
    return found


def round_trips_mm(rows: Iterable[Measured]) -> list[float]:
    """J12 + J21 of each joint and pair: forward and backward ought to be opposite."""
    return [row.jsn_mm + row.backward_mm for row in rows if math.isfinite(row.jsn_mm + row.backward_mm)]


def joint_type(joint: str) -> str:
    """``MCP`` of ``MCP3``."""
    return joint.rstrip("0123456789") or joint
