"""The embedded Redis: real, closed to others, and it keeps its data."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from deploy.embedded import redis as embedded_redis
from deploy.embedded.net import free_port
from tests.stack.servers import redis_answers, running, wait_until


def test_redis_answers_with_its_password_and_refuses_without(redis_server: str) -> None:
    with redis.Redis.from_url(redis_server) as client:
        assert client.ping()
        assert client.config_get("appendonly") == {"appendonly": "yes"}
        assert client.config_get("bind") == {"bind": "127.0.0.1"}
    parts = urlsplit(redis_server)
    assert parts.hostname and parts.port
    with (
        redis.Redis(parts.hostname, parts.port, retry=Retry(NoBackoff(), 0)) as stranger,
        pytest.raises(redis.AuthenticationError),
    ):
        stranger.ping()


def test_the_password_is_not_on_the_command_line(tmp_path: Path) -> None:
    launch = embedded_redis.prepare(tmp_path, free_port())
    password = urlsplit(launch.url).password
    assert password and not any(password in word for word in launch.command)
    assert Path(launch.command[1]).stat().st_mode & 0o077 == 0


def test_what_was_queued_is_there_after_a_kill_and_a_second_start(tmp_path: Path) -> None:
    for start in range(2):
        launch = embedded_redis.prepare(tmp_path, free_port())
        log = tmp_path / "console.log"
        with (
            running(launch.command, tmp_path, dict(os.environ), log) as process,
            redis.Redis.from_url(launch.url) as client,
        ):
            wait_until(partial(redis_answers, client), "Redis's readiness", 20)
            if start == 0:
                client.config_set("appendfsync", "always")
                client.rpush("queue", "a task")
                process.kill()
                process.wait()
            else:
                assert client.lrange("queue", 0, -1) == [b"a task"]
