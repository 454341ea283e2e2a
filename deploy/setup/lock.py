"""Writes requirements.lock from pyproject.toml: ``python -m deploy.setup.lock [--upgrade]``."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
LOCK = PROJECT / "requirements.lock"

_HEADER = "# Every package of the environment, development included. Written by `make lock`; do not edit.\n"
# where packages come from is a machine's own business, and CUDA comes with other builds of torch only
_FORBIDDEN = re.compile(r"^(-|nvidia-|triton==)|\b(file|https?)://|@ |==\S+\+", re.MULTILINE)
_OPTIONS = (
    "--quiet --extra=dev --strip-extras --unsafe-package=pip --no-header "
    "--no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-emit-options"
).split()


class LockError(ValueError):
    """The lock would hold only on this machine."""


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m deploy.setup.lock", description=__doc__)
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions that fit")
    upgrade = ["--upgrade"] if parser.parse_args().upgrade else []
    # pins that are there already are kept where they still fit
    draft = LOCK.with_suffix(".draft")
    draft.write_text(LOCK.read_text() if LOCK.exists() else "")
    command = [
        sys.executable,
        "-m",
        "piptools",
        "compile",
        *_OPTIONS,
        *upgrade,
        "-o",
        draft.name,
        "pyproject.toml",
    ]
    try:
        if subprocess.run(command, cwd=PROJECT, check=False).returncode:
            return 1
        LOCK.write_text(portable(draft.read_text()))
    except LockError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        draft.unlink(missing_ok=True)
    return 0


def portable(compiled: str) -> str:
    """pip-compile's output as it holds on any machine: a local build (``+cpu``) is named by its version.

    Raises ``LockError`` when a line says where a package comes from or brings CUDA.
    """
    lines = [line for line in compiled.splitlines() if not re.match(r"^\s*(# |$)", line)]
    lock = _HEADER + "".join(re.sub(r"(==[^+\s]+)\+\w+", r"\1", line) + "\n" for line in lines)
    if found := [line for line in lock.splitlines() if _FORBIDDEN.search(line)]:
        raise LockError("Not for a lock:\n" + "\n".join(found))
    return lock


if __name__ == "__main__":
    sys.exit(main())
