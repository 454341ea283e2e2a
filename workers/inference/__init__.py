"""Running the models: one protocol, two backends, chosen by the environment."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from workers.inference.inprocess import InProcessBackend
from workers.inference.protocol import InferenceBackend, InferenceError

__all__ = ["InferenceBackend", "InferenceError", "get_backend"]


@lru_cache(maxsize=1)
def get_backend() -> InferenceBackend:
    """The process's one backend, as ``JSN_INFERENCE`` names it: ``in-process`` (default) or ``torchserve``.

    ``torchserve`` reads ``JSN_TORCHSERVE_URL`` (default ``http://127.0.0.1:8080``),
    ``JSN_TORCHSERVE_TOKEN_FILE``, ``JSN_TORCHSERVE_MANAGEMENT_URL`` and ``JSN_INFERENCE_TIMEOUT_S``. Raises
    ``ValueError`` for any other name.
    """
    kind = os.environ.get("JSN_INFERENCE") or "in-process"
    if kind == "in-process":
        return InProcessBackend()
    if kind == "torchserve":
        return _torchserve()
    raise ValueError(f"JSN_INFERENCE is {kind!r}; it can be 'in-process' or 'torchserve'.")


def _torchserve() -> InferenceBackend:
    # imported here: the in-process backend must work where the client is not installed
    from workers.inference.torchserve import TorchServeBackend

    token_file = os.environ.get("JSN_TORCHSERVE_TOKEN_FILE")
    return TorchServeBackend(
        url=os.environ.get("JSN_TORCHSERVE_URL") or "http://127.0.0.1:8080",
        token_file=Path(token_file) if token_file else None,
        management_url=os.environ.get("JSN_TORCHSERVE_MANAGEMENT_URL"),
        timeout_s=float(os.environ.get("JSN_INFERENCE_TIMEOUT_S") or 120),
    )
