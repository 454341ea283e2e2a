"""Jobs whose messages or workers were lost are sent again; jobs that wait in the queue are not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from jsnsite.celery import app
from jsnsite.measurements.models import RunState
from jsnsite.measurements.services import claim_run
from tests.jsnsite.factories import RadiographFactory, RunFactory
from workers.tasks import resend_lost
from workers.tasks.recovery import resend_unfinished

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _empty_queue() -> Iterator[None]:
    app.control.purge()
    yield
    app.control.purge()


def waiting() -> int:
    with app.connection_for_read() as connection:
        channel: Any = connection.default_channel
        return int(channel.queue_declare(queue=app.conf.task_default_queue).message_count)


def test_queued_jobs_without_a_message_are_sent_again(django_capture_on_commit_callbacks) -> None:
    RunFactory()
    RadiographFactory(state="queued")
    with django_capture_on_commit_callbacks(execute=True):
        assert resend_lost() == 2
    assert waiting() == 2


def test_nothing_is_sent_again_while_the_queue_holds_messages(django_capture_on_commit_callbacks) -> None:
    RunFactory()
    with django_capture_on_commit_callbacks(execute=True):
        resend_lost()
    assert resend_lost() == 0
    assert waiting() == 1


def test_claims_of_the_dead_are_void_and_cost_no_attempt() -> None:
    run: Any = RunFactory()
    claim_run(run.uuid, token="of a dead worker")
    assert resend_unfinished() == 0
    assert resend_unfinished(all_lost=True) == 1
    run.refresh_from_db()
    assert (run.state, run.claims) == (RunState.QUEUED, 0)
