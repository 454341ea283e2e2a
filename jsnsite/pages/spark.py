"""Trends as drawn: the points of a chart, and the coordinates of a tiny one that the server draws as plain SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from django.urls import reverse

from jsnsite.measurements.queries import Trend, TrendPoint

WIDTH, HEIGHT, MARGIN = 160, 76, 9
#: Half of a 95 % interval in standard deviations.
Z_95 = 1.96
RANGES_MM = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0)


@dataclass(frozen=True)
class ChartPoint:
    """JSN against the baseline at one date. ``half_width_mm`` is 1.96 sigma; None at the baseline, 0 by definition."""

    date: date
    label: str
    jsn_mm: float
    half_width_mm: float | None
    status: str
    url: str | None

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"date": self.date.isoformat()}


@dataclass(frozen=True)
class SparkPoint:
    x: str
    y: str
    low: str | None
    high: str | None
    status: str


@dataclass(frozen=True)
class Spark:
    zero: str
    line: str
    points: tuple[SparkPoint, ...]


def status_of(point: TrendPoint) -> str:
    """``flagged`` where a reader doubts it, else how reliable it is."""
    return "flagged" if point.flagged else point.reliability


def chart_points(trend: Trend) -> list[ChartPoint]:
    """The baseline at 0 and every follow-up that has a number."""
    points = [ChartPoint(trend.baseline_date, trend.baseline_label, 0.0, None, "baseline", None)]
    for point in trend.points:
        if point.jsn_mm is None:
            continue
        half_width = None if point.jsn_sigma_mm is None else Z_95 * point.jsn_sigma_mm
        url = reverse("measurements:measurement", args=[point.measurement])
        points.append(ChartPoint(point.date, point.label, point.jsn_mm, half_width, status_of(point), url))
    return points


def common_range(charts: Sequence[Sequence[ChartPoint]]) -> float:
    """Half the height in mm that all charts of a patient share, so that they compare."""
    largest = max((abs(p.jsn_mm) + (p.half_width_mm or 0) for chart in charts for p in chart), default=0.0)
    return next((step for step in RANGES_MM if step >= largest), RANGES_MM[-1])


def spark(points: Sequence[ChartPoint], first: date, last: date, range_mm: float) -> Spark:
    """Coordinates in a WIDTH x HEIGHT box: time to the right, narrowing upwards."""
    days = max((last - first).days, 1)

    def x(day: date) -> float:
        return MARGIN + (WIDTH - 2 * MARGIN) * (day - first).days / days

    def y(mm: float) -> float:
        return HEIGHT / 2 - (HEIGHT / 2 - 4) * max(-1.0, min(1.0, mm / range_mm))

    drawn = tuple(
        SparkPoint(
            x=f"{x(p.date):.1f}",
            y=f"{y(p.jsn_mm):.1f}",
            low=None if p.half_width_mm is None else f"{y(p.jsn_mm - p.half_width_mm):.1f}",
            high=None if p.half_width_mm is None else f"{y(p.jsn_mm + p.half_width_mm):.1f}",
            status=p.status,
        )
        for p in points
    )
    return Spark(zero=f"{y(0):.1f}", line=" ".join(f"{p.x},{p.y}" for p in drawn), points=drawn)
