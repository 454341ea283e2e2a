"""The supervisor with real processes: restarts, logs, and nothing left behind, however it ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from deploy.embedded.net import free_port, free_ports
from deploy.embedded.supervisor import CONFIG_ERROR, Service, Supervisor
from tests.stack.servers import wait_until

PROJECT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.timeout(120)

# as the real system: under a guardian, with a supervisor, and services that have children, one of which
# leaves its process group and ignores polite signals
PROGRAM = """
import sys, os
from pathlib import Path
from deploy.embedded.guardian import guarded
from deploy.embedded.supervisor import Service, Supervisor

folder = Path(sys.argv[1])
stubborn = (
    "import os, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); os.setsid();"
    f" open({str(folder / 'stubborn')!r}, 'w').write(str(os.getpid())); time.sleep(600)"
)
parent = (
    f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {stubborn!r}]);"
    " print('up', flush=True); time.sleep(600)"
)

def program():
    supervisor = Supervisor(folder / "logs", folder / "processes.json")
    supervisor.handle_signals()
    supervisor.start(Service("parent", [sys.executable, "-c", parent], dict(os.environ), folder, grace_s=2))
    supervisor.start(Service("sleeper", ["sleep", "600"], dict(os.environ), folder, grace_s=2))
    (folder / "supervisor").write_text(str(os.getpid()))
    supervisor.run()
    supervisor.stop()
    return 0

sys.exit(guarded(program))
"""


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    supervisor = Supervisor(tmp_path / "logs", tmp_path / "processes.json")
    yield supervisor
    supervisor.stop()


def python(name: str, code: str, folder: Path, *, once: bool = False) -> Service:
    """A service that is a line of Python."""
    return Service(name, [sys.executable, "-c", code], dict(os.environ), folder, once=once, grace_s=2)


def tick_until(supervisor: Supervisor, condition: object, what: str) -> None:
    """Let the supervisor work until something has happened."""

    def happened() -> bool:
        supervisor.tick()
        assert callable(condition)
        return bool(condition())

    wait_until(happened, what, 30)


def test_a_service_that_crashes_is_started_again(
    supervisor: Supervisor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    supervisor.start(python("flaky", "print('started'); raise SystemExit(3)", tmp_path))
    log = supervisor.log_path("flaky")
    tick_until(supervisor, lambda: log.read_text().count("started") == 2, "the second start")
    assert "flaky ended with status 3; starting it again" in capsys.readouterr().out


def test_a_service_that_crashed_takes_its_children_with_it(supervisor: Supervisor, tmp_path: Path) -> None:
    code = "import subprocess; print(subprocess.Popen(['sleep', '600']).pid, flush=True); raise SystemExit(1)"
    supervisor.start(python("parent", code, tmp_path))
    log = supervisor.log_path("parent")
    tick_until(supervisor, lambda: len(log.read_text().split()) >= 2, "the second start")
    first = int(log.read_text().split()[0])
    wait_until(lambda: _is_gone(first), "the end of the first child", 10)


def test_a_job_runs_once_and_its_status_is_told(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start(python("job", "open('ran', 'a').write('x'); raise SystemExit(5)", tmp_path, once=True))
    assert supervisor.wait("job", timeout_s=30) == 5
    for _ in range(8):
        supervisor.tick()
    assert (tmp_path / "ran").read_text() == "x"


def test_a_service_that_says_starting_again_will_not_help_is_left_alone(
    supervisor: Supervisor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = f"open('ran', 'a').write('x'); print('no java'); raise SystemExit({CONFIG_ERROR})"
    supervisor.start(python("server", code, tmp_path))
    assert supervisor.wait("server", timeout_s=30) == CONFIG_ERROR
    for _ in range(8):
        supervisor.tick()
    assert (tmp_path / "ran").read_text() == "x"
    assert "no java" in capsys.readouterr().out


def test_what_others_need_stops_last(supervisor: Supervisor, tmp_path: Path) -> None:
    code = """
import signal, sys, time
def leave(*_):
    time.sleep({pause}); open('order', 'a').write('{name} '); sys.exit(0)
signal.signal(signal.SIGTERM, leave)
open('{name}', 'w').close()
while True: time.sleep(0.05)
"""
    for name, pause, needed in (("queue", 0, True), ("worker", 0.3, False)):
        command = [sys.executable, "-c", code.format(name=name, pause=pause)]
        supervisor.start(Service(name, command, dict(os.environ), tmp_path, needed_by_others=needed))
    wait_until(lambda: (tmp_path / "queue").exists() and (tmp_path / "worker").exists(), "the start", 20)
    supervisor.stop()
    assert (tmp_path / "order").read_text() == "worker queue "


def test_what_a_former_run_left_behind_is_ended_at_the_next_start(tmp_path: Path) -> None:
    left = subprocess.Popen(["sleep", "600"], process_group=0)
    innocent = subprocess.Popen(["sleep", "600"], process_group=0)
    try:
        entries = [
            {"pid": left.pid, "created": psutil.Process(left.pid).create_time()},
            {"pid": innocent.pid, "created": psutil.Process(innocent.pid).create_time() - 1000},
        ]
        (tmp_path / "processes.json").write_text(json.dumps(entries))
        Supervisor(tmp_path / "logs", tmp_path / "processes.json")
        assert left.wait(10) == -signal.SIGKILL
        assert innocent.poll() is None
    finally:
        for process in (left, innocent):
            process.kill()
            process.wait()


@pytest.fixture
def program(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The guarded program above, once all of it runs."""
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        env=environment,
        # the tests themselves may run under nohup, whose ignored hang-up would be inherited
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
    )
    wait_until(
        lambda: _has_text(tmp_path / "stubborn") and _has_text(tmp_path / "supervisor"), "the start", 30
    )
    yield process
    process.kill()
    process.wait()


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stop_signal_leaves_no_process_behind(
    signum: signal.Signals, program: subprocess.Popen[bytes]
) -> None:
    family = psutil.Process(program.pid).children(recursive=True)
    assert len(family) == 4
    program.send_signal(signum)
    assert program.wait(30) == 0
    assert not [process for process in family if process.is_running()]


def test_a_supervisor_that_is_killed_leaves_no_process_behind(
    program: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    family = psutil.Process(program.pid).children(recursive=True)
    os.kill(int((tmp_path / "supervisor").read_text()), signal.SIGKILL)
    assert program.wait(30) == 128 + signal.SIGKILL
    assert not [process for process in family if process.is_running()]


def test_a_guardian_that_is_killed_makes_the_supervisor_stop(
    program: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    supervisor = psutil.Process(int((tmp_path / "supervisor").read_text()))
    sleeper = next(child for child in supervisor.children() if child.name() == "sleep")
    stubborn = int((tmp_path / "stubborn").read_text())
    program.kill()
    program.wait()
    try:
        wait_until(lambda: _is_gone(supervisor.pid) and _is_gone(sleeper.pid), "the stop", 20)
    finally:
        os.kill(stubborn, signal.SIGKILL)  # out of its group and without a guardian, nobody else would


def test_free_ports_differ_and_a_port_in_use_is_replaced() -> None:
    assert len(set(free_ports(6))) == 6
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert free_port(port) != port
    assert free_port(port) == port


def _has_text(path: Path) -> bool:
    return path.exists() and bool(path.read_text())


def _is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
