"""Real servers for the tests of the stack, each started once."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import redis

from deploy.embedded import redis as embedded_redis
from deploy.embedded.java import find_java
from deploy.embedded.net import free_port
from model_store.serving.archive import Served, all_models
from tests.stack import tiny_model
from tests.stack.servers import TorchServeServer, redis_answers, running, running_torchserve, wait_until


@pytest.fixture(scope="session")
def tiny_served(tmp_path_factory: pytest.TempPathFactory) -> Served:
    """A small real model, ready to be archived and served."""
    folder = tmp_path_factory.mktemp("tiny")
    return Served("tiny", "tests.stack.tiny_model", tiny_model.write_weights(folder / "weights.safetensors"))


@pytest.fixture(scope="session")
def require_java() -> None:
    """Fail in words where TorchServe cannot run: `make test` brings Java."""
    find_java()


@pytest.fixture(scope="session")
def torchserve_server(
    require_java: None, tiny_served: Served, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TorchServeServer]:
    """TorchServe with the small model, ready to answer."""
    with running_torchserve(tmp_path_factory.mktemp("torchserve"), (tiny_served,)) as server:
        backend = server.backend()
        wait_until(lambda: not backend.health(), "TorchServe's readiness")
        yield server


@pytest.fixture(scope="session")
def models_server(require_java: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TorchServeServer]:
    """TorchServe with the system's own models, ready to answer."""
    with running_torchserve(tmp_path_factory.mktemp("models"), tuple(all_models())) as server:
        backend = server.backend()
        wait_until(lambda: not backend.health(), "TorchServe's readiness", 150)
        yield server


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a real Redis, started as the embedded system starts it."""
    directory = tmp_path_factory.mktemp("redis")
    launch = embedded_redis.prepare(directory, free_port())
    with running(launch.command, directory, dict(os.environ), directory / "console.log"):
        with redis.Redis.from_url(launch.url) as client:
            wait_until(lambda: redis_answers(client), "Redis's readiness", 20)
        yield launch.url
