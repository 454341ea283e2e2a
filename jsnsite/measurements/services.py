"""Verbs on runs: schedule, claim, record, fail, retry. Redelivered and repeated calls do nothing twice."""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Max
from django.utils import timezone

from jsnsite.accounts.models import User
from jsnsite.errors import DomainError, NotAllowed
from jsnsite.measurements.models import Run, RunState
from jsnsite.measurements.pairing import pairs_of
from jsnsite.measurements.recording import Provenance, Result, record_run
from jsnsite.measurements.trending import refresh_trends
from jsnsite.queue import QUANTIFY_PAIR, send_on_commit
from jsnsite.radiographs.models import BoneOutline, JointAnnotation, Radiograph, RadiographState
from jsnsite.scoping import Action, allowed
from jsnsite.studies.models import Patient

__all__ = [
    "PairInputs",
    "Provenance",
    "Result",
    "claim_run",
    "fail_run",
    "may_take_over",
    "pair_inputs",
    "record_run",
    "refresh_trends",
    "resend_unfinished",
    "retry_run",
    "schedule_pairs",
]

logger = logging.getLogger(__name__)

_ACTIVE = (RunState.QUEUED, RunState.RUNNING)


@dataclass(frozen=True)
class PairInputs:
    """What a run measures: both films, annotations and drawn bone outlines, in the versions the run was made for.

    Outlines are by joint and bone; a bone without one is segmented by the model.
    """

    baseline: Radiograph
    followup: Radiograph
    laterality: str
    baseline_annotations: dict[str, JointAnnotation] = field(default_factory=dict)
    followup_annotations: dict[str, JointAnnotation] = field(default_factory=dict)
    baseline_outlines: dict[str, dict[str, BoneOutline]] = field(default_factory=dict)
    followup_outlines: dict[str, dict[str, BoneOutline]] = field(default_factory=dict)


@transaction.atomic
def schedule_pairs(radiograph: Radiograph) -> list[Run]:
    """Make and send the missing runs of ``radiograph``'s hand: every ready film against the later ones (``pairing``).

    The baseline is the current film with the lowest ordinal; while that one is still being processed, nothing
    is scheduled, so that no trend starts from a film that is about to be replaced as baseline.
    """
    # one scheduling after the other: of two corrections at once, the later run must hold both
    Patient.objects.select_for_update(no_key=True).get(pk=radiograph.timepoint.patient_id)
    hand = Radiograph.objects.select_related("study", "timepoint").filter(
        timepoint__patient=radiograph.timepoint.patient, laterality=radiograph.laterality, current=True
    )
    films = list(hand.exclude(state=RadiographState.FAILED).order_by("timepoint__ordinal"))
    ready = [film for film in films if film.state == RadiographState.READY]
    runs = _schedule_all(ready) if ready[:1] == films[:1] else []
    refresh_trends(radiograph.timepoint.patient, radiograph.laterality)
    return runs


def _schedule_all(films: list[Radiograph]) -> list[Run]:
    inputs = [_inputs(film) for film in films]
    runs = [
        _schedule(films[i], films[j], {"baseline": inputs[i], "followup": inputs[j]})
        for i, j in pairs_of(len(films))
    ]
    return [run for run in runs if run is not None]


def pair_inputs(run: Run) -> PairInputs:
    """The run's inputs by ``input_digests``, whatever has been annotated since."""
    baseline, followup = run.input_digests["baseline"], run.input_digests["followup"]
    return PairInputs(
        baseline=run.baseline,
        followup=run.followup,
        laterality=run.baseline.laterality,
        baseline_annotations=_annotations(run.baseline, baseline["annotations"]),
        followup_annotations=_annotations(run.followup, followup["annotations"]),
        baseline_outlines=_outlines(run.baseline, baseline.get("outlines", {})),
        followup_outlines=_outlines(run.followup, followup.get("outlines", {})),
    )


@transaction.atomic
def claim_run(run_uuid: UUID | str, *, token: str = "") -> Run | None:
    """Take a run to work on; None where it is done, failed, no longer wanted, or in another worker's hands.

    ``token`` is the task's id. A message is delivered again only when its worker is gone, so the same token
    takes over; so does anyone once the claim is older than the task's time limit.
    """
    run = Run.objects.select_for_update().filter(uuid=run_uuid).first()
    if run is None or run.finished:
        return None
    if run.state == RunState.RUNNING and not may_take_over(run, token):
        return None
    if not (run.baseline.current and run.followup.current):
        fail_run(run, "superseded", "A film of this pair has been replaced; the new one is measured instead.")
        return None
    if run.claims >= settings.JSN_MAX_CLAIMS:
        fail_run(
            run, "worker_lost", "The computation stopped several times. Retry it, or tell the administrator."
        )
        return None
    now = timezone.now()
    run.state = RunState.RUNNING
    run.claim_token = token
    run.claimed_at = now
    run.started_at = run.started_at or now
    run.claims += 1
    run.save()
    return run


def may_take_over(claimed: Run | Radiograph, token: str) -> bool:
    """Whether a claim may be taken over: by the same message again, or because its worker must be gone."""
    if token and token == claimed.claim_token:
        return True
    return claimed.claimed_at is None or claimed.claimed_at < timezone.now() - settings.JSN_CLAIM_STALE_AFTER


@transaction.atomic
def fail_run(run: Run, code: str, message: str) -> bool:
    """End a run without result. False where it is finished already or another worker has taken it over."""
    now = timezone.now()
    failed = Run.objects.filter(pk=run.pk, state__in=_ACTIVE, claims=run.claims).update(
        state=RunState.FAILED, failure_code=code, failure_message=message, finished_at=now
    )
    if failed:
        logger.info("run %s failed: %s", run.uuid, code)
        run.refresh_from_db()
    return bool(failed)


@transaction.atomic
def retry_run(run: Run, *, user: User | None = None) -> Run:
    """A new run of a failed run's pair. ``user`` None is the system itself."""
    if user is not None and not (allowed(user, Action.MANAGE, run) or allowed(user, Action.UPLOAD, run)):
        raise NotAllowed
    run = Run.objects.select_for_update().get(pk=run.pk)
    if run.state != RunState.FAILED:
        raise DomainError("run_not_failed", "Only a failed run can be tried again.")
    if not (run.baseline.current and run.followup.current):
        raise DomainError(
            "run_superseded", "A film of this pair has been replaced; the new one is measured instead."
        )
    now = {"baseline": _inputs(run.baseline), "followup": _inputs(run.followup)}
    new = _schedule(run.baseline, run.followup, now, retry_of=run)
    if new is None:
        raise DomainError("run_exists", "This pair is being measured or has been measured already.")
    return new


def resend_unfinished(*, all_lost: bool = False) -> int:
    """Send the tasks of queued and stale runs again; ``all_lost``: no worker is running, so every claim is
    void.
    """
    unfinished = Run.objects.filter(state__in=_ACTIVE)
    if all_lost:
        unfinished.filter(state=RunState.RUNNING).update(
            state=RunState.QUEUED, claims=F("claims") - 1, claim_token="", claimed_at=None
        )
    else:
        stale = timezone.now() - settings.JSN_CLAIM_STALE_AFTER
        unfinished = unfinished.exclude(state=RunState.RUNNING, claimed_at__gt=stale)
    uuids = list(unfinished.values_list("uuid", flat=True))
    for uuid in uuids:
        send_on_commit(QUANTIFY_PAIR, uuid)
    return len(uuids)


def _schedule(
    baseline: Radiograph, followup: Radiograph, now: dict[str, Any], *, retry_of: Run | None = None
) -> Run | None:
    """A queued run of those joints of the pair whose inputs are others ``now``; None where there are none.

    Joints whose newest run failed go along with the others, and alone only in a retry.
    """
    of_pair = Run.objects.filter(baseline=baseline, followup=followup)
    newest: dict[str, Run] = {}
    for run in of_pair.order_by("attempt"):
        newest |= dict.fromkeys(run.joints, run)
    joints = baseline.study.joints
    changed = [j for j in joints if j not in newest or _of([j], newest[j].input_digests) != _of([j], now)]
    failed = [j for j in joints if j in newest and newest[j].state == RunState.FAILED]
    if not changed and not (failed and retry_of is not None):
        return None
    digests = _of([j for j in joints if j in changed or j in failed], now)
    key = hashlib.sha256(json.dumps(digests, sort_keys=True).encode()).hexdigest()
    attempt = (of_pair.aggregate(last=Max("attempt"))["last"] or 0) + 1
    try:
        with transaction.atomic():
            run = Run.objects.create(
                baseline=baseline,
                followup=followup,
                attempt=attempt,
                input_digests=digests,
                input_key=key,
                retry_of=retry_of,
            )
    except IntegrityError:  # another process was faster
        return None
    send_on_commit(QUANTIFY_PAIR, run.uuid)
    return run


def _inputs(radiograph: Radiograph) -> dict[str, Any]:
    newest = JointAnnotation.objects.filter(radiograph=radiograph).newest().order_by("joint")
    outlines: dict[str, dict[str, int]] = {}
    for outline in BoneOutline.objects.filter(radiograph=radiograph).counting():
        outlines.setdefault(outline.joint, {})[outline.bone] = outline.version
    return {
        "sha256": radiograph.sha256,
        "pixel_spacing_mm": radiograph.pixel_spacing_mm,
        "annotations": dict(newest.values_list("joint", "version")),
        "outlines": outlines,
    }


def _of(joints: list[str], digests: dict[str, Any]) -> dict[str, Any]:
    """The part of a pair's digests that these joints are measured from."""

    def only(film: dict[str, Any]) -> dict[str, Any]:
        versions = {
            name: {j: v for j, v in film.get(name, {}).items() if j in joints}
            for name in ("annotations", "outlines")
        }
        return {**film, **versions}

    return {side: only(digests.get(side, {})) for side in ("baseline", "followup")} | {"joints": joints}


def _annotations(radiograph: Radiograph, versions: dict[str, int]) -> dict[str, JointAnnotation]:
    found = JointAnnotation.objects.filter(radiograph=radiograph, joint__in=radiograph.study.joints)
    return {row.joint: row for row in found if versions.get(row.joint) == row.version}


def _outlines(
    radiograph: Radiograph, versions: dict[str, dict[str, int]]
) -> dict[str, dict[str, BoneOutline]]:
    found: dict[str, dict[str, BoneOutline]] = {}
    for row in BoneOutline.objects.filter(radiograph=radiograph, joint__in=versions):
        if versions[row.joint].get(row.bone) == row.version:
            found.setdefault(row.joint, {})[row.bone] = row
    return found
