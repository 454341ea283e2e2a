"""Trends as pages show them, built from the rows: of a joint, and of a patient as the mean over joints.

JSN in mm, positive = narrower; slopes in mm a year.
"""

from __future__ import annotations

import datetime
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.utils.translation import gettext

from jsnsite.measurements.models import JointTrend, Reliability
from jsnsite.measurements.trend import Z_95, sigma_of_mean, smallest_detectable_change
from jsnsite.measurements.trending import DAYS_PER_YEAR


@dataclass(frozen=True)
class Slope:
    """Change a year."""

    mm_per_year: float
    sigma_mm_per_year: float

    @property
    def low_mm_per_year(self) -> float:
        """Lower end of the 95 % interval."""
        return self.mm_per_year - Z_95 * self.sigma_mm_per_year

    @property
    def high_mm_per_year(self) -> float:
        """Upper end of the 95 % interval."""
        return self.mm_per_year + Z_95 * self.sigma_mm_per_year

    @property
    def differs_from_zero(self) -> bool:
        """Whether 0 lies outside the 95 % interval."""
        return self.low_mm_per_year > 0 or self.high_mm_per_year < 0


@dataclass(frozen=True)
class FittedLine(Slope):
    """The line through a joint's estimates: ``intercept_mm`` at the baseline's date, and the covariances of both."""

    baseline_date: datetime.date
    intercept_mm: float
    intercept_sigma_mm: float
    intercept_slope_covariance: float

    def at(self, date: datetime.date) -> tuple[float, float]:
        """JSN of the line at a date, and one standard deviation of it, mm."""
        years = (date - self.baseline_date).days / DAYS_PER_YEAR
        variance = (
            self.intercept_sigma_mm**2
            + 2 * years * self.intercept_slope_covariance
            + (years * self.sigma_mm_per_year) ** 2
        )
        return self.intercept_mm + years * self.mm_per_year, math.sqrt(max(variance, 0.0))


@dataclass(frozen=True)
class Estimate:
    """JSN of a joint since the baseline at one timepoint, by least squares over all pairs of films."""

    timepoint: UUID
    ordinal: int
    label: str
    date: datetime.date
    jsn_mm: float | None
    jsn_sigma_mm: float | None
    reliability: str
    reasons: list[str]

    @property
    def half_width_mm(self) -> float | None:
        """Of the 95 % interval."""
        return None if self.jsn_sigma_mm is None else Z_95 * self.jsn_sigma_mm


@dataclass(frozen=True)
class Suspect:
    """A pair that contradicts the others by ``residual_mm``, ``normalised`` times what its sigma explains.

    ``excluded``: it was left out, as it alone explains the contradiction.
    """

    measurement: UUID
    baseline_ordinal: int
    followup_ordinal: int
    residual_mm: float
    normalised: float
    excluded: bool


@dataclass(frozen=True)
class TrendPoint:
    """JSN of a joint at one follow-up as the pair with the baseline shows it. ``jsn_mm`` is None where it could not be
    measured. ``estimate``: what all pairs together say.
    """

    measurement: UUID
    timepoint: UUID
    ordinal: int
    label: str
    date: datetime.date
    jsn_mm: float | None
    jsn_sigma_mm: float | None
    reliability: str
    reasons: list[str]
    flagged: bool
    estimate: Estimate | None = None


@dataclass(frozen=True)
class Trend:
    """JSN of one joint over time, against one baseline (where it is 0 by definition).

    ``points``: pairs with the baseline. ``estimates``: the baseline and each later film by least squares over all
    pairs, with ``slope``, ``sdc_mm`` (smallest detectable change between two films), ``suspects``, and the misclosures'
    ``chi2`` at ``dof`` degrees of freedom. ``reliability`` is the worst of the estimates, None without any.
    """

    laterality: str
    joint: str
    baseline_date: datetime.date
    baseline_label: str
    points: list[TrendPoint] = field(default_factory=list)
    estimates: list[Estimate] = field(default_factory=list)
    reliability: str | None = None
    slope: FittedLine | None = None
    sdc_mm: float | None = None
    suspects: list[Suspect] = field(default_factory=list)
    n_pairs: int = 0
    chi2: float | None = None
    dof: int = 0

    @property
    def latest(self) -> TrendPoint | None:
        return self.points[-1] if self.points else None


@dataclass(frozen=True)
class PatientPoint:
    """Mean JSN since the baseline over the ``n_joints`` joints that are reliable at one timepoint."""

    timepoint: UUID
    ordinal: int
    date: datetime.date
    jsn_mm: float
    jsn_sigma_mm: float
    n_joints: int

    @property
    def half_width_mm(self) -> float:
        """Of the 95 % interval."""
        return Z_95 * self.jsn_sigma_mm


@dataclass(frozen=True)
class PatientTrend:
    """Mean over joints. ``slope`` and ``sdc_mm`` (smallest detectable change of the mean between two timepoints) are of
    the ``n_joints`` joints whose whole trend is reliable; None without any.
    """

    points: list[PatientPoint]
    slope: Slope | None
    sdc_mm: float | None
    n_joints: int

    @property
    def latest(self) -> PatientPoint | None:
        return self.points[-1] if self.points else None


def joint_trend(rows: list[Any], row: JointTrend | None, labels: Mapping[str, str]) -> Trend:
    """A joint's trend from its measurements against the baseline, in order of time, and its estimate.

    ``labels``: of timepoints by public id.
    """
    baseline = rows[0].run.baseline.timepoint
    estimates = [] if row is None else [_estimate(point, labels) for point in row.points]
    by_timepoint = {estimate.timepoint: estimate for estimate in estimates}
    trend: dict[str, Any] = {
        "laterality": rows[0].run.baseline.laterality,
        "joint": rows[0].joint,
        "baseline_date": baseline.date,
        "baseline_label": str(baseline),
        "points": [_point(each, by_timepoint.get(each.run.followup.timepoint.uuid)) for each in rows],
    }
    if row is None:
        return Trend(**trend)
    return Trend(
        **trend,
        estimates=estimates,
        reliability=None if row.reliability == Reliability.UNRELIABLE else row.reliability,
        slope=line_of(row),
        sdc_mm=row.sdc_mm,
        suspects=[
            Suspect(**{**suspect, "measurement": UUID(suspect["measurement"])}) for suspect in row.suspects
        ],
        n_pairs=row.n_pairs,
        chi2=row.chi2,
        dof=row.dof,
    )


def line_of(row: JointTrend) -> FittedLine | None:
    """The fitted line of a trend, where it has one."""
    if row.slope_mm_per_year is None:
        return None
    assert row.slope_sigma_mm_per_year is not None and row.intercept_mm is not None
    assert row.intercept_sigma_mm is not None and row.intercept_slope_covariance is not None
    return FittedLine(
        mm_per_year=row.slope_mm_per_year,
        sigma_mm_per_year=row.slope_sigma_mm_per_year,
        baseline_date=datetime.date.fromisoformat(row.points[0]["date"]),
        intercept_mm=row.intercept_mm,
        intercept_sigma_mm=row.intercept_sigma_mm,
        intercept_slope_covariance=row.intercept_slope_covariance,
    )


def patient_trend(rows: Iterable[JointTrend]) -> PatientTrend:
    """The mean over the joints of one patient."""
    rows = list(rows)
    reliable = [row for row in rows if row.reliability == Reliability.RELIABLE]
    with_slope = [row for row in reliable if row.slope_mm_per_year is not None]
    sdc_sigma = _sigma((row.laterality, (row.sdc_mm or 0.0) / Z_95) for row in reliable)
    return PatientTrend(
        points=_patient_points(rows),
        slope=Slope(
            _mean(row.slope_mm_per_year or 0.0 for row in with_slope),
            _sigma((row.laterality, row.slope_sigma_mm_per_year or 0.0) for row in with_slope),
        )
        if with_slope
        else None,
        sdc_mm=smallest_detectable_change(sdc_sigma) if reliable else None,
        n_joints=len(reliable),
    )


def _patient_points(rows: list[JointTrend]) -> list[PatientPoint]:
    at: dict[tuple[int, str, str], list[tuple[str, dict[str, Any]]]] = defaultdict(list)
    for row in rows:
        for point in row.points:
            if point["reliability"] == Reliability.RELIABLE:
                at[point["ordinal"], point["timepoint"], point["date"]].append((row.laterality, point))
    return [
        PatientPoint(
            timepoint=UUID(timepoint),
            ordinal=ordinal,
            date=datetime.date.fromisoformat(date),
            jsn_mm=_mean(point["jsn_mm"] for _, point in points),
            jsn_sigma_mm=_sigma((side, point["sigma_mm"]) for side, point in points),
            n_joints=len(points),
        )
        for (ordinal, timepoint, date), points in sorted(at.items())
    ]


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return math.fsum(found) / len(found)


def _sigma(of_joints: Iterable[tuple[str, float]]) -> float:
    """One standard deviation of a mean over joints, from each joint's side and sigma."""
    by_hand: dict[str, list[float]] = defaultdict(list)
    for side, sigma in of_joints:
        by_hand[side].append(sigma)
    return sigma_of_mean(by_hand.values())


def _estimate(point: Mapping[str, Any], labels: Mapping[str, str]) -> Estimate:
    return Estimate(
        timepoint=UUID(point["timepoint"]),
        ordinal=point["ordinal"],
        label=labels.get(point["timepoint"])
        or gettext("timepoint %(ordinal)s") % {"ordinal": point["ordinal"]},
        date=datetime.date.fromisoformat(point["date"]),
        jsn_mm=point["jsn_mm"],
        jsn_sigma_mm=point["sigma_mm"],
        reliability=point["reliability"],
        reasons=point["reasons"],
    )


def _point(row: Any, estimate: Estimate | None) -> TrendPoint:
    timepoint = row.run.followup.timepoint
    return TrendPoint(
        measurement=row.uuid,
        timepoint=timepoint.uuid,
        ordinal=timepoint.ordinal,
        label=str(timepoint),
        date=timepoint.date,
        jsn_mm=row.jsn_mm,
        jsn_sigma_mm=row.jsn_sigma_mm,
        reliability=row.reliability,
        reasons=row.reasons,
        flagged=row.flagged,
        estimate=estimate,
    )
