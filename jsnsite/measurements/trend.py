"""The trend of one joint: joint least squares over all pairs of its films, with covariance, slope, doubt.

Arrays only; lengths in mm, times in years, positive = narrower. The model: film ``i`` shows the joint space narrowed by
``x_i`` since the baseline, and the pair of films ``(i, j)`` measures

    d_ij = x_j - x_i + (f_j - f_i) + p_ij.

``f_i`` is what film ``i`` alone does to all its pairs alike (how the hand lay, how its joints were found), ``p_ij``
what the registration of this pair adds. In a closure ``d_01 + d_12 - d_02`` every ``f`` cancels: closures tell about
``p`` only, and pairs taken as independent would promise a precision that more pairs of the same films can not bring.

The pairs are a levelling network (Strang & Borre, Linear Algebra, Geodesy, and GPS, 1997, ch. 8 and 9):

- positions by generalised least squares (Aitken 1935). The films' part of the covariance lies in the column space of
  the design, so the weights are those of the pairs' part alone, and the films' part is added to the covariance of the
  result (Rao 1967, lemma 5a);
- a wrong pair is found by its normalised residual, i. e. leave-one-out (Baarda 1968, A testing procedure for use in
  geodetic networks: data snooping);
- the slope by generalised least squares with free intercept and the positions' full covariance: the same whichever film
  is called the baseline.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

#: Share of a pair's variance that belongs to its two films, measured with the whole pipeline. Phantom: 12 hands
#: (seeds 6000000 on, 14 joints, 5 films each, posed with spread 0.2 to 0.45 and exposed anew for every film), 1579
#: pairs called reliable: closures 0.0057 mm, errors 0.024 mm (RMS), hence 0.98: what is wrong is nearly all a bone's
#: turn out of the plane, and films have that, not pairs. Clinic: 45 MCP joints with 3 to 4 films; among pairs called
#: reliable the variance of 70 closures is 0.05 to 0.09 of what sigma allows, hence 0.91 to 0.95. With 0.9,
#: misclosures have chi2 / dof = 0.97 on the half of these joints on which it was chosen, 0.52 on the other.
FILM_SHARE = 0.9
#: Correlation of the errors of two joints of one hand on the same two films, from the same phantom hands: 0.28 with a
#: standard error of 0.04, as a hand that is tilted tilts all its joints.
JOINT_CORRELATION = 0.3
#: Half the width of a 95 % interval, in standard deviations.
Z_95 = 1.959964
#: Normalised residual beyond which a pair is suspected: 1 in 1000 when nothing is wrong (Baarda 1968).
CRITICAL = 3.29
#: Another pair explains the misclosure as well when its log likelihood comes this near: 1 to 20.
AS_LIKELY = math.log(20.0)
#: Chance of a misclosure this large below which sigma is not believed.
SIGNIFICANCE = 0.001
#: No registration of radiographs is better than this, mm; keeps weights finite.
SMALLEST_SIGMA_MM = 0.002


@dataclass(frozen=True)
class Pair:
    """JSN from film ``first`` to film ``second`` (indices of the films), mm. ``doubtful``: it counts only where no
    other pair connects its films.
    """

    first: int
    second: int
    jsn_mm: float
    sigma_mm: float
    doubtful: bool = False


@dataclass(frozen=True)
class Suspect:
    """A pair that contradicts the others: its index, its residual, mm, and that in its own standard deviations.

    ``excluded``: it alone explains the misclosure and was left out; otherwise another one explains it as well, and all
    of them stay in.
    """

    pair: int
    residual_mm: float
    normalised: float
    excluded: bool


@dataclass(frozen=True)
class Line:
    """JSN since film 0 = intercept + slope * years since film 0, with the covariance (2, 2) of both.

    The intercept is what film 0 seems to be off by; its error is in the covariance, so that the line's interval holds
    the true JSN since film 0, where that is steady.
    """

    intercept_mm: float
    slope_mm_per_year: float
    covariance: Floats

    @property
    def slope_sigma(self) -> float:
        """One standard deviation of the slope, mm a year."""
        return math.sqrt(self.covariance[1, 1])


@dataclass(frozen=True)
class TrendEstimate:
    """What ``estimate`` found for n films.

    positions_mm: (n,) narrowing since film 0, 0 there; NaN where no counting pair leads to film 0.
    covariance_mm2: (n, n) of the positions, 0 in row and column 0.
    soundly_connected: (n,) whether sound pairs alone lead to film 0.
    contradicted: films of the suspects.
    used: indices of the pairs that made the estimate.
    chi2, dof: weighted sum of squared residuals of these, and how many closures there are.
    suspects: pairs that contradict the others.
    line: None with fewer than two positions, or all at one time.
    sdc_mm: smallest detectable change between two films; None without a pair. See ``smallest_detectable_change``.
    """

    positions_mm: Floats
    covariance_mm2: Floats
    soundly_connected: Bools
    contradicted: frozenset[int]
    used: tuple[int, ...]
    chi2: float
    dof: int
    suspects: tuple[Suspect, ...]
    line: Line | None
    sdc_mm: float | None

    @property
    def sigmas_mm(self) -> Floats:
        """(n,) one standard deviation of each position."""
        return np.sqrt(np.diag(self.covariance_mm2))


def estimate(
    times_years: Sequence[float], pairs: Sequence[Pair], *, film_share: float = FILM_SHARE
) -> TrendEstimate:
    """Positions, slope and doubts of one joint from all pairs that may count.

    Args:
        times_years: of each film; film 0 is the baseline.
        pairs: in any order and either direction. Leave out what never counts: unreliable or flagged ones.
        film_share: share of a pair's variance that belongs to its two films, more than 0 and less than 1.

    Raises:
        ValueError: without a film, when a pair names one that does not exist or the same twice, or when ``film_share``
            is out of range.
    """
    n = len(times_years)
    if not n:
        raise ValueError("A trend needs a film.")
    if not 0 < film_share < 1:
        raise ValueError("The share of the films lies between 0 and 1.")
    if any(p.first == p.second or not (0 <= p.first < n and 0 <= p.second < n) for p in pairs):
        raise ValueError("A pair compares two different films that exist.")
    counting = _counting(n, pairs)
    films = _reached(n, [pairs[k] for k in counting])
    if films.sum() < 2:
        return _nothing(n)
    # pairs beyond film 0's reach have no common zero with it
    counting = [k for k in counting if films[pairs[k].first]]
    fit, used, suspects = _snooped(n, films, pairs, counting, film_share)
    positions, covariance = np.full(n, np.nan), np.full((n, n), np.nan)
    positions[films], covariance[np.ix_(films, films)] = fit.relative()
    sound = _reached(n, [pairs[k] for k in used if not pairs[k].doubtful])
    times = np.asarray(times_years, float)[films] - times_years[0]
    return TrendEstimate(
        positions_mm=positions,
        covariance_mm2=covariance,
        soundly_connected=sound,
        contradicted=frozenset(
            film for suspect in suspects for film in (pairs[suspect.pair].first, pairs[suspect.pair].second)
        ),
        used=tuple(used),
        chi2=fit.chi2,
        dof=fit.dof,
        suspects=suspects,
        line=_line(times, fit),
        sdc_mm=_sdc_of(covariance[np.ix_(films, films)]),
    )


def smallest_detectable_change(sigma_mm: float) -> float:
    """1.96 sigma, sigma being the standard error of a change between two films, mm.

    Bruynesteyn et al., Ann Rheum Dis 2005;64:179-182: SDC = 1.96 SD / sqrt(2 k), with SD the standard deviation of the
    difference of two readings of the same change and k the readings averaged, so that SD / sqrt(2 k) is sigma. A change
    beyond it is no measurement error, with 95 % confidence.
    """
    return Z_95 * sigma_mm


def sigma_of_mean(hands: Iterable[Sequence[float]], correlation: float = JOINT_CORRELATION) -> float:
    """One standard deviation of the mean over joints, from the sigma of each, grouped by hand (films).

    Joints of one hand share its films, hence ``correlation`` among them; those of two hands share nothing.
    """
    count, variance = 0, 0.0
    for sigmas in hands:
        count += len(sigmas)
        variance += (1 - correlation) * math.fsum(s * s for s in sigmas) + correlation * math.fsum(
            sigmas
        ) ** 2
    return math.sqrt(variance) / count if count else math.nan


@dataclass(frozen=True)
class _Fit:
    """Free adjustment of m films: positions (m,), their covariance from the pairs alone (m, m) against their common
    mean, the films' own variances (m,), residuals of the pairs and those in their own standard deviations.
    """

    positions: Floats
    pair_covariance: Floats
    film_variances: Floats
    residuals: Floats
    normalised: Floats
    chi2: float
    dof: int

    @property
    def covariance(self) -> Floats:
        total: Floats = self.pair_covariance + np.diag(self.film_variances)
        return total

    def relative(self) -> tuple[Floats, Floats]:
        """Positions and covariance with film 0 as zero."""
        to_first = np.eye(len(self.positions))
        to_first[:, 0] -= 1.0
        return to_first @ self.positions, to_first @ self.covariance @ to_first.T


def _snooped(
    n: int, films: Bools, pairs: Sequence[Pair], counting: list[int], film_share: float
) -> tuple[_Fit, list[int], tuple[Suspect, ...]]:
    """Leave out one wrong pair after the other while it is clear which one is wrong."""
    used, suspects = list(counting), []
    while True:
        fit = _adjust(n, films, [pairs[k] for k in used], film_share)
        size = np.abs(fit.normalised)
        worst = int(np.argmax(size))
        if size[worst] <= CRITICAL:
            break
        # leaving out pair k lowers chi2 by its normalised residual squared: twice its log likelihood ratio
        rivals = np.flatnonzero((size[worst] ** 2 - size**2) / 2 < AS_LIKELY)
        alone = len(rivals) == 1
        suspects += [
            Suspect(used[k], float(fit.residuals[k]), float(fit.normalised[k]), alone) for k in rivals
        ]
        if not alone:
            break
        del used[worst]
    if fit.dof and chdtrc(fit.dof, fit.chi2) < SIGNIFICANCE:
        # what is left contradicts itself beyond sigma: the variance factor that it shows replaces 1
        fit = replace(fit, pair_covariance=fit.pair_covariance * (fit.chi2 / fit.dof))
    return fit, used, tuple(suspects)


def _adjust(n: int, films: Bools, pairs: Sequence[Pair], film_share: float) -> _Fit:
    place = np.cumsum(films) - 1
    first, second = (place[[getattr(p, end) for p in pairs]] for end in ("first", "second"))
    measured = np.array([p.jsn_mm for p in pairs])
    variances = np.maximum([p.sigma_mm for p in pairs], SMALLEST_SIGMA_MM) ** 2
    m, rows = int(films.sum()), np.arange(len(pairs))
    film_variances = _film_variances(m, first, second, variances, film_share)
    pair_variances = variances - film_variances[first] - film_variances[second]
    design = np.zeros((len(pairs), m))
    design[rows, first], design[rows, second] = -1.0, 1.0
    normal = design.T @ (design / pair_variances[:, None])
    # the films' common mean is free: the inverse on what is orthogonal to it (inner constraints)
    covariance = np.linalg.inv(normal + 1.0 / m) - 1.0 / m
    positions = covariance @ (design.T @ (measured / pair_variances))
    residuals = measured - design @ positions
    left = pair_variances - np.einsum("ki,ij,kj->k", design, covariance, design)
    is_checked = left > 1e-9 * pair_variances  # a pair that alone leads to a film fits whatever it says
    normalised = np.where(is_checked, residuals / np.sqrt(np.where(is_checked, left, 1.0)), 0.0)
    dof = len(pairs) - m + 1
    chi2 = float((residuals**2 / pair_variances).sum()) if dof else 0.0
    return _Fit(positions, covariance, film_variances, residuals, normalised, chi2, dof)


def _film_variances(
    m: int, first: npt.NDArray[Any], second: npt.NDArray[Any], variances: Floats, film_share: float
) -> Floats:
    """(m,) each film's own variance: its share in the best of its pairs, as its part is in all of them."""
    best = np.full(m, np.inf)
    np.minimum.at(best, first, variances)
    np.minimum.at(best, second, variances)
    shares: Floats = film_share / 2 * best
    return shares


def _line(times_years: Floats, fit: _Fit) -> Line | None:
    if np.ptp(times_years) <= 0:
        return None
    design = np.stack([np.ones_like(times_years), times_years], axis=1)
    weighted = np.linalg.solve(fit.covariance, design)
    of_positions = np.linalg.solve(design.T @ weighted, weighted.T)
    positions, covariance = fit.relative()
    intercept, slope = of_positions @ positions
    return Line(float(intercept), float(slope), of_positions @ covariance @ of_positions.T)


def _sdc_of(covariance: Floats) -> float:
    """From the root mean square sigma of the change between any two of the films."""
    of_film = np.diag(covariance)
    of_change = of_film[:, None] + of_film[None, :] - 2 * covariance
    above = np.triu_indices(len(covariance), 1)
    return smallest_detectable_change(math.sqrt(float(of_change[above].mean())))


def _counting(n: int, pairs: Sequence[Pair]) -> list[int]:
    """Indices of the sound pairs, and of doubtful ones between groups of films that no sound pair connects."""
    group = _groups(n, [pair for pair in pairs if not pair.doubtful])
    return [k for k, pair in enumerate(pairs) if not pair.doubtful or group[pair.first] != group[pair.second]]


def _reached(n: int, pairs: Iterable[Pair]) -> Bools:
    """(n,) whether the pairs lead from film 0 to each film."""
    group = np.array(_groups(n, pairs))
    reached: Bools = group == group[0]
    return reached


def _groups(n: int, pairs: Iterable[Pair]) -> list[int]:
    """A number for each film, the same for films that the pairs connect."""
    group = list(range(n))
    for pair in pairs:
        old, new = group[pair.second], group[pair.first]
        if old != new:
            group = [new if one == old else one for one in group]
    return group


def _nothing(n: int) -> TrendEstimate:
    """No counting pair at the baseline."""
    positions, covariance = np.full(n, np.nan), np.full((n, n), np.nan)
    positions[0], covariance[0, 0] = 0.0, 0.0
    sound = np.arange(n) == 0
    return TrendEstimate(positions, covariance, sound, frozenset(), (), 0.0, 0, (), None, None)
