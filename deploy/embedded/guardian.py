"""Leaves no process behind, however the program ends: a parent process that only watches.

The guardian forks the program and becomes the new parent of every descendant that loses its own (Linux's
child subreaper, prctl(2)). When the program ends, also by ``kill -9``, the guardian ends what is left of
its descendants. When the guardian itself is killed, the program is told by a signal and stops in its own
way.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType

import psutil

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_GRACE_S = 1.0
_KILL_ROUNDS = 10


def guarded(program: Callable[[], int], *, die_with_parent: bool = False) -> int:
    """Run ``program`` in a child process; its exit status, once no descendant is left (128 + n for signal n).

    Interrupt, terminate and hang-up signals reach the program as one SIGTERM. ``die_with_parent``: stop
    also when the process that started this one ends. Call it before any thread is started.
    """
    _set_subreaper()
    if die_with_parent:
        stop_with_parent()
    guardian = os.getpid()
    child = os.fork()
    if child == 0:
        os._exit(_run(program, guardian))

    def forward(signum: int, frame: FrameType | None) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGTERM)

    listen(forward)
    status = _reap_until(child)
    end_descendants()
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def listen(handler: Callable[[int, FrameType | None], None]) -> None:
    """Call ``handler`` for every stop signal; a hang-up that is ignored (``nohup``) stays ignored."""
    for signum in STOP_SIGNALS:
        if not (signum == signal.SIGHUP and signal.getsignal(signum) == signal.SIG_IGN):
            signal.signal(signum, handler)


def stop_with_parent() -> None:
    """Have the kernel send SIGTERM to this process when its parent ends (on Linux only)."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def end_descendants(grace_s: float = _GRACE_S) -> None:
    """End every descendant of this process: politely, then by force."""
    descendants = psutil.Process().children(recursive=True)
    for process in descendants:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    psutil.wait_procs(descendants, timeout=grace_s)
    # what they started meanwhile has come to this process, so look again until nothing is left
    for _ in range(_KILL_ROUNDS):
        left = psutil.Process().children(recursive=True)
        if not left:
            return
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(left, timeout=1)


def _run(program: Callable[[], int], guardian: int) -> int:
    # a group of its own: Ctrl-C in a terminal then reaches the guardian only, and the program gets one signal
    os.setpgid(0, 0)
    stop_with_parent()
    if os.getppid() != guardian:  # it ended before the line above
        return 1
    try:
        status = program()
    except SystemExit as leaving:
        status = leaving.code if isinstance(leaving.code, int) else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
        status = 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return status


def _reap_until(child: int) -> int:
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == child:
            return status


def _set_subreaper() -> None:
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def _prctl(option: int, value: int) -> None:
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
