"""Starting and stopping real servers in tests."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import redis

from deploy.embedded import torchserve as embedded_torchserve
from model_store.serving.archive import Served
from workers.inference.torchserve import TorchServeBackend


@dataclass(frozen=True)
class TorchServeServer:
    """A running TorchServe and what clients need to reach it."""

    addresses: embedded_torchserve.Addresses
    directory: Path
    models: tuple[Served, ...]
    process: subprocess.Popen[bytes]

    def backend(self) -> TorchServeBackend:
        """A client of this server."""
        return TorchServeBackend(
            url=self.addresses.inference_url,
            token_file=embedded_torchserve.token_file(self.directory),
            management_url=self.addresses.management_url,
            timeout_s=60,
            names=tuple(model.name for model in self.models),
        )

    def model_processes(self) -> list[psutil.Process]:
        """The processes that hold the models."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        return [
            child for child in children if any("model_service_worker" in word for word in child.cmdline())
        ]


def wait_until(condition: Callable[[], bool], what: str, timeout_s: float = 90) -> None:
    """Fail when ``condition`` stays false."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"{what} did not happen within {timeout_s:.0f} s")
        time.sleep(0.1)


@contextmanager
def running(
    command: list[str], directory: Path, environment: dict[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server in a process group of its own, and leave nothing of it behind."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, cwd=directory, env=environment, stdout=output, stderr=output, process_group=0
        )
    try:
        yield process
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(15)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def running_torchserve(directory: Path, models: tuple[Served, ...]) -> Iterator[TorchServeServer]:
    """A TorchServe that has just been started; its models may not answer yet."""
    addresses = embedded_torchserve.Addresses.free()
    launch = embedded_torchserve.prepare(directory, addresses, models)
    log = directory / "console.log"
    try:
        with running(launch.command, launch.directory, launch.environment, log) as process:
            yield TorchServeServer(addresses, directory, models, process)
    finally:
        embedded_torchserve.remove_temporary(directory)


def redis_answers(client: redis.Redis) -> bool:
    """Redis has started and read its data."""
    try:
        return bool(client.ping())
    except (redis.ConnectionError, redis.BusyLoadingError):
        return False
