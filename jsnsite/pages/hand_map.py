"""What the patient page draws for one hand: bones, joints coloured by the newest measurement, small charts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from jsnsite.measurements.queries import Trend, TrendPoint
from jsnsite.pages import hand
from jsnsite.pages.spark import ChartPoint, Spark, chart_points, common_range, spark, status_of

SIDES = {"R": "Right hand", "L": "Left hand"}


@dataclass(frozen=True)
class JointView:
    """One joint of one hand as shown: ``latest`` is None where nothing is measured."""

    joint: str
    laterality: str
    trend: Trend | None
    latest: TrendPoint | None
    status: str
    spark: Spark | None
    spot: hand.JointSpot | None

    @property
    def change_mm(self) -> float:
        """How far the newest measurement is from 0, whatever its sign."""
        return abs(self.latest.jsn_mm or 0.0) if self.latest else 0.0


@dataclass(frozen=True)
class HandView:
    laterality: str
    title: str
    bones: list[str]
    carpals: list[tuple[str, str, str]]
    joints: list[JointView]

    @property
    def measured(self) -> bool:
        return any(joint.trend for joint in self.joints)


def hand_views(trends: dict[tuple[str, str], Trend], joints: list[str]) -> tuple[list[HandView], float]:
    """Both hands, right hand first as it hangs on the viewing box, and the range in mm that their charts share."""
    charts = {key: chart_points(trend) for key, trend in trends.items()}
    range_mm = common_range(list(charts.values()))
    dates = [point.date for chart in charts.values() for point in chart] or [date.min]
    return [
        _hand(side, trends, charts, joints, (min(dates), max(dates)), range_mm) for side in SIDES
    ], range_mm


def _hand(
    side: str,
    trends: dict[tuple[str, str], Trend],
    charts: dict[tuple[str, str], list[ChartPoint]],
    joints: list[str],
    dates: tuple[date, date],
    range_mm: float,
) -> HandView:
    spots = {spot.joint: spot for spot in hand.spots(side, joints)}
    views = []
    for joint in joints:
        trend = trends.get((side, joint))
        latest = trend.latest if trend else None
        views.append(
            JointView(
                joint=joint,
                laterality=side,
                trend=trend,
                latest=latest,
                status=status_of(latest) if latest else "none",
                spark=spark(charts[side, joint], *dates, range_mm) if trend else None,
                spot=spots.get(joint),
            )
        )
    return HandView(side, SIDES[side], hand.bones(side), hand.carpals(side), views)
