"""What a list of errors says, with its spread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

Floats = npt.NDArray[np.float64]

MISMATCH_MM = 0.5
_RESAMPLES = 2000


@dataclass(frozen=True)
class Score:
    """Of the errors that are finite, mm; ``failed`` have no number. ``rmse_interval``: 95 %, bootstrap over groups."""

    count: int
    failed: int
    rmse: float
    rmse_interval: tuple[float, float]
    bias: float
    median: float
    p95: float
    mismatches: int


def score(errors_mm: Sequence[float], groups: Sequence[object] | None = None) -> Score:
    """``groups``: what each error belongs to (a hand, say); the bootstrap draws whole groups, since errors of one
    hand are not independent. Each error is a group of its own where not given, or of fewer than four groups.
    """
    errors = np.asarray(errors_mm, float)
    finite = np.isfinite(errors)
    kept = errors[finite]
    if kept.size == 0:
        nan = float("nan")
        return Score(len(errors), len(errors), nan, (nan, nan), nan, nan, nan, 0)
    labels = np.asarray([str(group) for group in groups])[finite] if groups is not None else None
    if labels is None or len(set(labels)) < 4:
        labels = np.arange(len(kept)).astype(str)
    return Score(
        count=len(errors),
        failed=int((~finite).sum()),
        rmse=rms(kept),
        rmse_interval=_bootstrap(kept, labels),
        bias=float(kept.mean()),
        median=float(np.median(np.abs(kept))),
        p95=float(np.quantile(np.abs(kept), 0.95)),
        mismatches=int((np.abs(kept) > MISMATCH_MM).sum()),
    )


def rms(values: npt.ArrayLike) -> float:
    return float(np.sqrt(np.mean(np.square(np.asarray(values, float)))))


def _bootstrap(errors: Floats, labels: npt.NDArray[np.str_]) -> tuple[float, float]:
    _, index = np.unique(labels, return_inverse=True)
    squares, sizes = np.bincount(index, weights=errors**2), np.bincount(index)
    draws = np.random.default_rng(0).integers(0, len(sizes), (_RESAMPLES, len(sizes)))
    found = np.sqrt(squares[draws].sum(axis=1) / sizes[draws].sum(axis=1))
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)


def clopper_pearson(successes: int, trials: int, level: float = 0.95) -> tuple[float, float]:
    """Exact interval of a share (Clopper & Pearson, Biometrika 26(4), 1934)."""
    if trials == 0:
        return 0.0, 1.0
    interval = stats.binomtest(successes, trials).proportion_ci(level, method="exact")
    return float(interval.low), float(interval.high)


def coverage(errors: Floats, sigmas: Floats, level: float = 0.95) -> tuple[float, tuple[float, float], int]:
    """Share of errors within their intervals of this level, its exact 95 % interval, and how many there are."""
    inside = np.abs(errors) <= stats.norm.ppf(0.5 + level / 2) * sigmas
    return float(inside.mean()), clopper_pearson(int(inside.sum()), len(inside)), len(inside)
