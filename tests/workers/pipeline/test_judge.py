"""Reliability: the worst doubt decides, and every doubt is named."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from workers.pipeline.judge import RULES, calibrated_sigma, judge
from workers.pipeline.types import Reliability


def test_a_joint_without_doubts_is_reliable() -> None:
    assert judge({"residual_upper": 0.01, "residual_lower": 0.01, "support_fraction": 0.9}) == (
        Reliability.RELIABLE,
        (),
    )


def test_the_worst_doubt_decides_and_comes_first() -> None:
    verdict, reasons = judge({"residual_upper": 0.3, "support_fraction": 0.1})
    assert verdict is Reliability.UNRELIABLE
    assert reasons == ("little_support", "poor_match_upper")


def test_a_metric_that_is_not_a_number_is_no_reason_for_trust() -> None:
    assert judge({"residual_lower": math.nan})[0] is Reliability.UNRELIABLE


@given(st.sampled_from(RULES), st.floats(-10, 10))
def test_each_rule_gets_stricter_in_one_direction_only(rule: object, value: float) -> None:
    order = list(Reliability)
    worse = value + 1 if rule.above else value - 1  # type: ignore[attr-defined]
    metric = rule.metric  # type: ignore[attr-defined]
    assert order.index(judge({metric: worse})[0]) >= order.index(judge({metric: value})[0])


def sigma(raw_sigma_mm: float = 0.01, **others: float) -> float:
    known = {
        "scale_deviation": 0.0,
        "mask_overlap": 0.0,
        "relative_rotation_deg": 0.0,
        "film_difference": 0.0,
    }
    return calibrated_sigma({"raw_sigma_mm": raw_sigma_mm, "jsn_magnitude_mm": 0.5, **known, **others})


@given(st.floats(0, 0.2), st.floats(0, 1), st.floats(0, 1), st.floats(0, 90), st.floats(0, 4))
def test_sigma_never_falls_below_that_of_the_registration_alone(
    raw: float, scale: float, overlap: float, turned_deg: float, films: float
) -> None:
    more = {"scale_deviation": scale, "mask_overlap": overlap, "film_difference": films}
    assert sigma(raw, relative_rotation_deg=turned_deg, **more) >= raw


def test_bones_that_turned_against_each_other_are_measured_less_surely() -> None:
    assert sigma(relative_rotation_deg=10.0) > 2 * sigma()


def test_films_that_were_processed_differently_are_measured_less_surely() -> None:
    assert sigma(film_difference=0.5) > 1.5 * sigma(0.005)


def test_where_one_film_is_magnified_the_interval_holds_the_change_in_either_films_millimetres() -> None:
    assert sigma(0.0, magnification=1.05) >= 0.05 * 0.5
