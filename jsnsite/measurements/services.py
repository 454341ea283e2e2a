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
from jsnsite.measurements.recording import Provenance, Result, record_run
from jsnsite.queue import QUANTIFY_PAIR, send_on_commit
from jsnsite.radiographs.models import JointAnnotation, Radiograph, RadiographState
from jsnsite.scoping import Action, allowed

__all__ = [
    "PairInputs",
    "Provenance",
    "Result",
    "claim_run",
    "fail_run",
    "may_take_over",
    "pair_inputs",
    "record_run",
    "resend_unfinished",
    "retry_run",
    "schedule_pairs",
]

logger = logging.getLogger(__name__)

_ACTIVE = (RunState.QUEUED, RunState.RUNNING)


@dataclass(frozen=True)
class PairInputs:
    """What a run measures: both films and the annotations, in the versions the run was made for."""

    baseline: Radiograph
    followup: Radiograph
    laterality: str
    baseline_annotations: dict[str, JointAnnotation] = field(default_factory=dict)
    followup_annotations: dict[str, JointAnnotation] = field(default_factory=dict)


@transaction.atomic
def schedule_pairs(radiograph: Radiograph) -> list[Run]:
    """Make and send the missing runs of ``radiograph``'s hand: its baseline against every later ready film.

    The baseline is the current film with the lowest ordinal; while that one is still being processed, nothing
    is scheduled, so that no trend starts from a film that is about to be replaced as baseline.
    """
    patient = radiograph.timepoint.patient
    hand = Radiograph.objects.select_related("study").filter(
        timepoint__patient=patient, laterality=radiograph.laterality, current=True
    )
    films = list(hand.exclude(state=RadiographState.FAILED).order_by("timepoint__ordinal"))
    if not films or films[0].state != RadiographState.READY:
        return []
    ready = [film for film in films[1:] if film.state == RadiographState.READY]
    runs = [_schedule(films[0], followup) for followup in ready]
    return [run for run in runs if run is not None]


def pair_inputs(run: Run) -> PairInputs:
    """The run's inputs by ``input_digests``, whatever has been annotated since."""
    return PairInputs(
        baseline=run.baseline,
        followup=run.followup,
        laterality=run.baseline.laterality,
        baseline_annotations=_annotations(run.baseline, run.input_digests["baseline"]["annotations"]),
        followup_annotations=_annotations(run.followup, run.input_digests["followup"]["annotations"]),
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
    new = _schedule(run.baseline, run.followup, retry_of=run)
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


def _schedule(baseline: Radiograph, followup: Radiograph, *, retry_of: Run | None = None) -> Run | None:
    """A queued run of the pair as it is now; None where these inputs are being or have been measured, or
    failed.
    """
    digests = {"baseline": _inputs(baseline), "followup": _inputs(followup)}
    key = hashlib.sha256(json.dumps(digests, sort_keys=True).encode()).hexdigest()
    of_pair = Run.objects.filter(baseline=baseline, followup=followup)
    same_inputs = of_pair.filter(input_key=key)
    if retry_of is not None:
        same_inputs = same_inputs.exclude(state=RunState.FAILED)
    if same_inputs.exists():
        return None
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
    return {
        "sha256": radiograph.sha256,
        "pixel_spacing_mm": radiograph.pixel_spacing_mm,
        "annotations": dict(newest.values_list("joint", "version")),
    }


def _annotations(radiograph: Radiograph, versions: dict[str, int]) -> dict[str, JointAnnotation]:
    found = JointAnnotation.objects.filter(radiograph=radiograph, joint__in=radiograph.study.joints)
    return {row.joint: row for row in found if versions.get(row.joint) == row.version}
