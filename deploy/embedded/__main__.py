"""Starts the whole system on this machine: ``python -m deploy.embedded``. Ctrl-C stops all of it."""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import http.client
import os
import sys
import time
import webbrowser
from collections.abc import Iterator
from pathlib import Path

from deploy.embedded import services, torchserve
from deploy.embedded.guardian import guarded
from deploy.embedded.java import JavaMissing, find_java
from deploy.embedded.net import LOOPBACK
from deploy.embedded.supervisor import Supervisor

_SITE_ANSWERS_WITHIN_S = 60.0


class AlreadyRunning(RuntimeError):
    """Another supervisor uses the same data folder."""


def main() -> int:
    """Command line."""
    arguments = _arguments()
    if arguments.inference == "torchserve":
        try:
            find_java()
        except JavaMissing as missing:
            print(missing, file=sys.stderr)
            return 1
    return guarded(lambda: _supervise(arguments), die_with_parent=arguments.die_with_parent)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m deploy.embedded", description=__doc__)
    parser.add_argument("--data-dir", type=Path, default=Path(os.environ.get("JSN_DATA_DIR") or ".demo"))
    parser.add_argument(
        "--port", type=int, default=int(os.environ.get("JSN_PORT") or 8000), help="of the site"
    )
    parser.add_argument("--inference", choices=("torchserve", "in-process"), default="torchserve")
    parser.add_argument(
        "--once", action="store_true", help="do the demo's work, print it beside the truth, exit"
    )
    parser.add_argument("--no-demo", action="store_true", help="start without the demo study")
    parser.add_argument("--no-browser", action="store_true")
    parser.add_argument("--die-with-parent", action="store_true", help="stop when the starting process ends")
    return parser.parse_args()


def _supervise(arguments: argparse.Namespace) -> int:
    data = arguments.data_dir.resolve()
    try:
        with _lock(data):
            plan = services.plan(
                data, port=arguments.port, with_torchserve=arguments.inference == "torchserve"
            )
            supervisor = Supervisor(data / "logs", data / "processes.json")
            supervisor.handle_signals()
            try:
                return _run(arguments, plan, supervisor)
            finally:
                print("Stopping ...", flush=True)
                supervisor.stop()
                torchserve.remove_temporary(data / "torchserve")
    except AlreadyRunning as running:
        print(running, file=sys.stderr)
        return 1


def _run(arguments: argparse.Namespace, plan: services.Plan, supervisor: Supervisor) -> int:
    supervisor.start(services.redis_service(plan))
    supervisor.start(services.manage(plan, "migrate", "migrate", "--no-input"))
    if supervisor.wait("migrate") != 0:
        return 0 if supervisor.stopping else 1
    supervisor.start(services.web_service(plan))
    # the site comes first: the other parts would take the cores from it while it starts
    if not _site_answers(plan, supervisor):
        print(f"The site does not answer; see {supervisor.log_path('web')}", file=sys.stderr)
        return 0 if supervisor.stopping else 1
    print(
        f"\n  The site is at {plan.site_url}\n  Ctrl-C stops it. Logs: {supervisor.log_path('web').parent}\n",
        flush=True,
    )
    supervisor.start(services.worker_service(plan))
    if plan.torchserve:
        supervisor.start(services.torchserve_service(plan))
    if not arguments.no_demo:
        demo = ("demo", "--once") if arguments.once else ("demo",)
        supervisor.start(services.manage(plan, "demo", *demo, console=True))
    if arguments.once:
        status = supervisor.wait("demo")
        return 1 if status is None else status
    if not arguments.no_browser:
        _open_browser(plan.site_url)
    supervisor.run()
    return 0


def _site_answers(plan: services.Plan, supervisor: Supervisor) -> bool:
    deadline = time.monotonic() + _SITE_ANSWERS_WITHIN_S
    while not supervisor.stopping and time.monotonic() < deadline:
        supervisor.tick()
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection(LOOPBACK, plan.web_port, timeout=5)
            connection.request("GET", "/healthz")
            return connection.getresponse().status < 500
    return False


def _open_browser(url: str) -> None:
    has_display = sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if has_display:
        webbrowser.open(url)


@contextlib.contextmanager
def _lock(data: Path) -> Iterator[None]:
    data.mkdir(parents=True, exist_ok=True)
    with (data / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(f"The system already runs on the data in {data}; stop it first.") from None
        yield


if __name__ == "__main__":
    sys.exit(main())
