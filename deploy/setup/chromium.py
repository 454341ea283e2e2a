"""Finds a browser for the tests: ``python -m deploy.setup.chromium [--install]`` prints its path."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

ADVICE = (
    "The tests of the pages need Chromium, and there is none here.\n"
    "Either install it (for instance `apt-get install chromium`), or set JSN_CHROMIUM to its path."
)


class ChromiumMissing(RuntimeError):
    """There is no browser; the message says what to do."""


def find_chromium() -> Path:
    """Chromium from ``JSN_CHROMIUM``, the path, or Playwright. Raises ``ChromiumMissing``."""
    for candidate in _candidates():
        if os.access(candidate, os.X_OK):
            return candidate
    raise ChromiumMissing(ADVICE)


def install() -> None:
    """Install Chromium from the system's packages as root, else as Playwright's own download."""
    print("No Chromium here: installing it ...", file=sys.stderr)
    if os.geteuid() == 0 and shutil.which("apt-get"):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for step in ("update", "install -y --no-install-recommends chromium"):
            command = ["apt-get", "-qq", *step.split()]
            subprocess.run(command, env=environment, stdout=sys.stderr, check=False)
    else:
        command = [sys.executable, "-m", "playwright", "install", "chromium"]
        subprocess.run(command, stdout=sys.stderr, check=False)


def _candidates() -> Iterator[Path]:
    if named := os.environ.get("JSN_CHROMIUM"):
        yield Path(named)
        return
    yield from (Path(found) for name in _NAMES if (found := shutil.which(name)))
    downloads = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / ".cache" / "ms-playwright")
    yield from sorted(downloads.glob("chromium-*/chrome-linux*/chrome"), reverse=True)


def main() -> int:
    """Command line."""
    try:
        try:
            browser = find_chromium()
        except ChromiumMissing:
            if "--install" not in sys.argv[1:]:
                raise
            install()
            browser = find_chromium()
    except ChromiumMissing as missing:
        print(missing, file=sys.stderr)
        return 1
    print(browser)
    return 0


if __name__ == "__main__":
    sys.exit(main())
