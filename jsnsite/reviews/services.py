"""Verbs of readers: accept, flag with a reason, withdraw."""

from __future__ import annotations

from django.db import transaction

from jsnsite.accounts.models import User
from jsnsite.errors import DomainError, NotAllowed
from jsnsite.measurements.models import JointMeasurement
from jsnsite.measurements.services import refresh_trends
from jsnsite.reviews.models import Read, ReadVerdict, ReasonCode
from jsnsite.scoping import Action, allowed


def accept(*, measurement: JointMeasurement, reader: User, comment: str = "") -> Read:
    """``reader`` finds the measurement good. Takes the place of an earlier read of theirs."""
    return _read(measurement, reader, ReadVerdict.ACCEPTED, comment=comment)


def flag(*, measurement: JointMeasurement, reader: User, reason_code: str, comment: str = "") -> Read:
    """``reader`` doubts the measurement. Takes the place of an earlier read of theirs."""
    if reason_code not in ReasonCode.values:
        raise DomainError("reason_unknown", "Choose a reason from the list.")
    if reason_code == ReasonCode.OTHER and not comment.strip():
        raise DomainError("comment_missing", "Say in the comment what you doubt.")
    return _read(measurement, reader, ReadVerdict.FLAGGED, reason_code=reason_code, comment=comment)


def withdraw(*, measurement: JointMeasurement, reader: User) -> Read:
    """Undo ``reader``'s standing read; it stays in the record."""
    newest = Read.objects.filter(measurement=measurement, reader=reader).order_by("-pk").first()
    if newest is None or newest.verdict == ReadVerdict.WITHDRAWN:
        raise DomainError("nothing_to_withdraw", "You have no verdict on this measurement.")
    return _read(measurement, reader, ReadVerdict.WITHDRAWN)


@transaction.atomic
def _read(
    measurement: JointMeasurement,
    reader: User,
    verdict: ReadVerdict,
    *,
    reason_code: str = "",
    comment: str = "",
) -> Read:
    if not allowed(reader, Action.READ, measurement):
        raise NotAllowed("Only a reviewer of this study or site can give a verdict.")
    comment = comment.strip()
    if len(comment) > 2000:
        raise DomainError("comment_too_long", "Keep the comment under 2000 characters.")
    read = Read.objects.create(
        measurement=measurement, reader=reader, verdict=verdict, reason_code=reason_code, comment=comment
    )
    baseline = measurement.run.baseline
    refresh_trends(baseline.timepoint.patient, baseline.laterality, joints=[measurement.joint])
    return read
