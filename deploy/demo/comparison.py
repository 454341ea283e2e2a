"""Measured JSN beside its truth, joint by joint, and how good it is altogether: the pairs with the baseline, and the
trends over all pairs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from deploy.demo.films import Truth
from jsnsite.measurements.models import JointMeasurement, JointTrend, Reliability
from jsnsite.studies.models import Study

Z_95 = 1.96
MISMATCH_MM = 0.5


@dataclass(frozen=True)
class Compared:
    """One joint between baseline and one later timepoint. ``jsn_mm`` None: it could not be measured."""

    truth: Truth
    jsn_mm: float | None
    sigma_mm: float | None
    reliability: str
    reasons: tuple[str, ...]

    @property
    def error_mm(self) -> float | None:
        """Measured less true."""
        return None if self.jsn_mm is None else self.jsn_mm - self.truth.jsn_mm

    @property
    def covered(self) -> bool:
        """Whether the 95 % interval holds the truth."""
        error = self.error_mm
        return error is not None and self.sigma_mm is not None and abs(error) <= Z_95 * self.sigma_mm


def compare(study: Study, truth: Iterable[Truth]) -> list[Compared]:
    """The study's current measurements, each with its truth; joints without a measurement are left out."""
    known = {(row.patient, row.laterality, row.timepoint, row.joint): row for row in truth}
    measured = JointMeasurement.objects.current().with_context().filter(run__baseline__study=study)
    rows = []
    for measurement in measured:
        film = measurement.followup
        key = (film.timepoint.patient.code, film.laterality, film.timepoint.ordinal, measurement.joint)
        if key in known:
            rows.append(
                Compared(
                    known[key],
                    measurement.jsn_mm,
                    measurement.jsn_sigma_mm,
                    measurement.reliability,
                    tuple(measurement.reasons),
                )
            )
    order = {joint: number for number, joint in enumerate(study.joints)}
    return sorted(rows, key=lambda row: (_series(row.truth), order[row.truth.joint]))


def compare_trends(study: Study, truth: Iterable[Truth]) -> list[Compared]:
    """Every later point of the study's joint least-squares trends, each with its truth."""
    known = {(row.patient, row.laterality, row.timepoint, row.joint): row for row in truth}
    rows = []
    for trend in JointTrend.objects.filter(patient__study=study, audience="").select_related("patient"):
        for point in trend.points[1:]:
            key = (trend.patient.code, trend.laterality, point["ordinal"], trend.joint)
            if key in known:
                reasons = tuple(point["reasons"])
                rows.append(
                    Compared(known[key], point["jsn_mm"], point["sigma_mm"], point["reliability"], reasons)
                )
    return rows


def table(rows: Sequence[Compared]) -> Iterator[str]:
    """One line for each joint, under a heading for each hand and timepoint."""
    heading = None
    for row in rows:
        if heading != _series(row.truth):
            heading = _series(row.truth)
            yield ""
            yield f"{heading[0]}, {'left' if heading[1] == 'L' else 'right'} hand, timepoint {heading[2]}"
            yield "  joint   JSN mm   ± 95 %    truth    error  reliability"
        yield _line(row)


def summary(rows: Sequence[Compared], title: str) -> Iterator[str]:
    """Errors of everything that was measured, and of what the system calls reliable, under a title."""
    yield ""
    yield title
    columns = ("joints", "RMSE mm", "bias mm", "median |error| mm", "mismatches", "truth in 95 % interval")
    yield " " * 15 + "".join(f"{name:>{len(name) + 3}}" for name in columns)
    for name, group in _groups(rows):
        errors = np.array([row.error_mm for row in group if row.error_mm is not None])
        if not len(errors):
            yield f"  {name:<13}{0:9d}"
            continue
        covered = sum(row.covered for row in group) / len(errors)
        yield (
            f"  {name:<13}{len(errors):9d}{_rms(errors):10.3f}{errors.mean():+10.3f}"
            f"{np.median(np.abs(errors)):20.3f}{(np.abs(errors) > MISMATCH_MM).sum():13d}{covered:25.0%}"
        )
    reliable = sum(row.reliability == Reliability.RELIABLE for row in rows)
    yield f"  {reliable / max(1, len(rows)):.0%} of {len(rows)} joints are called reliable."


def _groups(rows: Sequence[Compared]) -> Iterator[tuple[str, list[Compared]]]:
    yield "measured", [row for row in rows if row.error_mm is not None]
    for reliability in Reliability:
        yield f"  {reliability.value}", [row for row in rows if row.reliability == reliability]


def _line(row: Compared) -> str:
    note = " ".join((row.reliability, f"({', '.join(row.reasons)})" if row.reasons else "")).rstrip()
    if row.jsn_mm is None or row.error_mm is None:
        return f"  {row.truth.joint:<6}{'-':>8} {'':>8} {row.truth.jsn_mm:+8.3f} {'':>8}  {note}"
    interval = f"{Z_95 * (row.sigma_mm or 0.0):8.3f}"
    compared = f"{row.jsn_mm:+8.3f} {interval} {row.truth.jsn_mm:+8.3f} {row.error_mm:+8.3f}"
    return f"  {row.truth.joint:<6}{compared}  {note}"


def _series(truth: Truth) -> tuple[str, str, int]:
    return truth.patient, truth.laterality, truth.timepoint


def _rms(errors: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
    return float(np.sqrt((errors**2).mean()))
