"""One decorator that makes a task outlive its worker, be done once, and leave a row behind when it fails."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from typing import Any, Protocol, TypeAlias, TypeVar

from celery import Task
from django.conf import settings
from django.db import InterfaceError, OperationalError

from jsnsite.celery import app
from workers.inference import InferenceError
from workers.tasks.failures import failure_of

logger = logging.getLogger(__name__)

_FIRST_PAUSE_S = 5.0


class Claimed(Protocol):
    """A row that a task works on: how often it has been claimed, this time included."""

    claims: int


RowT = TypeVar("RowT", bound=Claimed)
RowCo = TypeVar("RowCo", bound=Claimed, covariant=True)
AnyTask: TypeAlias = "Task[Any, Any]"  # generic in its stubs only


class Claim(Protocol[RowCo]):
    """Takes a row by its public id; None where there is nothing to do."""

    def __call__(self, public_id: str, /, *, token: str) -> RowCo | None: ...


def reliable(
    name: str, *, claim: Claim[RowT], fail: Callable[[RowT, str, str], object]
) -> Callable[[Callable[[RowT], None]], AnyTask]:
    """Make ``work(row)`` the Celery task ``name(public_id)``.

    The message is acknowledged when the work is done or has failed, so it comes back when its worker is
    lost; ``claim`` then decides whether there still is something to do. An inference server that does not
    answer is tried again with growing pauses, up to ``settings.JSN_MAX_CLAIMS`` claims; any other error, and
    the last of these, ends the row by ``fail(row, code, message)``.
    """

    def decorate(work: Callable[[RowT], None]) -> AnyTask:
        def run(task: AnyTask, public_id: str) -> None:
            row = claim(public_id, token=task.request.id or "")
            if row is None:
                return
            try:
                work(row)
            except (OperationalError, InterfaceError):
                raise  # of the database: the row could not be failed either; Celery tries the task again
            except Exception as error:
                if _passes(error) and row.claims < settings.JSN_MAX_CLAIMS:
                    logger.warning("%s %s is tried again: %s", name, public_id, error)
                    raise task.retry(exc=error, countdown=_pause_s(row.claims)) from error
                logger.exception("%s %s failed", name, public_id)
                fail(row, *failure_of(error))

        run.__doc__ = work.__doc__
        run.__module__ = work.__module__
        make: Any = app.task(name=name, **_OPTIONS)
        made: AnyTask = make(run)
        return made

    return decorate


_OPTIONS: dict[str, Any] = {
    "bind": True,
    "ignore_result": True,
    "acks_late": True,
    "reject_on_worker_lost": True,
    "autoretry_for": (OperationalError, InterfaceError),
    "retry_backoff": 2,
    "retry_jitter": True,
    "max_retries": 5,
    "time_limit": settings.CELERY_TASK_TIME_LIMIT,
    "soft_time_limit": settings.CELERY_TASK_SOFT_TIME_LIMIT,
}


def _passes(error: Exception) -> bool:
    return isinstance(error, InferenceError) and error.retryable


def _pause_s(claims: int) -> float:
    # the client itself has tried for some 20 s before it gives up
    return _FIRST_PAUSE_S * 2.0**claims * random.uniform(0.8, 1.2)  # noqa: S311
