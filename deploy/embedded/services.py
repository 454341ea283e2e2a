"""What runs in the embedded system, and the environment that its parts share."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from deploy.embedded import redis, torchserve
from deploy.embedded.net import LOOPBACK, free_port, free_ports
from deploy.embedded.supervisor import Service

PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Plan:
    """Ports, folders and environment of one start."""

    data: Path
    web_port: int
    redis_port: int
    torchserve: torchserve.Addresses | None
    environment: dict[str, str]
    redis_command: list[str]

    @property
    def site_url(self) -> str:
        """Address of the site."""
        return f"http://{LOOPBACK}:{self.web_port}/"


def plan(data: Path, *, port: int, with_torchserve: bool) -> Plan:
    """Choose ports, write the queue's configuration, and put the environment together.

    ``port`` is the wanted port of the site; another free one is taken when it is in use.
    """
    data.mkdir(parents=True, exist_ok=True)
    data.chmod(0o700)
    web_port = free_port(port)
    redis_port, *torchserve_ports = free_ports(6)
    addresses = torchserve.Addresses(*torchserve_ports) if with_torchserve else None
    queue = redis.prepare(data / "redis", redis_port)
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, [str(PROJECT), os.environ.get("PYTHONPATH")])),
        "PYTHONUNBUFFERED": "1",
        "DJANGO_SETTINGS_MODULE": os.environ.get("DJANGO_SETTINGS_MODULE", "jsnsite.settings.local"),
        "JSN_DATA_DIR": str(data),
        "JSN_SITE_URL": f"http://{LOOPBACK}:{web_port}/",
        "JSN_REDIS_URL": queue.url,
        "JSN_INFERENCE": "torchserve" if addresses else "in-process",
        # as many worker processes as cores: one thread of torch each
        "JSN_TORCH_THREADS": "1",
        "OMP_NUM_THREADS": "1",
    }
    if addresses:
        environment["JSN_TORCHSERVE_URL"] = addresses.inference_url
        environment["JSN_TORCHSERVE_MANAGEMENT_URL"] = addresses.management_url
        environment["JSN_TORCHSERVE_TOKEN_FILE"] = str(torchserve.token_file(data / "torchserve"))
    return Plan(data, web_port, redis_port, addresses, environment, queue.command)


def redis_service(of: Plan) -> Service:
    """The queue."""
    return _service(of, "redis", of.redis_command, needed_by_others=True)


def manage(of: Plan, name: str, *arguments: str, console: bool = False) -> Service:
    """A management command that runs once."""
    return _service(of, name, [sys.executable, "manage.py", *arguments], once=True, console=console)


def web_service(of: Plan) -> Service:
    """The site."""
    command = [sys.executable, "-m", "gunicorn", "jsnsite.wsgi:application"]
    command += ["--bind", f"{LOOPBACK}:{of.web_port}", "--worker-class", "gthread"]
    command += ["--workers", "1", "--threads", "8", "--timeout", "120", "--graceful-timeout", "3"]
    # it would lie in the home folder, shared with every other gunicorn
    command += ["--no-control-socket"]
    return _service(of, "web", command)


def worker_service(of: Plan) -> Service:
    """The Celery worker."""
    command = [sys.executable, "-m", "celery", "-A", "jsnsite.celery:app", "worker"]
    command += ["--loglevel", "INFO", "--concurrency", str(os.cpu_count() or 2)]
    command += ["--without-gossip", "--without-mingle"]
    return _service(of, "worker", command)


def torchserve_service(of: Plan) -> Service:
    """TorchServe with the models."""
    assert of.torchserve is not None
    command = [sys.executable, "-m", "deploy.embedded.torchserve", "--directory", str(of.data / "torchserve")]
    command += ["--inference-port", str(of.torchserve.inference)]
    command += ["--management-port", str(of.torchserve.management)]
    return _service(of, "torchserve", command)


def _service(
    of: Plan,
    name: str,
    command: list[str],
    *,
    once: bool = False,
    console: bool = False,
    needed_by_others: bool = False,
) -> Service:
    return Service(
        name=name,
        command=command,
        environment=of.environment,
        directory=PROJECT,
        once=once,
        console=console,
        needed_by_others=needed_by_others,
    )
