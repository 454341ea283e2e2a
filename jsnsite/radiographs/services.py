"""Verbs on radiographs after intake: locating, placing joints. Those of ``intake``, ``corrections`` and ``outlines``
are re-exported.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable
from typing import BinaryIO, Protocol, cast
from uuid import UUID

import numpy as np
import numpy.typing as npt
from django.conf import settings
from django.db import transaction
from django.db.models import F, Max
from django.utils import timezone, translation

from jsnsite.accounts.models import User
from jsnsite.errors import DomainError
from jsnsite.language import NEUTRAL
from jsnsite.measurements import services as measurements
from jsnsite.queue import LOCATE_JOINTS, send_on_commit
from jsnsite.radiographs import dicom, queries
from jsnsite.radiographs.corrections import correct_laterality, set_spacing, settle_laterality
from jsnsite.radiographs.intake import receive
from jsnsite.radiographs.models import (
    AnnotationSource,
    JointAnnotation,
    Laterality,
    Radiograph,
    RadiographState,
)
from jsnsite.radiographs.outlines import changed_meanwhile, draw_outline
from jsnsite.radiographs.steps import ready, requeue, require
from jsnsite.scoping import Action
from jsnsite.studies.joints import JOINTS

__all__ = [
    "ROI_RANGE_MM",
    "Located",
    "annotate",
    "changed_meanwhile",
    "claim_radiograph",
    "correct_laterality",
    "draw_outline",
    "fail_radiograph",
    "load_pixels",
    "receive",
    "record_joints",
    "resend_unfinished",
    "retry_radiograph",
    "set_spacing",
    "settle_laterality",
]

logger = logging.getLogger(__name__)

#: A smaller region holds too few pixels to register, a larger one more than one joint.
ROI_RANGE_MM = (8.0, 45.0)

_WAITING = (RadiographState.QUEUED, RadiographState.LOCATING)


class Located(Protocol):
    """A joint as the pipeline's locator gives it (``workers.pipeline.types.LocatedJoint``)."""

    @property
    def joint(self) -> str: ...
    @property
    def x_px(self) -> float: ...
    @property
    def y_px(self) -> float: ...
    @property
    def angle_deg(self) -> float: ...
    @property
    def size_px(self) -> float: ...
    @property
    def confidence(self) -> float: ...


def load_pixels(radiograph: Radiograph) -> npt.NDArray[np.float32]:
    """The radiograph's pixels, (H, W) float32, bone bright."""
    with radiograph.file.open("rb") as file:
        stored = cast(BinaryIO, file)
        return dicom.read_dicom(stored, max_bytes=settings.JSN_MAX_UPLOAD_BYTES + 2**20).pixels


@transaction.atomic
def retry_radiograph(*, radiograph: Radiograph, user: User) -> Radiograph:
    """Look for the joints of a failed film again, as when the models were out of reach the first time."""
    require(user, Action.UPLOAD, radiograph)
    radiograph = Radiograph.objects.select_for_update(no_key=True).get(pk=radiograph.pk)
    if radiograph.state != RadiographState.FAILED or not radiograph.current:
        raise DomainError("radiograph_not_failed", "Only a failed film can be tried again.")
    if radiograph.failure_code == "laterality_mismatch":
        raise DomainError("laterality_open", "Say first which hand this film shows.")
    return requeue(radiograph)


@transaction.atomic
def claim_radiograph(radiograph_uuid: UUID | str, *, token: str = "") -> Radiograph | None:
    """Take a queued film to locate its joints; None where there is nothing to do.

    ``token`` is the task's id: the same message delivered again takes over from the worker that died with it.
    """
    radiograph = Radiograph.objects.select_for_update(no_key=True).filter(uuid=radiograph_uuid).first()
    if radiograph is None or radiograph.state not in _WAITING or not radiograph.current:
        return None
    if radiograph.state == RadiographState.LOCATING and not measurements.may_take_over(radiograph, token):
        return None
    if radiograph.claims >= settings.JSN_MAX_CLAIMS:
        fail_radiograph(
            radiograph, "worker_lost", "Processing stopped several times. Tell the administrator."
        )
        return None
    radiograph.state = RadiographState.LOCATING
    radiograph.claim_token = token
    radiograph.claimed_at = timezone.now()
    radiograph.claims += 1
    radiograph.save()
    return radiograph


@translation.override(NEUTRAL)
@transaction.atomic
def record_joints(
    radiograph: Radiograph, located: Iterable[Located], *, found_laterality: str | None = None
) -> Radiograph:
    """Keep what the locator found: the film is ready and its pairs are scheduled, or it fails with a reason.

    ``found_laterality``: the hand that the image shows, where the locator can tell. Recording twice does
    nothing.
    """
    radiograph = Radiograph.objects.select_for_update(no_key=True).get(pk=radiograph.pk)
    if radiograph.state not in _WAITING:
        return radiograph
    joints = [joint for joint in located if joint.joint in radiograph.study.joints]
    if not joints:
        return fail_radiograph(
            radiograph,
            "no_hand_found",
            "No hand was found in this image. Replace it with the radiograph of the hand.",
        )
    if found_laterality and found_laterality != radiograph.laterality and not radiograph.laterality_settled:
        return fail_radiograph(
            radiograph,
            "laterality_mismatch",
            f"Filed as {radiograph.get_laterality_display()} hand, but the image looks like a "
            f"{Laterality(found_laterality).label} hand. Say which hand it is, or replace the film.",
        )
    for joint in joints:
        _add_version(radiograph, joint.joint, joint, AnnotationSource.LOCATOR, joint.confidence, None)
    return ready(radiograph)


@transaction.atomic
def fail_radiograph(radiograph: Radiograph, code: str, message: str) -> Radiograph:
    """The film cannot be used; ``message`` says what to do. The rest of the hand goes on without it.

    Does nothing where the film is processed already.
    """
    radiograph = Radiograph.objects.select_for_update(no_key=True).get(pk=radiograph.pk)
    if radiograph.state not in _WAITING:
        return radiograph
    radiograph.state = RadiographState.FAILED
    radiograph.failure_code = code
    radiograph.failure_message = message
    radiograph.save()
    logger.info("radiograph %s failed: %s", radiograph.uuid, code)
    measurements.schedule_pairs(radiograph)
    return radiograph


@transaction.atomic
def annotate(
    *,
    radiograph: Radiograph,
    joint: str,
    x_px: float,
    y_px: float,
    angle_deg: float,
    size_px: float,
    user: User,
    version: int | None = None,
) -> JointAnnotation:
    """A person places a joint: a new version that counts from now on. Of the pairs with this film, only this joint is
    measured again; outlines drawn in the ROI as it was no longer count.

    ``version``: the one that the person started from (0: none), where known; refused when it is no longer the newest.
    """
    require(user, Action.ANNOTATE, radiograph)
    radiograph = Radiograph.objects.select_for_update(no_key=True).get(pk=radiograph.pk)
    if joint not in JOINTS or joint not in radiograph.study.joints:
        raise DomainError("joint_unknown", "The study does not measure this joint.")
    inside = -0.5 <= x_px <= radiograph.columns - 0.5 and -0.5 <= y_px <= radiograph.rows - 0.5
    if not inside or not size_px <= min(radiograph.rows, radiograph.columns):
        raise DomainError("joint_outside", "Place the joint inside the image, with a region that fits it.")
    if not all(math.isfinite(value) for value in (x_px, y_px, angle_deg, size_px)):
        raise DomainError("joint_outside", "Place the joint inside the image, with a region that fits it.")
    low, high = ROI_RANGE_MM
    if not low <= size_px * (radiograph.pixel_spacing_mm or math.nan) <= high:
        raise DomainError(
            "roi_size",
            "The region of a finger joint is %(low)s to %(high)s mm wide.",
            low=round(low),
            high=round(high),
        )
    if radiograph.state != RadiographState.READY and radiograph.failure_code != "no_hand_found":
        raise DomainError("radiograph_not_ready", "Joints can be placed once the film is processed.")
    newest = queries.annotations_of(radiograph).get(joint)
    if version is not None and version != (newest.version if newest else 0):
        raise changed_meanwhile()
    place = _Place(joint, x_px, y_px, (angle_deg + 180) % 360 - 180, size_px)
    annotation = _add_version(radiograph, joint, place, AnnotationSource.PERSON, 1.0, user)
    ready(radiograph)
    return annotation


def resend_unfinished(*, all_lost: bool = False) -> int:
    """Send the tasks of queued and stale films again; ``all_lost``: no worker is running, so every claim is
    void.
    """
    unfinished = Radiograph.objects.filter(state__in=_WAITING, current=True)
    if all_lost:
        unfinished.filter(state=RadiographState.LOCATING).update(
            state=RadiographState.QUEUED, claims=F("claims") - 1, claim_token=""
        )
    else:
        stale = timezone.now() - settings.JSN_CLAIM_STALE_AFTER
        unfinished = unfinished.exclude(state=RadiographState.LOCATING, claimed_at__gt=stale)
    uuids = list(unfinished.values_list("uuid", flat=True))
    for uuid in uuids:
        send_on_commit(LOCATE_JOINTS, uuid)
    return len(uuids)


class _Place:
    def __init__(self, joint: str, x_px: float, y_px: float, angle_deg: float, size_px: float) -> None:
        self.joint, self.x_px, self.y_px, self.angle_deg, self.size_px = joint, x_px, y_px, angle_deg, size_px


def _add_version(
    radiograph: Radiograph,
    joint: str,
    place: _Place | Located,
    source: str,
    confidence: float,
    user: User | None,
) -> JointAnnotation:
    known = JointAnnotation.objects.filter(radiograph=radiograph, joint=joint)
    version = (known.aggregate(newest=Max("version"))["newest"] or 0) + 1
    return JointAnnotation.objects.create(
        radiograph=radiograph,
        joint=joint,
        version=version,
        x_px=place.x_px,
        y_px=place.y_px,
        angle_deg=place.angle_deg,
        size_px=place.size_px,
        confidence=min(max(confidence, 0.0), 1.0),
        source=source,
        created_by=user,
    )
