"""Keeping up to date which measurements count, and the trends of joints with them."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from typing import Any

import numpy as np
from django.db import transaction

from jsnsite.measurements.current import refresh_current
from jsnsite.measurements.models import EVERYBODY, NO_VERDICTS, JointMeasurement, JointTrend, Reliability
from jsnsite.measurements.trend import Line, Pair, Suspect, TrendEstimate, estimate
from jsnsite.radiographs.models import Laterality, Radiograph, RadiographState
from jsnsite.studies.models import Patient

DAYS_PER_YEAR = 365.25
#: What the baseline's own point is called where others have their reliability.
BASELINE = "baseline"
#: Doubts about a point.
ONLY_DOUBTFUL_PAIRS, MISCLOSURE, NOT_CONNECTED = "only_doubtful_pairs", "misclosure", "not_connected"
_KEY = ("patient", "laterality", "joint", "audience")
_LINE = (
    "slope_mm_per_year",
    "slope_sigma_mm_per_year",
    "intercept_mm",
    "intercept_sigma_mm",
    "intercept_slope_covariance",
)
_FIELDS = [
    field.name for field in JointTrend._meta.concrete_fields if field.name not in ("id", "uuid", *_KEY)
]


def refresh_trends(
    patient: Patient, laterality: str | None = None, *, joints: Collection[str] | None = None
) -> None:
    """Find out which measurements of a patient count and estimate the trends anew: of both hands or of one, of all
    joints or of ``joints``.

    Belongs into the transaction of whatever changes which films or measurements count: a result, a verdict, a film
    that takes another's place.
    """
    with transaction.atomic():
        # one result after the other, so that two at the same moment both count
        Patient.objects.select_for_update(no_key=True).get(pk=patient.pk)
        for side in Laterality.values if laterality is None else [laterality]:
            refresh_current(patient, side, joints)
            _refresh_hand(patient, side, joints)


def _refresh_hand(patient: Patient, laterality: str, joints: Collection[str] | None) -> None:
    films = list(
        Radiograph.objects.filter(timepoint__patient=patient, laterality=laterality, current=True)
        .exclude(state=RadiographState.FAILED)
        .select_related("timepoint")
        .order_by("timepoint__ordinal")
    )
    kept = JointTrend.objects.filter(patient=patient, laterality=laterality)
    if joints is not None:
        kept = kept.filter(joint__in=joints)
    measured = _measurements(films, joints)
    said = _verdicts(row["pk"] for rows in measured.values() for row in rows)
    found = [
        trend
        for joint, rows in measured.items()
        for trend in _trends(patient, laterality, joint, films, rows, said)
    ]
    wanted = {(trend.joint, trend.audience) for trend in found}
    stale = [pk for pk, *key in kept.values_list("pk", "joint", "audience") if tuple(key) not in wanted]
    JointTrend.objects.filter(pk__in=stale).delete()
    JointTrend.objects.bulk_create(found, update_conflicts=True, unique_fields=_KEY, update_fields=_FIELDS)


def _measurements(films: list[Radiograph], joints: Collection[str] | None) -> dict[str, list[dict[str, Any]]]:
    """The newest measurements between any two of ``films`` by joint, without what readers say. One query."""
    found: Any = JointMeasurement.objects.newest()
    found = found.filter(run__baseline__in=films, run__followup__in=films).order_by("run", "joint")
    if joints is not None:
        found = found.filter(joint__in=joints)
    by_joint: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in found.values(
        "pk", "uuid", "joint", "jsn_mm", "jsn_sigma_mm", "reliability",
        "run__baseline", "run__followup",
    ):  # fmt: skip
        by_joint[row["joint"]].append(row)
    return by_joint


def _verdicts(measurements: Iterable[int]) -> dict[int, list[tuple[str, str]]]:
    """(reader's public id, verdict) of the reads that stand on the measurements. One query."""
    from jsnsite.reviews.models import Read

    found: dict[int, list[tuple[str, str]]] = defaultdict(list)
    standing = Read.objects.standing().filter(measurement__in=list(measurements)).order_by("pk")
    for measurement, reader, verdict in standing.values_list("measurement", "reader__uuid", "verdict"):
        found[measurement].append((str(reader), verdict))
    return found


def _trends(
    patient: Patient,
    laterality: str,
    joint: str,
    films: list[Radiograph],
    rows: list[dict[str, Any]],
    said: dict[int, list[tuple[str, str]]],
) -> Iterator[JointTrend]:
    """The joint's trend as all verdicts make it, as none does, and as each reader's own do."""
    readers = {reader for row in rows for reader, _ in said.get(row["pk"], ())}
    estimates: dict[tuple[frozenset[str], ...], dict[str, Any]] = {}
    for audience in (EVERYBODY, NO_VERDICTS, *sorted(readers)):
        verdicts = tuple(
            frozenset(v for reader, v in said.get(row["pk"], ()) if audience in (EVERYBODY, reader))
            for row in rows
        )
        # a joint that nobody or one reader has read has the same trend for several audiences
        if verdicts not in estimates:
            judged = [
                {**row, "flagged": "flagged" in of_row, "accepted": "accepted" in of_row}
                for row, of_row in zip(rows, verdicts, strict=True)
            ]
            estimates[verdicts] = _estimated(films, judged)
        yield JointTrend(
            patient=patient, laterality=laterality, joint=joint, audience=audience, **estimates[verdicts]
        )


def _estimated(films: list[Radiograph], rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The fields of a ``JointTrend`` that follow from the measurements."""
    measured = {row[end] for row in rows for end in ("run__baseline", "run__followup")}
    shown = [film for place, film in enumerate(films) if place == 0 or film.pk in measured]
    place = {film.pk: number for number, film in enumerate(shown)}
    first = shown[0].timepoint.date
    times = [(film.timepoint.date - first).days / DAYS_PER_YEAR for film in shown]
    counting = [row for row in rows if _may_count(row)]
    found = estimate(times, [_pair(row, place) for row in counting])
    points = _points(shown, found)
    return {
        "reliability": _worst(points),
        "points": points,
        "suspects": [_suspect(suspect, counting[suspect.pair], shown, place) for suspect in found.suspects],
        "sdc_mm": found.sdc_mm,
        "n_pairs": len(found.used),
        "chi2": found.chi2,
        "dof": found.dof,
        **_line(found.line),
    }


def _may_count(row: dict[str, Any]) -> bool:
    has_number = row["jsn_mm"] is not None and row["jsn_sigma_mm"] is not None
    return has_number and row["reliability"] != Reliability.UNRELIABLE and not row["flagged"]


def _pair(row: dict[str, Any], place: dict[int, int]) -> Pair:
    is_doubtful = row["reliability"] == Reliability.REVIEW and not row["accepted"]
    first, second = place[row["run__baseline"]], place[row["run__followup"]]
    return Pair(first, second, row["jsn_mm"], row["jsn_sigma_mm"], is_doubtful)


def _suspect(
    suspect: Suspect, row: dict[str, Any], films: list[Radiograph], place: dict[int, int]
) -> dict[str, Any]:
    return {
        "measurement": str(row["uuid"]),
        "baseline_ordinal": films[place[row["run__baseline"]]].timepoint.ordinal,
        "followup_ordinal": films[place[row["run__followup"]]].timepoint.ordinal,
        "residual_mm": suspect.residual_mm,
        "normalised": suspect.normalised,
        "excluded": suspect.excluded,
    }


def _points(films: list[Radiograph], found: TrendEstimate) -> list[dict[str, Any]]:
    points = []
    for number, film in enumerate(films):
        reliability, reasons = _verdict(number, found)
        is_known = bool(np.isfinite(found.positions_mm[number]))
        points.append(
            {
                "timepoint": str(film.timepoint.uuid),
                "ordinal": film.timepoint.ordinal,
                "date": film.timepoint.date.isoformat(),
                "jsn_mm": float(found.positions_mm[number]) if is_known else None,
                "sigma_mm": float(found.sigmas_mm[number]) if is_known else None,
                "reliability": reliability,
                "reasons": reasons,
            }
        )
    return points


def _verdict(film: int, found: TrendEstimate) -> tuple[str, list[str]]:
    """Reliability of a film's point, and the codes of the doubts."""
    if film == 0:
        return BASELINE, []
    if np.isnan(found.positions_mm[film]):
        return Reliability.UNRELIABLE, [NOT_CONNECTED]
    reasons = []
    if not found.soundly_connected[film]:
        reasons.append(ONLY_DOUBTFUL_PAIRS)
    if film in found.contradicted:
        reasons.append(MISCLOSURE)
    return (Reliability.REVIEW if reasons else Reliability.RELIABLE), reasons


def _worst(points: list[dict[str, Any]]) -> str:
    known = [point["reliability"] for point in points[1:] if point["jsn_mm"] is not None]
    if not known:
        return Reliability.UNRELIABLE
    return Reliability.REVIEW if Reliability.REVIEW in known else Reliability.RELIABLE


def _line(line: Line | None) -> dict[str, float | None]:
    if line is None:
        return dict.fromkeys(_LINE)
    return dict(
        zip(
            _LINE,
            (
                line.slope_mm_per_year,
                line.slope_sigma,
                line.intercept_mm,
                math.sqrt(line.covariance[0, 0]),
                float(line.covariance[0, 1]),
            ),
            strict=True,
        )
    )
