"""Runs named processes: logs to files, starts crashed ones again, and stops all of them together."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO

import psutil

from deploy.embedded.guardian import listen

_TICK_S = 0.1
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0
# a process that ran this long was well: the next pause is short again
_WELL_AFTER_S = 60.0
_LOG_LIMIT_BYTES = 10 * 2**20
#: Exit status that says: starting it again will not help (EX_CONFIG of sysexits.h).
CONFIG_ERROR = 78


@dataclass(frozen=True)
class Service:
    """A process to run.

    ``once``: it ends by itself and is not started again. ``console``: it writes to this terminal instead of
    its log. ``needed_by_others``: it stops after the rest. ``grace_s``: time to stop before it is killed.
    """

    name: str
    command: list[str]
    environment: Mapping[str, str]
    directory: Path
    once: bool = False
    console: bool = False
    needed_by_others: bool = False
    grace_s: float = 8.0


@dataclass
class _Running:
    service: Service
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    failures: int = 0
    start_at: float = 0.0
    finished: int | None = None


class Supervisor:
    """Starts services in the order of ``start`` and watches them in ``run`` until a stop signal.

    Every service leads a process group of its own, so that what it started is stopped with it. Logs go to
    ``<name>.log`` in ``log_directory``. ``pid_file`` lists what runs, so that the next start can end what a
    killed machine left.
    """

    def __init__(self, log_directory: Path, pid_file: Path) -> None:
        self._logs = log_directory
        self._pid_file = pid_file
        self._all: dict[str, _Running] = {}
        self._stopping = False
        log_directory.mkdir(parents=True, exist_ok=True)
        end_left_behind(pid_file)

    def handle_signals(self) -> None:
        """From here on a stop signal ends ``run`` and ``wait``."""
        listen(self._on_signal)

    def start(self, service: Service) -> None:
        """Start a service; ``run`` looks after it from then on."""
        running = self._all[service.name] = _Running(service)
        self._spawn(running)

    def log_path(self, name: str) -> Path:
        """Where a service writes what it has to say."""
        return self._logs / f"{name}.log"

    def wait(self, name: str, timeout_s: float | None = None) -> int | None:
        """Look after all services until a one-time service ends; its status, or None when stopped before."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        running = self._all[name]
        while not self._stopping and running.finished is None:
            if deadline is not None and time.monotonic() > deadline:
                break
            self.tick()
        return running.finished

    @property
    def stopping(self) -> bool:
        """A stop signal has arrived."""
        return self._stopping

    def run(self) -> None:
        """Look after all services until a stop signal."""
        while not self._stopping:
            self.tick()

    def tick(self) -> None:
        """Look once at every service, start again what is due, then sleep a moment."""
        for running in self._all.values():
            if running.process is not None:
                self._look_at(running, running.process)
            elif running.finished is None and time.monotonic() >= running.start_at:
                self._spawn(running)
        time.sleep(_TICK_S)

    def stop(self) -> None:
        """Stop everything, first what others do not need; no process of any group is left."""
        self._stopping = True
        for needed in (False, True):
            wave = [r for r in self._all.values() if r.process and r.service.needed_by_others is needed]
            self._stop_wave(wave)
        self._pid_file.unlink(missing_ok=True)

    def _on_signal(self, signum: int, frame: FrameType | None) -> None:
        self._stopping = True

    def _spawn(self, running: _Running) -> None:
        service = running.service
        with contextlib.ExitStack() as files:
            output: IO[bytes] | None = None
            if not service.console:
                output = files.enter_context(_open_log(self.log_path(service.name)))
            running.process = subprocess.Popen(
                service.command,
                cwd=service.directory,
                env=dict(service.environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT if output else None,
                process_group=0,
            )
        running.started = time.monotonic()
        self._write_pid_file()

    def _look_at(self, running: _Running, process: subprocess.Popen[bytes]) -> None:
        status = process.poll()
        if status is None:
            return
        running.process = None
        # a leader that crashed may leave members behind that hold its port
        _signal_group(process.pid, signal.SIGKILL)
        self._write_pid_file()
        name = running.service.name
        if running.service.once or status == CONFIG_ERROR:
            running.finished = status
            if status and not running.service.console:
                _say(f"{name} {_ending(status)}:\n{_tail(self.log_path(name))}")
            return
        if time.monotonic() - running.started > _WELL_AFTER_S:
            running.failures = 0
        pause = min(_FIRST_PAUSE_S * 2**running.failures, _LONGEST_PAUSE_S)
        running.failures += 1
        running.start_at = time.monotonic() + pause
        _say(f"{name} {_ending(status)}; starting it again in {pause:g} s (log: {self.log_path(name)})")

    def _stop_wave(self, wave: list[_Running]) -> None:
        processes = [(r.process, time.monotonic() + r.service.grace_s) for r in wave if r.process]
        for process, _ in processes:
            # the leader only: it stops what it started in its own order, and waits for it
            process.terminate()
        for process, deadline in processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, deadline - time.monotonic()))
            _signal_group(process.pid, signal.SIGKILL)
            process.wait()
        for running in wave:
            running.process = None

    def _write_pid_file(self) -> None:
        entries = []
        for running in self._all.values():
            if running.process is not None:
                with contextlib.suppress(psutil.NoSuchProcess):
                    created = psutil.Process(running.process.pid).create_time()
                    entries.append({"pid": running.process.pid, "created": created})
        self._pid_file.write_text(json.dumps(entries))


def end_left_behind(pid_file: Path) -> None:
    """End the process groups of a former run; a process id that now means another process is left alone."""
    try:
        entries = json.loads(pid_file.read_text())
    except (FileNotFoundError, ValueError):
        return
    for entry in entries:
        with contextlib.suppress(psutil.NoSuchProcess):
            if abs(psutil.Process(entry["pid"]).create_time() - entry["created"]) < 1:
                _say(f"Ending process {entry['pid']}, left behind by a former run.")
                _signal_group(entry["pid"], signal.SIGKILL)
    pid_file.unlink(missing_ok=True)


def _signal_group(group: int, signum: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signum)


def _open_log(path: Path) -> IO[bytes]:
    if path.exists() and path.stat().st_size > _LOG_LIMIT_BYTES:
        path.replace(path.with_suffix(".log.1"))
    return path.open("ab")


def _tail(path: Path, lines: int = 15) -> str:
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])


def _ending(status: int) -> str:
    return f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"


def _say(message: str) -> None:
    print(message, flush=True)
