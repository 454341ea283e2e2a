"""The figures of a validation are those of the papers they are named after."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.pipeline.types import Reliability
from workers.report.agreement import (
    Measured,
    Share,
    agreement,
    closures_mm,
    coverage,
    coverage_by_sigma,
    joint_type,
    mismatches,
    round_trips_mm,
)


def row(
    jsn_mm: float,
    *,
    hand: int = 1,
    films: tuple[int, int] = (1, 2),
    joint: str = "MCP2",
    sigma_mm: float = 0.02,
    truth_mm: float = 0.0,
    backward_mm: float = math.nan,
) -> Measured:
    return Measured(hand, *films, joint, jsn_mm, sigma_mm, Reliability.RELIABLE, (), truth_mm, backward_mm)


def test_bias_and_limits_are_mean_and_1_96_sd_of_the_errors() -> None:
    errors = np.random.default_rng(1).normal(0.02, 0.05, 400)
    spread = agreement([row(0.3 + error, hand=i, truth_mm=0.3) for i, error in enumerate(errors)])
    assert spread.bias_mm == pytest.approx(errors.mean())
    assert spread.limits_mm == pytest.approx(errors.mean() + 1.96 * errors.std(ddof=1) * np.array([-1, 1]))
    assert spread.sdc_mm == pytest.approx(1.96 * errors.std(ddof=1))
    low, high = spread.bias_interval_mm
    assert low < 0.02 < high and high - low == pytest.approx(2 * 1.966 * errors.std(ddof=1) / 20, rel=1e-3)
    assert spread.limit_half_interval_mm == pytest.approx((high - low) / 2 * math.sqrt(3))


def test_the_interval_of_the_smallest_detectable_change_holds_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(2)
    held = 0
    for _ in range(400):
        spread = agreement([row(error, hand=i) for i, error in enumerate(rng.normal(0, 0.05, 30))])
        low, high = spread.sdc_interval_mm
        held += low < 1.96 * 0.05 < high
    assert 0.92 < held / 400 < 0.98


def test_three_films_give_three_errors_of_which_two_are_independent() -> None:
    rows = [row(0.01, films=films) for films in ((1, 2), (1, 3), (2, 3))]
    assert (agreement(rows).count, agreement(rows).independent) == (3, 2)
    assert agreement([*rows, row(0.02, hand=2)]).independent == 3


def test_what_was_not_measured_is_in_no_figure() -> None:
    rows = [row(0.6), row(math.nan), row(0.1, hand=2)]
    assert agreement(rows).count == mismatches(rows).total == coverage(rows).total == 2
    assert mismatches(rows).count == 1
    assert math.isnan(agreement([row(math.nan)]).bias_mm)


def test_without_a_known_truth_there_are_no_errors_but_closure_and_round_trips() -> None:
    rows = [row(0.2, films=films, truth_mm=math.nan, backward_mm=-0.1) for films in ((1, 2), (2, 3), (1, 3))]
    assert agreement(rows).count == mismatches(rows).total == coverage(rows).total == 0
    assert closures_mm(rows) == pytest.approx([0.2])
    assert round_trips_mm(rows) == pytest.approx([0.1] * 3)
    assert rows[0].badness_mm == pytest.approx(0.1)


def test_the_exact_interval_is_that_of_clopper_and_pearson() -> None:
    assert Share(0, 100).interval == pytest.approx((0.0, 0.03622), abs=1e-5)
    assert Share(3, 20).interval == pytest.approx((0.03207, 0.37893), abs=1e-5)
    assert Share(5, 5).interval[1] == 1.0
    assert math.isnan(Share(0, 0).value)


def test_coverage_counts_the_truths_within_1_96_sigma_in_each_third() -> None:
    rows = [row(0.01 * i, sigma_mm=0.01 + 0.001 * i, hand=i) for i in range(9)]
    thirds = coverage_by_sigma(rows)
    assert [share.total for _, _, share in thirds] == [3, 3, 3]
    assert thirds[0][0] == 0.01 and thirds[-1][1] == pytest.approx(0.018)
    assert coverage(rows).count == sum(0.01 * i <= 1.96 * (0.01 + 0.001 * i) for i in range(9))


@given(st.lists(st.floats(-1, 1), min_size=3, max_size=3))
def test_places_that_fit_each_other_close(places: list[float]) -> None:
    rows = [row(places[b - 1] - places[a - 1], films=(a, b)) for a, b in ((1, 2), (2, 3), (1, 3))]
    assert closures_mm(rows) == pytest.approx([0.0], abs=1e-12)


def test_closure_is_12_plus_23_less_13_of_one_joint_and_hand() -> None:
    rows = [row(0.2, films=(1, 2)), row(0.3, films=(2, 3)), row(0.4, films=(1, 3))]
    assert closures_mm(rows) == pytest.approx([0.1])
    assert closures_mm(rows[:2]) == []
    assert closures_mm([*rows[:2], row(0.4, films=(1, 3), joint="MCP3")]) == []


def test_there_and_back_is_their_sum() -> None:
    assert round_trips_mm([row(0.2, backward_mm=-0.17), row(0.2)]) == pytest.approx([0.03])


def test_the_type_of_a_joint_is_its_name_without_the_ray() -> None:
    assert [joint_type(name) for name in ("MCP3", "IP1", "joint")] == ["MCP", "IP", "joint"]
