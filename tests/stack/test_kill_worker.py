"""A worker that is killed with -9 while it works: all work is done after it restarts, and nothing twice."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis

from tests.stack.servers import wait_until

PROJECT = Path(__file__).resolve().parents[2]
JOINTS = 10
# short, so that messages of the dead worker come back within the test
TIME_LIMIT_S = 20


class Stack:
    """A database and a queue of its own, filled by the demo with one patient: 8 films, 12 pairs."""

    def __init__(self, data: Path, redis_url: str) -> None:
        self.data = data
        self.redis_url = urlsplit(redis_url)._replace(path="/7").geturl()
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(PROJECT),
            "DJANGO_SETTINGS_MODULE": "jsnsite.settings.local",
            "JSN_DATA_DIR": str(data),
            "JSN_REDIS_URL": self.redis_url,
            "JSN_INFERENCE": "in-process",
            "JSN_TORCH_THREADS": "1",
            "OMP_NUM_THREADS": "1",
            "JSN_TASK_TIME_LIMIT_S": str(TIME_LIMIT_S),
        }

    def manage(self, *arguments: str) -> None:
        command = [sys.executable, "manage.py", *arguments]
        subprocess.run(command, cwd=PROJECT, env=self.environment, check=True, capture_output=True)

    def start_worker(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "celery", "-A", "jsnsite.celery:app", "worker", "--concurrency", "2"]
        with (self.data / "worker.log").open("ab") as log:
            return subprocess.Popen(
                command, cwd=PROJECT, env=self.environment, stdout=log, stderr=log, process_group=0
            )

    def rows(self, query: str) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(self.data / "db.sqlite3", timeout=30)) as database:
            return database.execute(query).fetchall()

    def count(self, query: str) -> int:
        return int(str(self.rows(f"SELECT count(*) FROM {query}")[0][0]))

    def has(self, query: str) -> bool:
        return self.count(query) > 0

    def is_finished(self) -> bool:
        """Nothing waits and nothing is worked on: rows are ready, done, or failed with a reason."""
        waiting = self.count("radiographs_radiograph WHERE state IN ('queued', 'locating')")
        return not waiting and not self.count("measurements_run WHERE state IN ('queued', 'running')")

    def messages(self) -> int:
        with redis.Redis.from_url(self.redis_url) as client:
            return int(client.llen("celery")) + int(client.hlen("unacked"))


def kill(worker: subprocess.Popen[bytes]) -> None:
    os.killpg(worker.pid, signal.SIGKILL)
    worker.wait()


@pytest.fixture
def stack(redis_server: str, tmp_path: Path) -> Iterator[Stack]:
    stack = Stack(tmp_path, redis_server)
    stack.manage("migrate", "--no-input")
    stack.manage("demo", "--patients", "1")
    with redis.Redis.from_url(stack.redis_url) as client:
        yield stack
        client.flushdb()


def assert_all_measured_once(stack: Stack) -> None:
    """Each pair of films on which a hand was found has one run, done, with one measurement for each joint, and all of
    them are in the trends.
    """
    ready = "radiographs_radiograph WHERE state = 'ready'"
    of_hands = [stack.count(f"{ready} AND laterality = '{side}'") for side in "LR"]
    assert min(of_hands) > 1
    pairs = sum(films * (films - 1) // 2 for films in of_hands)
    assert pairs >= 6
    assert stack.count("measurements_jointtrend WHERE audience = ''") == 2 * JOINTS
    runs = stack.rows("SELECT state, attempt, count(*) FROM measurements_run GROUP BY 1, 2")
    assert runs == [("done", 1, pairs)]
    assert stack.count("measurements_jointmeasurement") == pairs * JOINTS
    assert stack.count("(SELECT DISTINCT run_id, joint FROM measurements_jointmeasurement)") == pairs * JOINTS
    assert stack.count("radiographs_jointannotation WHERE version > 1") == 0


@pytest.mark.timeout(600)
def test_a_killed_worker_leaves_nothing_undone_and_nothing_done_twice(stack: Stack) -> None:
    for working in (
        "radiographs_radiograph WHERE state = 'locating'",
        "measurements_run WHERE state = 'running'",
    ):
        worker = stack.start_worker()
        try:
            wait_until(partial(stack.has, working), f"a row in {working}", 120)
        finally:
            kill(worker)
        assert stack.has(working)
    worker = stack.start_worker()
    try:
        wait_until(stack.is_finished, "the last pair", 240)
        # the messages of the dead come back once they are visible again, and find nothing to do
        wait_until(lambda: stack.messages() == 0, "the end of the queue", 90)
    finally:
        kill(worker)
    assert_all_measured_once(stack)


@pytest.mark.timeout(600)
def test_work_is_done_although_the_queue_lost_all_messages(stack: Stack) -> None:
    with redis.Redis.from_url(stack.redis_url) as client:
        client.flushdb()
    worker = stack.start_worker()
    try:
        wait_until(stack.is_finished, "the last pair", 240)
    finally:
        kill(worker)
    assert_all_measured_once(stack)
