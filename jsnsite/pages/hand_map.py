"""What the patient page draws for one hand: bones, joints coloured by slope or reliability, small charts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext_lazy as _

from jsnsite.measurements.queries import Trend
from jsnsite.measurements.trends import Estimate
from jsnsite.pages import hand
from jsnsite.pages.slopes import SlopeClass, slope_class
from jsnsite.pages.spark import Chart, Scale, Spark, chart_of, common_scale, spark
from jsnsite.pages.words import RELIABILITY

SIDES = {"R": _("Right hand"), "L": _("Left hand")}
#: The same within a sentence.
HANDS = {"R": _("right hand"), "L": _("left hand")}


@dataclass(frozen=True)
class JointView:
    """One joint of one hand as shown. ``newest``: the newest visit with an estimate, None where nothing counts;
    ``trend``: None where nothing is measured. ``status``: of the whole trend; ``flagged`` where a reader doubts one of
    its measurements.
    """

    joint: str
    laterality: str
    trend: Trend | None
    newest: Estimate | None
    status: str
    slope_class: SlopeClass
    chart: Chart | None
    spark: Spark | None
    spot: hand.JointSpot | None

    @property
    def side(self) -> str:
        return str(SIDES[self.laterality])

    @property
    def hand(self) -> str:
        """The side within a sentence."""
        return str(HANDS[self.laterality])

    @property
    def status_word(self) -> str:
        return str(RELIABILITY[self.status])

    @property
    def anchor(self) -> str:
        return f"{self.laterality}-{self.joint}"

    @property
    def change_mm_per_year(self) -> float:
        """How fast it changes, whatever the direction; 0 where that is not beyond chance."""
        slope = self.trend.slope if self.trend else None
        return abs(slope.mm_per_year) if slope and slope.differs_from_zero else 0.0


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


def hand_views(trends: dict[tuple[str, str], Trend], joints: list[str]) -> tuple[list[HandView], Scale]:
    """Both hands, right hand first as it hangs on the viewing box, and the scale that their charts share."""
    charts = {key: chart_of(trend) for key, trend in trends.items()}
    scale = common_scale(list(charts.values()))
    dates = [p.date for chart in charts.values() for p in [*chart.points, *chart.left_out]] or [date.min]
    return [_hand(side, trends, charts, joints, (min(dates), max(dates)), scale) for side in SIDES], scale


def _hand(
    side: str,
    trends: dict[tuple[str, str], Trend],
    charts: dict[tuple[str, str], Chart],
    joints: list[str],
    dates: tuple[date, date],
    scale: Scale,
) -> HandView:
    spots = {spot.joint: spot for spot in hand.spots(side, joints)}
    views = []
    for joint in joints:
        trend, chart = trends.get((side, joint)), charts.get((side, joint))
        views.append(
            JointView(
                joint=joint,
                laterality=side,
                trend=trend,
                newest=_newest(trend) if trend else None,
                status=_status(trend) if trend else "none",
                slope_class=slope_class(trend.slope if trend else None),
                chart=chart,
                spark=spark(chart, *dates, scale) if chart else None,
                spot=spots.get(joint),
            )
        )
    return HandView(side, str(SIDES[side]), hand.bones(side), hand.carpals(side), views)


def _newest(trend: Trend) -> Estimate | None:
    known = [each for each in trend.estimates[1:] if each.jsn_mm is not None]
    return known[-1] if known else None


def _status(trend: Trend) -> str:
    if any(point.flagged for point in trend.points):
        return "flagged"
    return trend.reliability or "unreliable"
