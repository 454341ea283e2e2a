"""Trends as drawn: the large chart's data, and coordinates of a small one that the server draws as plain SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from typing import Any

from django.urls import reverse

from jsnsite.measurements.queries import Trend, TrendPoint
from jsnsite.measurements.trends import FittedLine, PatientPoint

WIDTH, HEIGHT, MARGIN, ASIDE = 160, 76, 9, 9
#: Half of a 95 % interval in standard deviations.
Z_95 = 1.96
RANGES_MM = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0)
#: Least half height of a chart, what its lines may be apart, and how many steps it has at most.
LEAST_RANGE_MM = 0.2
STEPS_MM = (0.1, 0.2, 0.5, 1.0, 2.0)
MOST_STEPS = 6
#: Dates at which the band of a line, a hyperbola, is drawn.
BAND_STEPS = 24


@dataclass(frozen=True)
class ChartPoint:
    """JSN since the baseline at one date. ``half_width_mm`` is 1.96 sigma; None at the baseline, 0 by definition, and
    where the number does not count.
    """

    date: date
    label: str
    jsn_mm: float
    half_width_mm: float | None
    status: str
    url: str | None


@dataclass(frozen=True)
class BandPoint:
    """The fitted line at one date and its 95 % interval, mm."""

    date: date
    jsn_mm: float
    low_mm: float
    high_mm: float


@dataclass(frozen=True)
class Chart:
    """One trend as drawn: ``points`` are estimates over all pairs, ``left_out`` pairs with the baseline that do not
    count (flagged or unreliable), ``band`` the line.
    """

    points: list[ChartPoint]
    left_out: list[ChartPoint]
    band: list[BandPoint]
    sdc_mm: float | None

    @property
    def ends_mm(self) -> list[float]:
        """Of all intervals and of what has none, of the line's band, and of the smallest detectable change. What does
        not count may lie outside the chart.
        """
        intervals = [p.jsn_mm + sign * (p.half_width_mm or 0.0) for p in self.points for sign in (-1, 1)]
        band = [end for p in self.band for end in (p.low_mm, p.high_mm)]
        return intervals + band + ([-self.sdc_mm, self.sdc_mm] if self.sdc_mm is not None else [])

    def as_json(self) -> dict[str, Any]:
        return {
            "points": [_json(point) for point in self.points],
            "left_out": [_json(point) for point in self.left_out],
            "band": [_json(point) for point in self.band],
            "sdc_mm": self.sdc_mm,
        }


@dataclass(frozen=True)
class Scale:
    """What a chart shows of JSN, mm; 0 is always in it. ``step_mm``: between its lines."""

    low_mm: float
    high_mm: float
    step_mm: float

    def share(self, mm: float) -> float:
        """Where ``mm`` lies from bottom (0) to top (1), or the nearer end."""
        return min(max((mm - self.low_mm) / (self.high_mm - self.low_mm), 0.0), 1.0)


@dataclass(frozen=True)
class SparkPoint:
    x: str
    y: str
    low: str | None
    high: str | None
    status: str


@dataclass(frozen=True)
class Spark:
    """``band`` is a closed outline, ``line`` an open one."""

    zero: str
    line: str
    points: tuple[SparkPoint, ...]
    band: str = ""


def status_of(point: TrendPoint) -> str:
    """``flagged`` where a reader doubts it, else how reliable it is."""
    return "flagged" if point.flagged else point.reliability


def chart_of(trend: Trend) -> Chart:
    """A joint's chart: the baseline at 0, every visit that has an estimate, and what was left out."""
    urls = {
        point.timepoint: reverse("measurements:measurement", args=[point.measurement])
        for point in trend.points
    }
    points = [
        ChartPoint(e.date, e.label, e.jsn_mm, e.half_width_mm or None, e.reliability, urls.get(e.timepoint))
        for e in trend.estimates
        if e.jsn_mm is not None
    ] or [ChartPoint(trend.baseline_date, trend.baseline_label, 0.0, None, "baseline", None)]
    left_out = [
        ChartPoint(p.date, p.label, p.jsn_mm, None, status_of(p), urls[p.timepoint])
        for p in trend.points
        if p.jsn_mm is not None and status_of(p) in ("flagged", "unreliable")
    ]
    band = _band(trend.slope, points[0].date, points[-1].date) if trend.slope else []
    return Chart(points, left_out, band, trend.sdc_mm)


def chart_of_mean(points: Sequence[PatientPoint], baseline: date) -> Chart:
    """The mean over a patient's joints; it has a slope but no line of its own."""
    drawn = [ChartPoint(baseline, "", 0.0, None, "baseline", None)]
    drawn += [ChartPoint(p.date, "", p.jsn_mm, p.half_width_mm, "reliable", None) for p in points]
    return Chart(drawn, [], [], None)


def common_scale(charts: Sequence[Chart]) -> Scale:
    """The scale that all charts of a patient share, so that they compare: some six steps, never less than 0.2 mm to
    either side, never more than the last of ``RANGES_MM``.
    """
    ends = [end for chart in charts for end in chart.ends_mm]
    low = max(min([*ends, -LEAST_RANGE_MM]), -RANGES_MM[-1])
    high = min(max([*ends, LEAST_RANGE_MM]), RANGES_MM[-1])
    step = next((each for each in STEPS_MM if (high - low) / each <= MOST_STEPS), STEPS_MM[-1])
    return Scale(step * math.floor(low / step), step * math.ceil(high / step), step)


def spark(chart: Chart, first: date, last: date, scale: Scale) -> Spark:
    """Coordinates in a WIDTH x HEIGHT box: time to the right, narrowing upwards."""
    days = max((last - first).days, 1)

    def x(day: date) -> str:
        return f"{MARGIN + (WIDTH - 2 * MARGIN) * (day - first).days / days:.1f}"

    def y(mm: float) -> str:
        return f"{HEIGHT - 4 - (HEIGHT - 8) * scale.share(mm):.1f}"

    def drawn(p: ChartPoint) -> SparkPoint:
        low = high = None
        if p.half_width_mm is not None:
            low, high = y(p.jsn_mm - p.half_width_mm), y(p.jsn_mm + p.half_width_mm)
        return SparkPoint(x(p.date), y(p.jsn_mm), low, high, p.status)

    estimated = {p.date for p in chart.points}

    def beside(p: ChartPoint) -> SparkPoint:
        """What does not count stands above the estimate of its visit, not under it."""
        mark = drawn(p)
        return replace(mark, y=f"{float(mark.y) - ASIDE:.1f}") if p.date in estimated else mark

    # a fifth of the steps is as smooth at this size
    band = chart.band[::5] + chart.band[-1:]
    line = [(p.date, p.jsn_mm) for p in (band or chart.points)]
    outline = [(p.date, p.high_mm) for p in band] + [(p.date, p.low_mm) for p in reversed(band)]
    return Spark(
        zero=y(0),
        line=" ".join(f"{x(day)},{y(mm)}" for day, mm in line),
        points=(*map(beside, chart.left_out), *map(drawn, chart.points)),
        band=" ".join(f"{x(day)},{y(mm)}" for day, mm in outline),
    )


def _band(line: FittedLine, first: date, last: date) -> list[BandPoint]:
    steps = min(BAND_STEPS, max((last - first).days, 1))
    dates = [first + timedelta(days=round((last - first).days * k / steps)) for k in range(steps + 1)]
    found = []
    for day in dates:
        jsn_mm, sigma_mm = line.at(day)
        found.append(BandPoint(day, jsn_mm, jsn_mm - Z_95 * sigma_mm, jsn_mm + Z_95 * sigma_mm))
    return found


def _json(point: ChartPoint | BandPoint) -> dict[str, Any]:
    return asdict(point) | {"date": point.date.isoformat()}
