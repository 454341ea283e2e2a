"""Writing a run's results: arrays to private storage, rows once, the run done. All of it or nothing."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from django.core.files.base import ContentFile
from django.db import transaction
from django.utils import timezone

from jsnsite.measurements import artifacts
from jsnsite.measurements.models import JointMeasurement, Reliability, Run, RunState
from jsnsite.measurements.trending import refresh_trends

logger = logging.getLogger(__name__)


class Motion(Protocol):
    """Rigid motion of one bone from baseline to follow-up (``workers.pipeline.types.BoneMotion``)."""

    @property
    def dx_mm(self) -> float: ...
    @property
    def dy_mm(self) -> float: ...
    @property
    def rotation_deg(self) -> float: ...
    @property
    def scale(self) -> float: ...


class Result(Protocol):
    """A joint's result as the pipeline gives it (``workers.pipeline.types.JointResult``)."""

    @property
    def joint(self) -> str: ...
    @property
    def jsn_mm(self) -> float: ...
    @property
    def jsn_sigma_mm(self) -> float: ...
    @property
    def reliability(self) -> str: ...
    @property
    def reasons(self) -> tuple[str, ...]: ...
    @property
    def upper(self) -> Motion: ...
    @property
    def lower(self) -> Motion: ...
    @property
    def masks(self) -> Any: ...
    @property
    def pixel_spacing_mm(self) -> float: ...
    @property
    def metrics(self) -> Mapping[str, float]: ...


@dataclass(frozen=True)
class Provenance:
    """What computed a run: digest per model, version of the code, parameters that were not the default."""

    model_digests: dict[str, str]
    code_version: str
    parameters: dict[str, Any] = field(default_factory=dict)


def record_run(run: Run, results: Iterable[Result], provenance: Provenance) -> bool:
    """Keep the measurements of a claimed run and finish it. False, and nothing kept, where it is not ours any
    more.

    Joints of the run that are missing from ``results`` get a row without number and the reason
    ``joint_not_found``. Pixel spacings of different source or value put a doubt on every joint of the pair.
    """
    doubts = _spacing_doubts(run)
    by_joint = {result.joint: result for result in results}
    rows = [
        _row(run, by_joint[joint], doubts) if joint in by_joint else _missing(run, joint)
        for joint in run.joints
    ]
    try:
        for row in rows:
            if row.joint in by_joint:
                row.artifact.save("", ContentFile(artifacts.pack(by_joint[row.joint])), save=False)
        recorded = _finish(run, rows, provenance)
    except BaseException:
        _discard(rows)
        raise
    if not recorded:
        _discard(rows)
    return recorded


@transaction.atomic
def _finish(run: Run, rows: list[JointMeasurement], provenance: Provenance) -> bool:
    """Rows first, then the run: once it is done, nothing of it can change."""
    ours = Run.objects.select_for_update().filter(pk=run.pk, state=RunState.RUNNING, claims=run.claims)
    if not ours.exists():
        logger.info("run %s was finished or taken over by another worker", run.uuid)
        return False
    JointMeasurement.objects.bulk_create(rows)
    ours.update(
        state=RunState.DONE,
        finished_at=timezone.now(),
        model_digests=provenance.model_digests,
        code_version=provenance.code_version,
        parameters=provenance.parameters,
    )
    run.refresh_from_db()
    refresh_trends(
        run.baseline.timepoint.patient, run.baseline.laterality, joints=[row.joint for row in rows]
    )
    return True


def _row(run: Run, result: Result, doubts: list[str]) -> JointMeasurement:
    jsn_mm, sigma_mm = _number(result.jsn_mm), _number(result.jsn_sigma_mm)
    reliability = Reliability(str(result.reliability))
    if doubts and reliability == Reliability.RELIABLE:
        reliability = Reliability.REVIEW
    if jsn_mm is None:
        reliability = Reliability.UNRELIABLE
    return JointMeasurement(
        run=run,
        joint=result.joint,
        jsn_mm=jsn_mm,
        jsn_sigma_mm=sigma_mm,
        reliability=reliability,
        reasons=[str(reason) for reason in result.reasons] + doubts,
        **_motion("upper", result.upper),
        **_motion("lower", result.lower),
        metrics={name: _number(value) for name, value in result.metrics.items()},
    )


def _missing(run: Run, joint: str) -> JointMeasurement:
    return JointMeasurement(
        run=run, joint=joint, reliability=Reliability.UNRELIABLE, reasons=["joint_not_found"]
    )


def _motion(bone: str, motion: Motion) -> dict[str, float | None]:
    return {
        f"{bone}_{name}": _number(getattr(motion, name))
        for name in ("dx_mm", "dy_mm", "rotation_deg", "scale")
    }


def _spacing_doubts(run: Run) -> list[str]:
    baseline, followup = run.baseline, run.followup
    doubts = []
    if baseline.spacing_source != followup.spacing_source:
        doubts.append("spacing_source_differs")
    if not math.isclose(baseline.pixel_spacing_mm or 0, followup.pixel_spacing_mm or 0, rel_tol=0.01):
        doubts.append("spacing_value_differs")
    return doubts


def _number(value: float) -> float | None:
    """JSON and SQL know no NaN: what could not be measured is None."""
    return float(value) if math.isfinite(value) else None


def _discard(rows: list[JointMeasurement]) -> None:
    for row in rows:
        if row.artifact.name:
            row.artifact.storage.delete(row.artifact.name)
