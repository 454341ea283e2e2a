"""Runs the models in this process: for scripts, tests, and installations without TorchServe."""

from __future__ import annotations

import os
from collections.abc import Callable
from threading import Lock

import numpy as np
import numpy.typing as npt

from model_store import registry
from model_store.base import Arrays, ServedModel
from workers.inference.protocol import InferenceError


class InProcessBackend:
    """Loads each model when it is first asked for. Safe to share between threads.

    ``load`` and ``digest`` come from ``model_store.registry`` unless given. The environment variable
    ``JSN_TORCH_THREADS`` bounds torch's threads, so that several worker processes do not fight for the
    cores.
    """

    def __init__(
        self,
        load: Callable[[str], ServedModel] = registry.load,
        digest: Callable[[str], str] = registry.digest,
        names: tuple[str, ...] = registry.MODEL_NAMES,
    ) -> None:
        self._load = load
        self._digest = digest
        self._names = names
        self._lock = Lock()
        self._models: dict[str, ServedModel] = {}
        self._digests: dict[str, str] = {}

    def infer(self, model: str, inputs: Arrays) -> dict[str, npt.NDArray[np.generic]]:
        """See ``InferenceBackend.infer``."""
        served = self._model(model)
        if set(inputs) != set(served.input_names):
            raise InferenceError(
                f"The {model} takes {', '.join(served.input_names)}, not {', '.join(inputs)}.",
                retryable=False,
            )
        try:
            return served(inputs)
        except ValueError as error:
            raise InferenceError(str(error), retryable=False) from error
        except MemoryError as error:
            raise InferenceError(f"The {model} ran out of memory.", retryable=True) from error

    def model_digests(self) -> dict[str, str]:
        """See ``InferenceBackend.model_digests``: of loaded models, the digest they were loaded with."""
        with self._lock:
            return {name: self._digests.get(name) or self._digest(name) for name in self._names}

    def _model(self, name: str) -> ServedModel:
        with self._lock:
            if name not in self._models:
                if name not in self._names:
                    raise InferenceError(f"No model is called {name!r}.", retryable=False)
                _limit_threads()
                try:
                    self._digests[name] = self._digest(name)
                    self._models[name] = self._load(name)
                except registry.ModelMissing as error:
                    raise InferenceError(str(error), retryable=False) from error
            return self._models[name]


def _limit_threads() -> None:
    threads = os.environ.get("JSN_TORCH_THREADS")
    if threads:
        # imported here: without it this module costs nothing until a model is needed
        import torch

        torch.set_num_threads(int(threads))
