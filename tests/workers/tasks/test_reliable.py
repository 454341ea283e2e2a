"""What the task decorator promises: done once, tried again, and a row with a reason when it fails."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from jsnsite.measurements.models import Run, RunState
from jsnsite.measurements.services import claim_run, fail_run
from tests.jsnsite.factories import RunFactory
from workers.inference import InferenceError
from workers.tasks.reliable import reliable

pytestmark = pytest.mark.django_db

_numbers = count()


def task_of(work: Callable[[Run], None]) -> Any:
    return reliable(f"tests.task{next(_numbers)}", claim=claim_run, fail=fail_run)(work)


def away(run: Run) -> None:
    raise InferenceError("No answer.", retryable=True)


def test_a_task_hands_its_claimed_row_to_the_work() -> None:
    run: Any = RunFactory()
    seen: list[Any] = []
    task_of(lambda row: seen.append((row.pk, row.state))).apply((str(run.uuid),))
    assert seen == [(run.pk, RunState.RUNNING)]


def test_a_row_that_another_worker_holds_is_left_to_it() -> None:
    run: Any = RunFactory()
    seen: list[Any] = []
    claim_run(run.uuid, token="another message")
    task_of(seen.append).apply((str(run.uuid),))
    assert seen == []


def test_a_message_for_a_row_that_is_gone_does_nothing() -> None:
    task_of(away).apply(("00000000-0000-4000-8000-000000000000",))


def test_a_server_that_comes_back_costs_nothing() -> None:
    run: Any = RunFactory()
    tries: list[int] = []

    def work(row: Run) -> None:
        tries.append(row.claims)
        if len(tries) < 3:
            away(row)

    task_of(work).apply((str(run.uuid),))
    assert tries == [1, 2, 3]
    run.refresh_from_db()
    assert run.state == RunState.RUNNING


def test_a_server_that_stays_away_ends_the_row_with_advice(settings) -> None:
    run: Any = RunFactory()
    task_of(away).apply((str(run.uuid),))
    run.refresh_from_db()
    assert (run.state, run.failure_code) == (RunState.FAILED, "inference_unavailable")
    assert run.claims == settings.JSN_MAX_CLAIMS
    assert "inference server" in run.failure_message


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InferenceError("The segmenter takes image.", retryable=False), "inference_refused"),
        (ValueError("of no interest to a reader"), "computation_failed"),
        (FileNotFoundError(), "file_missing"),
        (MemoryError(), "out_of_memory"),
    ],
)
def test_any_other_error_ends_the_row_at_once(error: Exception, code: str) -> None:
    run: Any = RunFactory()

    def work(row: Run) -> None:
        raise error

    task_of(work).apply((str(run.uuid),))
    run.refresh_from_db()
    assert (run.state, run.failure_code, run.claims) == (RunState.FAILED, code, 1)
    assert "of no interest" not in run.failure_message


def test_tasks_outlive_their_worker() -> None:
    task = task_of(away)
    assert task.acks_late
    assert task.reject_on_worker_lost
    assert task.soft_time_limit < task.time_limit


def test_messages_come_back_only_after_the_time_limit() -> None:
    from jsnsite.settings import base

    options: dict[str, Any] = base.CELERY_BROKER_TRANSPORT_OPTIONS
    assert options["visibility_timeout"] > base.CELERY_TASK_TIME_LIMIT
    assert base.JSN_CLAIM_STALE_AFTER.total_seconds() > base.CELERY_TASK_TIME_LIMIT
