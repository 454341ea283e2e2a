"""Verbs on radiographs after intake: spacing, side, joints. ``receive`` is re-exported from ``intake``."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import BinaryIO, Protocol, cast
from uuid import UUID

import numpy as np
import numpy.typing as npt
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Max
from django.utils import timezone

from jsnsite.accounts.models import User
from jsnsite.errors import DomainError, NotAllowed
from jsnsite.measurements import services as measurements
from jsnsite.queue import LOCATE_JOINTS, send_on_commit
from jsnsite.radiographs import dicom
from jsnsite.radiographs.intake import receive
from jsnsite.radiographs.models import (
    AnnotationSource,
    JointAnnotation,
    Laterality,
    Radiograph,
    RadiographState,
    SpacingSource,
)
from jsnsite.scoping import Action, allowed
from jsnsite.studies.joints import JOINTS

__all__ = [
    "Located",
    "annotate",
    "claim_radiograph",
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
def set_spacing(*, radiograph: Radiograph, pixel_spacing_mm: float, user: User) -> Radiograph:
    """Enter the pixel spacing of a film that came without; processing starts on commit."""
    _require(user, Action.UPLOAD, radiograph)
    low, high = dicom.SPACING_RANGE_MM
    if not low <= pixel_spacing_mm <= high:
        raise DomainError(
            "spacing_range", f"Pixel spacing of a hand radiograph lies between {low} and {high} mm."
        )
    radiograph = Radiograph.objects.select_for_update().get(pk=radiograph.pk)
    if radiograph.state != RadiographState.NEEDS_SPACING:
        raise DomainError("spacing_known", "This film has its pixel spacing already.")
    radiograph.pixel_spacing_mm = pixel_spacing_mm
    radiograph.spacing_source = SpacingSource.ENTERED
    return _requeue(radiograph)


@transaction.atomic
def settle_laterality(*, radiograph: Radiograph, laterality: str, user: User) -> Radiograph:
    """A person decides the side of a film whose image looks like the other hand; it is processed again."""
    _require(user, Action.UPLOAD, radiograph)
    radiograph = Radiograph.objects.select_for_update().get(pk=radiograph.pk)
    if radiograph.failure_code != "laterality_mismatch" or not radiograph.current:
        raise DomainError("laterality_settled", "The side of this film is not in question.")
    if laterality not in Laterality.values:
        raise DomainError("laterality_unknown", "Choose left or right hand.")
    radiograph.laterality = laterality
    radiograph.laterality_settled = True
    try:
        with transaction.atomic():
            return _requeue(radiograph)
    except IntegrityError as error:
        raise DomainError(
            "laterality_taken",
            f"There is a film of the {Laterality(laterality).label} hand at this timepoint already.",
        ) from error


@transaction.atomic
def retry_radiograph(*, radiograph: Radiograph, user: User) -> Radiograph:
    """Look for the joints of a failed film again, as when the models were out of reach the first time."""
    _require(user, Action.UPLOAD, radiograph)
    radiograph = Radiograph.objects.select_for_update().get(pk=radiograph.pk)
    if radiograph.state != RadiographState.FAILED or not radiograph.current:
        raise DomainError("radiograph_not_failed", "Only a failed film can be tried again.")
    if radiograph.failure_code == "laterality_mismatch":
        raise DomainError("laterality_open", "Say first which hand this film shows.")
    return _requeue(radiograph)


@transaction.atomic
def claim_radiograph(radiograph_uuid: UUID | str, *, token: str = "") -> Radiograph | None:
    """Take a queued film to locate its joints; None where there is nothing to do.

    ``token`` is the task's id: the same message delivered again takes over from the worker that died with it.
    """
    radiograph = Radiograph.objects.select_for_update().filter(uuid=radiograph_uuid).first()
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


@transaction.atomic
def record_joints(
    radiograph: Radiograph, located: Iterable[Located], *, found_laterality: str | None = None
) -> Radiograph:
    """Keep what the locator found: the film is ready and its pairs are scheduled, or it fails with a reason.

    ``found_laterality``: the hand that the image shows, where the locator can tell. Recording twice does
    nothing.
    """
    radiograph = Radiograph.objects.select_for_update().get(pk=radiograph.pk)
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
    return _ready(radiograph)


@transaction.atomic
def fail_radiograph(radiograph: Radiograph, code: str, message: str) -> Radiograph:
    """The film cannot be used; ``message`` says what to do. The rest of the hand goes on without it.

    Does nothing where the film is processed already.
    """
    radiograph = Radiograph.objects.select_for_update().get(pk=radiograph.pk)
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
) -> JointAnnotation:
    """A person places a joint: a new version that counts from now on. Affected pairs are measured again."""
    _require(user, Action.ANNOTATE, radiograph)
    radiograph = Radiograph.objects.select_for_update().get(pk=radiograph.pk)
    if joint not in JOINTS or joint not in radiograph.study.joints:
        raise DomainError("joint_unknown", "The study does not measure this joint.")
    inside = -0.5 <= x_px <= radiograph.columns - 0.5 and -0.5 <= y_px <= radiograph.rows - 0.5
    if not inside or not 8 <= size_px <= min(radiograph.rows, radiograph.columns):
        raise DomainError("joint_outside", "Place the joint inside the image, with a region that fits it.")
    if radiograph.state != RadiographState.READY and radiograph.failure_code != "no_hand_found":
        raise DomainError("radiograph_not_ready", "Joints can be placed once the film is processed.")
    place = _Place(joint, x_px, y_px, (angle_deg + 180) % 360 - 180, size_px)
    annotation = _add_version(radiograph, joint, place, AnnotationSource.PERSON, 1.0, user)
    _ready(radiograph)
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


def _ready(radiograph: Radiograph) -> Radiograph:
    radiograph.state = RadiographState.READY
    radiograph.failure_code = radiograph.failure_message = ""
    radiograph.save()
    measurements.schedule_pairs(radiograph)
    return radiograph


def _requeue(radiograph: Radiograph) -> Radiograph:
    radiograph.state = RadiographState.QUEUED
    radiograph.failure_code = radiograph.failure_message = radiograph.claim_token = ""
    radiograph.claims = 0
    radiograph.save()
    send_on_commit(LOCATE_JOINTS, radiograph.uuid)
    return radiograph


def _require(user: User, action: Action, radiograph: Radiograph) -> None:
    if not allowed(user, action, radiograph):
        raise NotAllowed
