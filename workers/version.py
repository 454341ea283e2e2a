"""Which code this is."""

from __future__ import annotations

import os
import subprocess
import tomllib
from functools import lru_cache
from pathlib import Path

_PROJECT = Path(__file__).resolve().parents[1]


@lru_cache(maxsize=1)
def code_version() -> str:
    """``JSN_CODE_VERSION`` where it is set (images have no git), else ``version+commit``, with ``-dirty``
    where files differ from the commit.
    """
    if named := os.environ.get("JSN_CODE_VERSION"):
        return named[:64]
    version = tomllib.loads((_PROJECT / "pyproject.toml").read_text())["project"]["version"]
    commit = _commit()
    return f"{version}+{commit}" if commit else str(version)


def _commit() -> str:
    command = ["git", "-C", str(_PROJECT), "describe", "--always", "--dirty", "--exclude=*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
