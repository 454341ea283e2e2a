"""What is kept between runs: films (by the phantom's code) and finished sections (by all code and weights)."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.benchmarks.settings import CACHE, FULL, HERE, PROJECT

Arrays = dict[str, npt.NDArray[Any]]


def _digest(files: Iterable[Path]) -> str:
    total = hashlib.sha256()
    for file in sorted(files):
        total.update(file.relative_to(PROJECT).as_posix().encode())
        total.update(file.read_bytes())
    return total.hexdigest()[:16]


@cache
def films_digest() -> str:
    """Of the code that decides what the films show."""
    made_by = [HERE / name for name in ("cases.py", "hard.py", "bounds.py")]
    return _digest([*(PROJECT / "model_store/phantom").glob("*.py"), *made_by])


@cache
def results_digest() -> str:
    """Of all code and weights that decide the results."""
    rooms = [PROJECT / "model_store", PROJECT / "workers/pipeline", PROJECT / "workers/inference"]
    code = [file for room in rooms for file in room.rglob("*.py") if "training" not in file.parts]
    return _digest([*code, *(PROJECT / "model_store").glob("*/weights.safetensors"), *HERE.rglob("*.py")])


def kept(name: str, make: Callable[[], Arrays]) -> Arrays:
    """The arrays of this name, made where they are not yet kept."""
    file = CACHE / "films" / films_digest() / f"{name.replace(' ', '_').replace(',', '')}.npz"
    if not file.exists():
        arrays = make()
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_name(f"{file.stem}.{os.getpid()}.partial.npz")
        np.savez(partial, **arrays)
        partial.replace(file)
    with np.load(file) as stored:
        return {key: stored[key] for key in stored.files}


def _section_file(section: str) -> Path:
    return CACHE / "results" / f"{results_digest()}-{'full' if FULL else 'short'}" / f"{section}.json"


def finished(section: str) -> dict[str, Any] | None:
    """What a section of this very code found, or None."""
    file = _section_file(section)
    return json.loads(file.read_text()) if file.exists() else None


def finish(section: str, found: dict[str, Any]) -> None:
    file = _section_file(section)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(found))
