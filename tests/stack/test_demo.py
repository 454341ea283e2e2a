"""``make demo`` as a person runs it."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from deploy.embedded.net import free_port
from tests.stack.servers import wait_until

PROJECT = Path(__file__).resolve().parents[2]
CTRL_C = b"\x03"


@dataclass
class Terminal:
    """A program in a terminal of its own."""

    process: subprocess.Popen[bytes]
    keyboard: int
    output: bytes = b""

    def read(self) -> str:
        """All that it has shown so far."""
        os.set_blocking(self.keyboard, False)
        with suppress(OSError):  # nothing new, or the program has ended
            while new := os.read(self.keyboard, 65536):
                self.output += new
        return self.output.decode(errors="replace")

    def shows(self, text: str) -> bool:
        return text in self.read()

    def wait(self, timeout_s: float) -> int:
        wait_until(lambda: self.read() is not None and self.process.poll() is not None, "the end", timeout_s)
        self.read()
        return self.process.returncode


def processes_of(data: Path) -> list[psutil.Process]:
    """Every process that was started for this data folder, wherever it has gone."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE and str(data) in (
                process.environ().get("JSN_DATA_DIR", ""),
                process.environ().get("JSN_TEST_DATA", ""),
            ):
                found.append(process)
    return found


@contextmanager
def make_demo(data: Path, *settings: str) -> Iterator[Terminal]:
    """``make demo`` with one patient. What is built already counts as built."""
    keyboard, screen = pty.openpty()
    command = ["make", "-o", "setup", "-o", "java", f"PY={sys.executable}", "demo", *settings]
    environment = {
        **os.environ,
        "JSN_DATA_DIR": str(data),
        "JSN_TEST_DATA": str(data),
        "JSN_DEMO_PATIENTS": "1",
    }
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    process = subprocess.Popen(
        command,
        cwd=PROJECT,
        env=environment,
        stdin=screen,
        stdout=screen,
        stderr=screen,
        start_new_session=True,
        preexec_fn=_take_terminal,
    )
    os.close(screen)
    try:
        yield Terminal(process, keyboard)
    finally:
        process.terminate()
        process.wait(30)
        for left in processes_of(data):
            left.kill()
        os.close(keyboard)


def _take_terminal() -> None:
    # opening a terminal as leader of a session makes it the session's own: Ctrl-C then comes from it
    os.close(os.open(os.ttyname(0), os.O_RDWR))


def test_ctrl_c_leaves_no_process_behind(tmp_path: Path) -> None:
    port = free_port()
    with make_demo(tmp_path, "INFERENCE=in-process", f"PORT={port}") as terminal:
        wait_until(lambda: terminal.shows("films filed"), "the first films", 200)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=10) as answer:
            assert answer.status == 200
        assert len(processes_of(tmp_path)) > 3
        os.write(terminal.keyboard, CTRL_C)
        terminal.wait(60)
        wait_until(lambda: not processes_of(tmp_path), "the end of all processes", 10)
        assert "Traceback" not in terminal.read()


@pytest.mark.timeout(900)
def test_the_demo_measures_everything_once_and_a_second_start_keeps_it(
    tmp_path: Path, require_java: None
) -> None:
    shown = []
    for _ in range(2):
        with make_demo(tmp_path, "ONCE=1", f"PORT={free_port()}") as terminal:
            status = terminal.wait(400)
            shown.append(terminal.read())
            assert status == 0, shown[-1]
            wait_until(lambda: not processes_of(tmp_path), "the end of all processes", 10)
    first, second = (
        text[text.index("N-101, left hand") : text.index("are called reliable")] for text in shown
    )
    assert first == second
    assert first.count("hand, timepoint") == 6
    for promised in ("reader1", "admin", "Password of every account", "RMSE mm"):
        assert promised in shown[0]
    assert (tmp_path / "demo" / "api_token").stat().st_mode & 0o077 == 0
