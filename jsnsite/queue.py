"""Scheduling of background tasks, by name, once the transaction that asks for them is committed."""

import logging
from uuid import UUID

from django.db import transaction

from jsnsite.celery import app

logger = logging.getLogger(__name__)

LOCATE_JOINTS = "workers.tasks.locate_joints"
QUANTIFY_PAIR = "workers.tasks.quantify_pair"


def send_on_commit(task: str, public_id: UUID) -> None:
    """Send ``task(public_id)`` after commit.

    A broker that cannot be reached is logged and does not fail the request: the row says ``queued``,
    and ``manage.py resume_jobs`` sends it again.
    """
    transaction.on_commit(lambda: _send(task, public_id), robust=True)


def _send(task: str, public_id: UUID) -> None:
    app.send_task(task, args=[str(public_id)])
    logger.info("sent %s %s", task, public_id)
