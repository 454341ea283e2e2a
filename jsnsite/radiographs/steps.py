"""Steps that the verbs on radiographs share."""

from __future__ import annotations

from jsnsite.accounts.models import User
from jsnsite.errors import NotAllowed
from jsnsite.measurements import services as measurements
from jsnsite.queue import LOCATE_JOINTS, send_on_commit
from jsnsite.radiographs.models import Radiograph, RadiographState
from jsnsite.scoping import Action, allowed


def require(user: User, action: Action, radiograph: Radiograph) -> None:
    if not allowed(user, action, radiograph):
        raise NotAllowed


def ready(radiograph: Radiograph) -> Radiograph:
    """The film can be measured: what has changed for its pairs is measured."""
    radiograph.state = RadiographState.READY
    radiograph.failure_code = radiograph.failure_message = ""
    radiograph.save()
    measurements.schedule_pairs(radiograph)
    return radiograph


def requeue(radiograph: Radiograph) -> Radiograph:
    """Look for the joints (again)."""
    radiograph.state = RadiographState.QUEUED
    radiograph.failure_code = radiograph.failure_message = radiograph.claim_token = ""
    radiograph.claims = 0
    radiograph.save()
    measurements.refresh_trends(radiograph.timepoint.patient)
    send_on_commit(LOCATE_JOINTS, radiograph.uuid)
    return radiograph
