"""Reads of runs and measurements, always within what the user may see."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Count, QuerySet
from django.shortcuts import get_object_or_404

from jsnsite.measurements.models import (
    CurrentMeasurement,
    CurrentMeasurementQuerySet,
    JointMeasurement,
    JointMeasurementQuerySet,
    JointTrend,
    JointTrendQuerySet,
    Reliability,
    Run,
    RunQuerySet,
    RunState,
)
from jsnsite.measurements.trends import (
    FittedLine,
    PatientTrend,
    Trend,
    TrendPoint,
    joint_trend,
    line_of,
)
from jsnsite.measurements.trends import patient_trend as patient_trend_of
from jsnsite.scoping import Person
from jsnsite.studies.models import Patient, Site, Study, Timepoint

__all__ = [
    "PatientTrend",
    "Progress",
    "Trend",
    "TrendPoint",
    "counted",
    "current_measurements",
    "is_current",
    "is_evidence",
    "joint_trends",
    "line_and_sdc",
    "measurement_or_404",
    "measurements",
    "patient_trend",
    "patient_trends",
    "progress",
    "run_or_404",
    "runs",
    "siblings",
    "trend",
    "trends",
]

QuerySetT = TypeVar("QuerySetT", bound=QuerySet[Any])


@dataclass(frozen=True)
class Progress:
    """How far the measuring is: runs of all pairs of films that count, by their newest attempt, and the reliability
    of the measurements from the baselines.
    """

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
    return JointMeasurement.objects.restrict(user).with_flagged(user).with_context()


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


def counted(
    user: Person,
    *,
    study: Study | None = None,
    site: Site | None = None,
    patient: Patient | None = None,
    timepoint: Timepoint | None = None,
) -> CurrentMeasurementQuerySet:
    """The same in short, for counting: a study has a hundred thousand of these."""
    return _narrow(CurrentMeasurement.objects.restrict(user), "", study, site, patient, timepoint)


def measurement_or_404(user: Person, uuid: UUID) -> JointMeasurement:
    return get_object_or_404(measurements(user), uuid=uuid)


def is_current(measurement: JointMeasurement) -> bool:
    """Whether this is the measurement that counts for its joint and pair."""
    return JointMeasurement.objects.filter(pk=measurement.pk).current().exists()


def is_evidence(measurement: JointMeasurement) -> bool:
    """Whether this is the newest measurement between two films later than the baseline: part of the trend only."""
    newest = JointMeasurement.objects.filter(pk=measurement.pk).newest()
    return newest.exists() and not newest.from_baseline().exists()


def siblings(user: Person, measurement: JointMeasurement) -> JointMeasurementQuerySet:
    """All current measurements of the same hand, for moving between joints and follow-ups."""
    baseline = measurement.run.baseline
    return current_measurements(user, patient=baseline.timepoint.patient).filter(
        run__baseline__laterality=baseline.laterality
    )


def trends(user: Person, patient: Patient) -> dict[tuple[str, str], Trend]:
    """Every joint's trend, keyed by (laterality, joint), points in order of time. Three queries."""
    found = current_measurements(user, patient=patient).order_by("run__followup__timepoint__ordinal")
    grouped: dict[tuple[str, str], list[JointMeasurement]] = defaultdict(list)
    for measurement in found:
        grouped[measurement.run.baseline.laterality, measurement.joint].append(measurement)
    estimated = {(row.laterality, row.joint): row for row in joint_trends(user).filter(patient=patient)}
    labels = {str(each.uuid): str(each) for each in Timepoint.objects.restrict(user).filter(patient=patient)}
    return {key: joint_trend(rows, estimated.get(key), labels) for key, rows in grouped.items()}


def trend(user: Person, patient: Patient, laterality: str, joint: str) -> Trend | None:
    """One joint's trend; None where nothing is measured yet."""
    return trends(user, patient).get((laterality, joint))


def line_and_sdc(user: Person, measurement: JointMeasurement) -> tuple[FittedLine | None, float | None]:
    """The line through the joint's trend and its smallest detectable change, mm, as far as there are. One query."""
    row = (
        joint_trends(user)
        .filter(
            patient=measurement.followup.timepoint.patient_id,
            laterality=measurement.followup.laterality,
            joint=measurement.joint,
        )
        .first()
    )
    return (line_of(row), row.sdc_mm) if row else (None, None)


def joint_trends(user: Person) -> JointTrendQuerySet:
    """The stored trends in scope."""
    return JointTrend.objects.restrict(user)


def patient_trends(user: Person, patients: Iterable[Patient]) -> dict[int, PatientTrend]:
    """The mean over joints of each given patient that has a trend, by primary key. One query."""
    grouped: dict[int, list[JointTrend]] = defaultdict(list)
    for row in joint_trends(user).filter(patient__in=list(patients)):
        grouped[row.patient_id].append(row)
    return {patient: patient_trend_of(rows) for patient, rows in grouped.items()}


def patient_trend(user: Person, patient: Patient) -> PatientTrend | None:
    """The mean over a patient's joints; None where nothing is measured yet."""
    return patient_trends(user, [patient]).get(patient.pk)


def runs(
    user: Person,
    *,
    patient: Patient | None = None,
    timepoint: Timepoint | None = None,
    from_baseline: bool = True,
) -> RunQuerySet:
    """Newest attempts of the pairs from the baselines, or of all pairs of films that count, in scope; ``timepoint`` is
    the follow-up's.
    """
    found = Run.objects.restrict(user)
    found = found.of_current_pairs() if from_baseline else found.of_current_films()
    found = found.newest().select_related("baseline__timepoint", "followup__timepoint__patient__site__study")
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
    """Counts of runs by state and of current measurements by reliability, in scope. Five queries."""
    from jsnsite.reviews.models import Read

    found_runs = _narrow(
        Run.objects.restrict(user).of_current_films().newest(), "", study, site, patient, timepoint
    )
    by_state = dict(found_runs.order_by().values_list("state").annotate(n=Count("pk")))
    current = counted(user, study=study, site=site, patient=patient, timepoint=timepoint)
    flagged = Read.objects.restrict(user).flagging().values("measurement")
    return Progress(
        **{state.value: by_state.get(state.value, 0) for state in RunState},
        # an index counts each faster than one pass groups them
        **{reliability.value: current.filter(reliability=reliability).count() for reliability in Reliability},
        flagged=current.filter(pk__in=flagged).count(),
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
