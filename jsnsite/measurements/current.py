"""Which measurements readers see, and how doubtful each is: kept up to date for lists and counts."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from jsnsite.measurements.models import CurrentMeasurement, JointMeasurement, Reliability, RunState
from jsnsite.radiographs.models import Radiograph, RadiographState
from jsnsite.studies.models import Patient

_RANKS = {Reliability.UNRELIABLE: 0, Reliability.REVIEW: 2, Reliability.RELIABLE: 3}
_UNRELIABLE_WITHOUT_NUMBER = 1
_DERIVED = ["followup", "reliability", "doubt_rank", "doubt_less_mm"]


def doubt_key(measurement: JointMeasurement) -> tuple[int, float, int]:
    """Where ``measurement`` stands among others, the lower, the more doubtful: rank, less sigma in mm, primary key.

    One without a number comes after the unreliable ones that have one: there is less to judge.
    """
    rank = _RANKS[Reliability(measurement.reliability)]
    if measurement.jsn_mm is None:
        rank = _UNRELIABLE_WITHOUT_NUMBER
    return rank, -(measurement.jsn_sigma_mm or 0.0), measurement.pk


def refresh_current(patient: Patient, laterality: str, joints: Collection[str] | None = None) -> None:
    """Find out anew which measurements of a hand count, of all joints or of ``joints``.

    Part of ``trending.refresh_trends``, which sees to it that nobody else does the same at this moment.
    """
    hand = Radiograph.objects.filter(timepoint__patient=patient, laterality=laterality)
    films = list(hand.order_by("timepoint__ordinal"))
    kept = CurrentMeasurement.objects.filter(followup__in=films)
    if joints is not None:
        kept = kept.filter(measurement__joint__in=joints)
    found = [_row(each) for each in _newest_from_baseline([film for film in films if film.current], joints)]
    stale = set(kept.values_list("pk", flat=True)) - {row.pk for row in found}
    CurrentMeasurement.objects.filter(pk__in=stale).delete()
    CurrentMeasurement.objects.bulk_create(
        found, update_conflicts=True, unique_fields=["measurement"], update_fields=_DERIVED
    )


def _newest_from_baseline(
    films: list[Radiograph], joints: Collection[str] | None
) -> Iterable[JointMeasurement]:
    """What ``newest().from_baseline()`` finds for one hand, from its current films in the order of visits.

    By primary keys and without a subquery: it must be fast on a database that knows nothing of its tables' sizes, too.
    """
    baseline = next((film for film in films if film.state != RadiographState.FAILED), None)
    measured = JointMeasurement.objects.filter(
        run__baseline=baseline, run__followup__in=films, run__state=RunState.DONE
    )
    if joints is not None:
        measured = measured.filter(joint__in=joints)
    by_pair = {
        (row.run.followup_id, row.joint): row
        for row in measured.select_related("run").order_by("run__attempt")
    }
    return by_pair.values()


def _row(measurement: JointMeasurement) -> CurrentMeasurement:
    rank, less_mm, _pk = doubt_key(measurement)
    return CurrentMeasurement(
        measurement=measurement,
        followup_id=measurement.run.followup_id,
        reliability=measurement.reliability,
        doubt_rank=rank,
        doubt_less_mm=less_mm,
    )
