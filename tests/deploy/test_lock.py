"""The lock holds on any machine."""

from __future__ import annotations

import re
import tomllib

import pytest

from deploy.setup.lock import LOCK, PROJECT, LockError, portable


def names() -> dict[str, str]:
    pins = re.findall(r"^([a-z0-9-]+)==(\S+)$", LOCK.read_text(), re.MULTILINE)
    return dict(pins)


def test_every_line_is_one_exact_version() -> None:
    lines = [line for line in LOCK.read_text().splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9-]+==[\w.]+", line) for line in lines)
    assert not [name for name in names() if name.startswith("nvidia")]


def test_everything_that_the_project_asks_for_is_locked() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    wanted = {re.sub(r"[-_.]+", "-", re.split(r"[\[<>=~! ]", one)[0]).lower() for one in asked}
    assert wanted <= set(names())
    assert names()["torch"] == "2.13.0"


def test_a_local_build_is_locked_by_its_version() -> None:
    assert portable("torch==2.13.0+cpu\n    # via monai\n").splitlines()[1:] == ["torch==2.13.0"]


@pytest.mark.parametrize(
    "line",
    [
        "--find-links /somewhere",
        "nvidia-cublas==13.0",
        "jsn @ file:///home/me/jsn",
        "--extra-index-url https://example.org/simple",
    ],
)
def test_what_holds_on_one_machine_only_is_refused(line: str) -> None:
    with pytest.raises(LockError):
        portable(f"django==5.2\n{line}\n")
