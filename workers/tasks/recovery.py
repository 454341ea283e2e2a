"""What is queued or claimed is done even when messages or workers were lost.

A worker that starts alone voids every claim and sends all unfinished jobs again. Later, each worker asks
once a minute for what has been lost meanwhile. Sending a job twice is harmless: one message claims its row.
"""

from __future__ import annotations

import logging
from typing import Any

from celery.signals import worker_init, worker_ready
from django.db import DatabaseError, connections
from kombu.exceptions import OperationalError as BrokerError

from jsnsite.celery import app
from jsnsite.measurements import services as measurements
from jsnsite.radiographs import services as radiographs

logger = logging.getLogger(__name__)

SWEEP_EVERY_S = 60


def resend_unfinished(*, all_lost: bool = False) -> int:
    """Send unfinished jobs again, radiographs before runs; see the services of that name."""
    sent = radiographs.resend_unfinished(all_lost=all_lost) + measurements.resend_unfinished(
        all_lost=all_lost
    )
    if sent:
        logger.info("sent %d unfinished jobs again", sent)
    return sent


@app.task(name="workers.tasks.resend_lost", ignore_result=True, expires=SWEEP_EVERY_S)
def resend_lost() -> int:
    """Send again what should be in the queue when the queue is empty; while it is not, nothing looks lost."""
    return 0 if _messages_waiting() else resend_unfinished()


@worker_init.connect
def start_over(**_: Any) -> None:
    """Before a worker's first task: when no other worker answers, claims belong to the dead."""
    try:
        # a connection of its own: a pooled one would be forked in the middle of waiting, and hang the child
        with app.connection_for_write() as connection:
            alone = not app.control.inspect(timeout=1.0, connection=connection).ping()
        if alone:
            resend_unfinished(all_lost=True)
    except (BrokerError, DatabaseError) as error:
        logger.warning("unfinished jobs are sent again later: %s", error)
    finally:
        # worker processes are forked from here and may not share a connection
        connections.close_all()


@worker_ready.connect
def sweep_regularly(sender: Any, **_: Any) -> None:
    """From a worker's own timer, so that no further process has to be run and watched."""
    sender.timer.call_repeatedly(SWEEP_EVERY_S, resend_lost.delay)


def _messages_waiting() -> int:
    with app.connection_for_read() as connection:
        channel: Any = connection.default_channel
        return int(channel.queue_declare(queue=app.conf.task_default_queue).message_count)
