"""Which models the system has, where their weights lie, and how to load one."""

from __future__ import annotations

import hashlib
import importlib
from functools import lru_cache
from pathlib import Path
from typing import cast

from model_store.base import ServedModel

MODEL_NAMES: tuple[str, ...] = ("locator", "segmenter", "registrar")

_ROOT = Path(__file__).resolve().parent


class ModelMissing(FileNotFoundError):
    """The weights of a model are not there; the message says how to get them."""


def module_name(name: str) -> str:
    """Import path of the module whose ``load(weights, device)`` gives the served model."""
    if name not in MODEL_NAMES:
        raise KeyError(f"No model is called {name!r}; there are {', '.join(MODEL_NAMES)}.")
    return f"model_store.{name}.model"


def weights_path(name: str) -> Path:
    """Path of the model's ``weights.safetensors``. Raises ``ModelMissing`` when there is none."""
    module_name(name)
    path = _ROOT / name / "weights.safetensors"
    if not path.is_file():
        raise ModelMissing(f"The weights of the {name} are missing ({path}). Run `make models`.")
    return path


def load(
    name: str, device: str = "cpu", *, weights: Path | None = None, module: str | None = None
) -> ServedModel:
    """Load a model onto a torch device.

    ``weights`` and ``module`` replace the model's own, so that any module with
    ``load(weights: Path, device: str) -> ServedModel`` can be served.
    """
    loader = importlib.import_module(module or module_name(name)).load
    return cast(ServedModel, loader(weights or weights_path(name), device))


def digest(name: str) -> str:
    """SHA-256 of the model's weights on this disk, in hex."""
    return file_digest(weights_path(name))


def file_digest(path: Path) -> str:
    """SHA-256 of a file, in hex; read again only when size or modification time changed."""
    stat = path.stat()
    return _file_digest(path, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=32)
def _file_digest(path: Path, size: int, mtime_ns: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
