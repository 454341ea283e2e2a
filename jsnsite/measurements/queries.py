"""Reads of runs and measurements, always within what the user may see."""

from __future__ import annotations

import datetime
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.shortcuts import get_object_or_404

from jsnsite.measurements.models import (
    JointMeasurement,
    JointMeasurementQuerySet,
    Reliability,
    Run,
    RunQuerySet,
    RunState,
)
from jsnsite.scoping import Person
from jsnsite.studies.models import Patient, Site, Study, Timepoint

QuerySetT = TypeVar("QuerySetT", bound=QuerySet[Any])


@dataclass(frozen=True)
class TrendPoint:
    """JSN of a joint at one follow-up. ``jsn_mm`` is None where it could not be measured."""

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


@dataclass(frozen=True)
class Trend:
    """JSN of one joint over time, against one baseline (where it is 0 by definition)."""

    laterality: str
    joint: str
    baseline_date: datetime.date
    baseline_label: str
    points: list[TrendPoint] = field(default_factory=list)

    @property
    def latest(self) -> TrendPoint | None:
        return self.points[-1] if self.points else None


@dataclass(frozen=True)
class Progress:
    """How far the measuring of the current pairs is, by their newest attempt."""

    queued: int
    running: int
    done: int
    failed: int
    reliable: int
    review: int
    unreliable: int
    flagged: int

    @property
    def total(self) -> int:
        return self.queued + self.running + self.done + self.failed

    @property
    def pending(self) -> int:
        return self.queued + self.running

    @property
    def percent(self) -> int:
        return 100 if not self.total else int(100 * (self.done + self.failed) / self.total)


def measurements(user: Person) -> JointMeasurementQuerySet:
    """Every measurement in scope, superseded ones too, with ``flagged`` and all it shows."""
    return JointMeasurement.objects.restrict(user).with_flagged().with_context()


def current_measurements(
    user: Person,
    *,
    study: Study | None = None,
    site: Site | None = None,
    patient: Patient | None = None,
    timepoint: Timepoint | None = None,
) -> JointMeasurementQuerySet:
    """The measurements that count, in scope; ``timepoint`` is the follow-up's."""
    return _narrow(measurements(user).current(), "run__", study, site, patient, timepoint)


def measurement_or_404(user: Person, uuid: UUID) -> JointMeasurement:
    return get_object_or_404(measurements(user), uuid=uuid)


def is_current(measurement: JointMeasurement) -> bool:
    """Whether this is the measurement that counts for its joint and pair."""
    return JointMeasurement.objects.filter(pk=measurement.pk).current().exists()


def siblings(user: Person, measurement: JointMeasurement) -> JointMeasurementQuerySet:
    """All current measurements of the same hand, for moving between joints and follow-ups."""
    baseline = measurement.run.baseline
    return current_measurements(user, patient=baseline.timepoint.patient).filter(
        run__baseline__laterality=baseline.laterality
    )


def trends(user: Person, patient: Patient) -> dict[tuple[str, str], Trend]:
    """Every joint's trend, keyed by (laterality, joint), points in order of time. One query."""
    found = current_measurements(user, patient=patient).order_by("run__followup__timepoint__ordinal")
    grouped: dict[tuple[str, str], list[JointMeasurement]] = defaultdict(list)
    for measurement in found:
        grouped[measurement.run.baseline.laterality, measurement.joint].append(measurement)
    return {key: _trend(*key, rows) for key, rows in grouped.items()}


def trend(user: Person, patient: Patient, laterality: str, joint: str) -> Trend | None:
    """One joint's trend; None where nothing is measured yet."""
    return trends(user, patient).get((laterality, joint))


def runs(user: Person, *, patient: Patient | None = None, timepoint: Timepoint | None = None) -> RunQuerySet:
    """Newest attempts of the current pairs in scope; ``timepoint`` is the follow-up's."""
    found = Run.objects.restrict(user).of_current_pairs().newest()
    found = found.select_related("baseline__timepoint", "followup__timepoint__patient__site__study")
    return _narrow(found, "", None, None, patient, timepoint)


def run_or_404(user: Person, uuid: UUID) -> Run:
    return get_object_or_404(Run.objects.restrict(user), uuid=uuid)


def progress(
    user: Person,
    *,
    study: Study | None = None,
    site: Site | None = None,
    patient: Patient | None = None,
    timepoint: Timepoint | None = None,
) -> Progress:
    """Counts of runs by state and of current measurements by reliability, in scope."""
    found_runs = _narrow(
        Run.objects.restrict(user).of_current_pairs().newest(), "", study, site, patient, timepoint
    )
    by_state = dict(found_runs.order_by().values_list("state").annotate(n=Count("pk")))
    current = current_measurements(user, study=study, site=site, patient=patient, timepoint=timepoint)
    by_reliability = dict(current.order_by().values_list("reliability").annotate(n=Count("pk")))
    return Progress(
        **{state.value: by_state.get(state.value, 0) for state in RunState},
        **{reliability.value: by_reliability.get(reliability.value, 0) for reliability in Reliability},
        flagged=current.filter(Q(flagged=True)).count(),
    )


def _narrow(
    queryset: QuerySetT,
    prefix: str,
    study: Study | None,
    site: Site | None,
    patient: Patient | None,
    timepoint: Timepoint | None,
) -> QuerySetT:
    """Keep what belongs to the given objects; ``prefix`` leads to the run."""
    lookups = {
        "followup__timepoint__patient__study": study,
        "followup__timepoint__patient__site": site,
        "followup__timepoint__patient": patient,
        "followup__timepoint": timepoint,
    }
    return queryset.filter(
        **{prefix + lookup: value for lookup, value in lookups.items() if value is not None}
    )


def _trend(laterality: str, joint: str, rows: list[JointMeasurement]) -> Trend:
    baseline = rows[0].run.baseline.timepoint
    return Trend(
        laterality=laterality,
        joint=joint,
        baseline_date=baseline.date,
        baseline_label=str(baseline),
        points=[_point(row) for row in rows],
    )


def _point(row: Any) -> TrendPoint:
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
    )
