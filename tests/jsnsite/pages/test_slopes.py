"""What a slope is called and how a chart is drawn."""

from __future__ import annotations

from datetime import date

import pytest

from jsnsite.measurements.trending import MISCLOSURE, NOT_CONNECTED, ONLY_DOUBTFUL_PAIRS
from jsnsite.measurements.trends import Estimate, FittedLine, Slope, Trend
from jsnsite.pages.slopes import CLASSES, change_words, slope_class, slope_words
from jsnsite.pages.spark import WIDTH, BandPoint, Chart, ChartPoint, Scale, chart_of, common_scale, spark
from jsnsite.pages.words import REASONS, signed_mm, unsigned_mm

DAY = date(2024, 1, 1)


def estimate(jsn_mm: float | None, ordinal: int = 1, sigma_mm: float = 0.02) -> Estimate:
    from uuid import uuid4

    day = date(2024 + ordinal, 1, 1)
    return Estimate(uuid4(), ordinal, f"visit {ordinal}", day, jsn_mm, sigma_mm, "reliable", [])


@pytest.mark.parametrize(
    ("slope", "sigma", "name"),
    [
        (0.05, 0.05, "still"),
        (-0.05, 0.05, "still"),
        (-0.05, 0.01, "wider"),
        (0.05, 0.01, "narrow-1"),
        (0.1, 0.01, "narrow-2"),
        (0.3, 0.01, "narrow-3"),
        (0.3, 0.2, "still"),
    ],
)
def test_a_joint_is_narrower_or_wider_only_where_its_interval_leaves_out_zero(slope, sigma, name):
    assert slope_class(Slope(slope, sigma)).name == name


def test_every_class_of_slope_has_a_sign_of_its_own():
    signs = [each.sign for each in CLASSES.values()]
    assert len(set(signs)) == len(signs)


@pytest.mark.parametrize(
    ("slope", "words"),
    [
        (Slope(0.12, 0.0357), "+0.12 mm a year (95 % +0.05 to +0.19): narrower than chance explains"),
        (Slope(-0.2, 0.04), "−0.20 mm a year (95 % −0.28 to −0.12): wider than chance explains"),
        (Slope(0.02, 0.05), "+0.02 mm a year (95 % −0.08 to +0.12): no change beyond chance"),
        (Slope(0.06, 0.01), "+0.060 mm a year (95 % +0.040 to +0.080): narrower than chance explains"),
        (None, "No slope yet: it takes two films that count, on two days."),
    ],
)
def test_a_slope_in_words(slope, words):
    assert slope_words(slope) == words


def test_an_interval_that_leaves_out_zero_never_reads_as_zero():
    text = slope_words(Slope(0.1, 0.0495))
    assert "narrower" in text and "0.00 " not in text


def test_the_newest_value_is_held_against_the_smallest_detectable_change():
    assert change_words(estimate(0.3), 0.06) == "+0.30 mm, beyond the smallest detectable change of 0.06 mm"
    assert "within" in change_words(estimate(-0.05), 0.06)
    assert change_words(None, 0.06) == change_words(estimate(0.3), None) == ""


def test_every_doubt_of_a_trend_has_words():
    assert {ONLY_DOUBTFUL_PAIRS, MISCLOSURE, NOT_CONNECTED} <= set(REASONS)


def test_sizes_are_rounded_not_cut_off():
    assert unsigned_mm(0.0159) == "0.02" and unsigned_mm(None) == "–"


def test_nothing_is_written_as_minus_zero():
    assert signed_mm(-0.001) == "0.00"


def trend_of(*values: float | None) -> Trend:
    line = FittedLine(0.1, 0.01, DAY, 0.0, 0.01, 0.0)
    estimates = [Estimate(estimate(0.0).timepoint, 0, "baseline", DAY, 0.0, 0.0, "baseline", [])]
    estimates += [estimate(value, 1 + n) for n, value in enumerate(values)]
    return Trend("R", "MCP2", DAY, "baseline", estimates=estimates, slope=line, sdc_mm=0.05)


def test_a_chart_starts_at_zero_and_leaves_out_visits_without_an_estimate():
    chart = chart_of(trend_of(0.1, None, 0.3))
    assert [point.jsn_mm for point in chart.points] == [0.0, 0.1, 0.3]
    assert chart.points[0].half_width_mm is None
    assert chart.points[1].half_width_mm == pytest.approx(1.96 * 0.02, rel=1e-4)


def test_the_band_is_the_lines_own_interval_and_reaches_from_first_to_last_estimate():
    trend = trend_of(0.1, 0.2)
    band = chart_of(trend).band
    assert (band[0].date, band[-1].date) == (DAY, trend.estimates[-1].date)
    for point in band:
        mm, sigma = trend.slope.at(point.date)
        assert (point.low_mm, point.high_mm) == pytest.approx((mm - 1.96 * sigma, mm + 1.96 * sigma))


def test_charts_share_a_scale_that_holds_every_interval_and_zero():
    charts = [chart_of(trend_of(0.1, 1.3)), chart_of(trend_of(-0.4))]
    scale = common_scale(charts)
    assert scale.low_mm <= -0.44 and scale.high_mm >= 1.34 and scale.low_mm < 0 < scale.high_mm
    assert common_scale([]).low_mm < 0


def test_a_chart_holds_its_line_s_band_and_the_smallest_detectable_change():
    points = [ChartPoint(DAY, "", 0.0, None, "baseline", None)]
    band = [BandPoint(DAY, 0.3, 0.1, 0.75)]
    scale = common_scale([Chart(points, [], band, sdc_mm=0.45)])
    assert scale.low_mm <= -0.45 and scale.high_mm >= 0.75


def test_more_narrowing_is_drawn_higher_and_later_visits_further_right():
    points = [
        ChartPoint(date(2024 + n, 1, 1), "", mm, None, "reliable", None) for n, mm in enumerate((0, 0.2, 0.9))
    ]
    drawn = spark(Chart(points, [], [], None), DAY, date(2026, 1, 1), Scale(-0.5, 1.0, 0.5)).points
    assert [float(p.y) for p in drawn] == sorted((float(p.y) for p in drawn), reverse=True)
    assert [float(p.x) for p in drawn] == sorted(float(p.x) for p in drawn)
    assert all(0 < float(p.x) < WIDTH for p in drawn)
