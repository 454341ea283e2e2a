"""Joint least squares over all pairs of a joint's films: what the numbers promise, on data with known truth."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jsnsite.measurements.trend import (
    Pair,
    TrendEstimate,
    estimate,
    sigma_of_mean,
    smallest_detectable_change,
)

SIGMA_MM = 0.03
SHARE = 0.6

films = st.integers(2, 7)
numbers = st.floats(-2.0, 2.0)
sigmas = st.floats(0.01, 0.3)


@st.composite
def networks(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, list[Pair]]:
    """Times, positions, and pairs that measure them exactly: at least those from the baseline."""
    n = draw(films)
    times = np.cumsum([0.0, *draw(st.lists(st.floats(0.1, 2.0), min_size=n - 1, max_size=n - 1))])
    positions = np.array([0.0, *draw(st.lists(numbers, min_size=n - 1, max_size=n - 1))])
    pairs = [
        Pair(i, j, positions[j] - positions[i], draw(sigmas))
        for i, j in combinations(range(n), 2)
        if i == 0 or draw(st.booleans())
    ]
    return times, positions, pairs


def shaken(pairs: list[Pair], seed: int = 0, by_mm: float = 0.01) -> list[Pair]:
    rng = np.random.default_rng(seed)
    return [replace(pair, jsn_mm=pair.jsn_mm + by_mm * rng.normal()) for pair in pairs]


def measured(
    rng: np.random.Generator, positions: np.ndarray, share: float = SHARE, sigma_mm: float = SIGMA_MM
) -> list[Pair]:
    """All pairs of films, with errors of films and of pairs."""
    film = rng.normal(0, sigma_mm * np.sqrt(share / 2), len(positions))
    pair = sigma_mm * np.sqrt(1 - share)
    return [
        Pair(i, j, positions[j] + film[j] - positions[i] - film[i] + rng.normal(0, pair), sigma_mm)
        for i, j in combinations(range(len(positions)), 2)
    ]


def slope(found: TrendEstimate) -> tuple[float, float]:
    assert found.line is not None
    return found.line.slope_mm_per_year, found.line.slope_sigma


@given(networks())
def test_exact_pairs_give_exact_positions_and_no_misclosure(network):
    times, positions, pairs = network
    found = estimate(times, pairs)
    assert found.positions_mm == pytest.approx(positions, abs=1e-9)
    assert found.chi2 == pytest.approx(0, abs=1e-9)
    assert found.dof == len(pairs) - len(times) + 1
    assert found.suspects == () and found.soundly_connected.all()
    assert found.covariance_mm2[0] == pytest.approx(0, abs=1e-12)
    assert (found.sigmas_mm[1:] > 0).all()


@given(networks(), st.floats(-0.5, 0.5))
def test_a_joint_that_narrows_steadily_has_that_slope(network, mm_per_year):
    times, _, pairs = network
    pairs = [replace(p, jsn_mm=mm_per_year * (times[p.second] - times[p.first])) for p in pairs]
    line = estimate(times, pairs).line
    assert line.slope_mm_per_year == pytest.approx(mm_per_year, abs=1e-9)
    assert line.intercept_mm == pytest.approx(0, abs=1e-9)


@given(networks())
def test_two_films_say_what_their_pair_says(network):
    times, positions, pairs = network
    (only,) = (pair for pair in pairs if (pair.first, pair.second) == (0, 1))
    found = estimate(times[:2], [only])
    years = times[1] - times[0]
    assert found.sigmas_mm[1] == pytest.approx(only.sigma_mm)
    assert slope(found) == pytest.approx((positions[1] / years, only.sigma_mm / years))
    assert found.sdc_mm == pytest.approx(1.959964 * only.sigma_mm)


@given(networks(), st.randoms(use_true_random=False))
def test_the_order_and_direction_of_pairs_do_not_matter(network, random):
    times, _, pairs = network
    pairs = shaken(pairs)
    turned = [Pair(p.second, p.first, -p.jsn_mm, p.sigma_mm) if random.random() < 0.5 else p for p in pairs]
    random.shuffle(turned)
    found, again = estimate(times, pairs), estimate(times, turned)
    assert again.positions_mm == pytest.approx(found.positions_mm, abs=1e-9)
    assert again.covariance_mm2 == pytest.approx(found.covariance_mm2, abs=1e-9)
    assert (slope(again), again.chi2, again.sdc_mm) == (
        pytest.approx(slope(found), abs=1e-9), pytest.approx(found.chi2, abs=1e-6), pytest.approx(found.sdc_mm)
    )  # fmt: skip


@given(networks(), st.data())
def test_slope_changes_and_their_sigma_are_the_same_from_whichever_film(network, data):
    times, _, pairs = network
    pairs = shaken(pairs)
    order = data.draw(st.permutations(range(len(times))))
    place = {film: k for k, film in enumerate(order)}
    moved = [replace(p, first=place[p.first], second=place[p.second]) for p in pairs]
    found, other = estimate(times, pairs), estimate([times[film] for film in order], moved)
    assert slope(other) == pytest.approx(slope(found), abs=1e-8)
    assert other.sdc_mm == pytest.approx(found.sdc_mm)
    change = other.positions_mm[[place[0], place[1]]]
    assert change[1] - change[0] == pytest.approx(found.positions_mm[1], abs=1e-8)
    years = times[order[0]] - times[0]
    assert other.line.intercept_mm - change[0] == pytest.approx(found.line.intercept_mm, abs=1e-8) or years
    # the line is one and the same line, only read from another zero
    at_end = found.line.intercept_mm + found.line.slope_mm_per_year * times[-1]
    other_end = other.line.intercept_mm + other.line.slope_mm_per_year * (times[-1] - times[order[0]])
    assert other_end - change[0] == pytest.approx(at_end, abs=1e-8)


def test_more_pairs_of_the_same_films_can_not_take_away_the_films_own_errors():
    times = [0.0, 1.0, 2.0, 3.0]
    pairs = [Pair(i, j, 0.0, SIGMA_MM) for i, j in combinations(range(4), 2)]
    sigma = estimate(times, pairs, film_share=SHARE).sigmas_mm[1]
    assert SIGMA_MM * np.sqrt(SHARE) < sigma < SIGMA_MM
    # n films, all pairs: the pairs' part falls to 2 / n
    assert sigma == pytest.approx(SIGMA_MM * np.sqrt(SHARE + (1 - SHARE) * 2 / 4))


def test_intervals_of_positions_slope_and_line_hold_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(1)
    times = np.array([0.0, 0.5, 1.0, 2.0, 3.5])
    positions = 0.1 * times
    design = np.stack([np.ones(5), times], axis=1)
    sums = np.zeros(4)
    repeats = 2000
    chi2 = 0.0
    for _ in range(repeats):
        found = estimate(times, measured(rng, positions), film_share=SHARE)
        errors = np.abs(found.positions_mm - positions)[1:]
        per_year, sigma = slope(found)
        errors_of_line = design @ [found.line.intercept_mm, per_year] - positions
        band = np.sqrt(np.einsum("ki,ij,kj->k", design, found.line.covariance, design))
        sums += [
            (errors < 1.96 * found.sigmas_mm[1:]).mean(),
            abs(per_year - 0.1) < 1.96 * sigma,
            bool(found.suspects),
            (np.abs(errors_of_line) < 1.96 * band).mean(),
        ]
        chi2 += found.chi2
    coverage_of_positions, coverage_of_slope, suspected, coverage_of_line = sums / repeats
    assert coverage_of_positions == pytest.approx(0.95, abs=0.012)
    assert coverage_of_slope == pytest.approx(0.95, abs=0.012)
    assert coverage_of_line == pytest.approx(0.95, abs=0.012)
    assert suspected < 0.02
    assert chi2 / repeats == pytest.approx(6, rel=0.05)


def test_all_pairs_are_closer_to_the_truth_than_those_from_the_baseline():
    rng = np.random.default_rng(2)
    times, positions = np.arange(5.0), np.zeros(5)
    all_pairs, direct = [], []
    for _ in range(500):
        pairs = measured(rng, positions)
        all_pairs.append(estimate(times, pairs, film_share=SHARE).positions_mm[1:])
        direct.append([pair.jsn_mm for pair in pairs if pair.first == 0])
    assert np.std(all_pairs) < 0.95 * np.std(direct)


@pytest.mark.parametrize("seed", range(20))
def test_one_wrong_pair_is_found_and_does_not_drag_the_trend(seed):
    rng = np.random.default_rng(seed)
    times = np.arange(5.0)
    pairs = measured(rng, 0.05 * times)
    clean = estimate(times, pairs, film_share=SHARE)
    wrong = int(rng.integers(len(pairs)))
    pairs[wrong] = replace(pairs[wrong], jsn_mm=pairs[wrong].jsn_mm + 0.6)
    found = estimate(times, pairs, film_share=SHARE)
    assert [(suspect.pair, suspect.excluded) for suspect in found.suspects] == [(wrong, True)]
    assert found.suspects[0].residual_mm == pytest.approx(0.6 * 3 / 5, abs=0.1)
    assert wrong not in found.used
    assert found.positions_mm == pytest.approx(clean.positions_mm, abs=SIGMA_MM)


def test_two_wrong_pairs_among_many_are_found():
    rng = np.random.default_rng(0)
    times = np.arange(6.0)
    pairs = measured(rng, np.zeros(6))
    for wrong, by_mm in ((1, 0.7), (9, -0.5)):
        pairs[wrong] = replace(pairs[wrong], jsn_mm=by_mm)
    found = estimate(times, pairs, film_share=SHARE)
    assert {suspect.pair for suspect in found.suspects if suspect.excluded} == {1, 9}


def test_a_single_triangle_tells_that_something_is_wrong_but_not_what():
    pairs = [Pair(0, 1, 0.0, SIGMA_MM), Pair(1, 2, 0.0, SIGMA_MM), Pair(0, 2, 0.4, SIGMA_MM)]
    found = estimate([0.0, 1.0, 2.0], pairs)
    assert sorted(suspect.pair for suspect in found.suspects) == [0, 1, 2]
    assert not any(suspect.excluded for suspect in found.suspects)
    assert found.used == (0, 1, 2)
    # what contradicts itself is no longer as certain as it claims to be
    assert found.sigmas_mm[2] > 2 * SIGMA_MM


def test_doubtful_pairs_count_only_where_nothing_else_connects():
    sound = [Pair(0, 1, 0.1, SIGMA_MM), Pair(1, 2, 0.1, SIGMA_MM)]
    needless, needed = Pair(0, 2, 0.5, SIGMA_MM, doubtful=True), Pair(2, 3, 0.1, SIGMA_MM, doubtful=True)
    found = estimate([0.0, 1.0, 2.0, 3.0], [*sound, needless, needed])
    assert found.used == (0, 1, 3)
    assert found.positions_mm == pytest.approx([0.0, 0.1, 0.2, 0.3])
    assert list(found.soundly_connected) == [True, True, True, False]


def test_films_that_nothing_connects_have_no_number():
    found = estimate([0.0, 1.0, 2.0, 3.0], [Pair(0, 1, 0.1, SIGMA_MM), Pair(2, 3, 0.2, SIGMA_MM)])
    assert found.positions_mm == pytest.approx([0.0, 0.1, np.nan, np.nan], nan_ok=True)
    assert found.used == (0,)
    assert slope(found)[0] == pytest.approx(0.1)
    alone = estimate([0.0, 1.0, 2.0], [Pair(1, 2, 0.1, SIGMA_MM)])
    assert np.isnan(alone.positions_mm[1:]).all() and alone.line is None and alone.sdc_mm is None


def test_films_of_one_day_have_a_smallest_detectable_change_but_no_slope():
    found = estimate([0.0, 0.0, 0.0], [Pair(i, j, 0.0, SIGMA_MM) for i, j in ((0, 1), (0, 2), (1, 2))])
    assert found.line is None
    assert found.sdc_mm == pytest.approx(1.96 * found.sigmas_mm[1], rel=1e-3)


@pytest.mark.parametrize("pair", [Pair(1, 1, 0.0, 0.1), Pair(0, 2, 0.0, 0.1), Pair(-1, 0, 0.0, 0.1)])
def test_a_pair_compares_two_films_that_exist(pair):
    with pytest.raises(ValueError):
        estimate([0.0, 1.0], [pair])


def test_a_sigma_of_zero_is_not_believed():
    found = estimate([0.0, 1.0, 2.0], [Pair(0, 1, 0.1, 0.0), Pair(0, 2, 0.1, 0.0), Pair(1, 2, 0.0, 0.0)])
    assert np.isfinite(found.sigmas_mm).all() and found.sigmas_mm[1] > 0


@settings(max_examples=50)
@given(st.lists(st.lists(sigmas, min_size=1, max_size=14), min_size=1, max_size=2), st.floats(0, 1))
def test_the_mean_over_joints_is_surer_than_a_joint_but_for_what_they_share(hands, correlation):
    sigma = sigma_of_mean(hands, correlation)
    every = [sigma for hand in hands for sigma in hand]
    assert sigma_of_mean(hands, 0.0) - 1e-12 <= sigma <= sigma_of_mean(hands, 1.0) + 1e-12
    assert sigma_of_mean(hands, 0.0) == pytest.approx(np.sqrt(np.square(every).sum()) / len(every))
    if len(hands) == 1:
        assert sigma_of_mean(hands, 1.0) == pytest.approx(np.mean(every))


def test_the_smallest_detectable_change_is_196_sigma():
    assert smallest_detectable_change(0.05) == pytest.approx(0.098, abs=1e-4)
