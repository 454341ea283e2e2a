"""The one way the pipeline speaks to models, whatever runs them."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from model_store.base import Arrays


class InferenceError(RuntimeError):
    """The backend could not answer; ``retryable`` tells whether the same request may succeed later."""

    def __init__(self, message: str, *, retryable: bool) -> None:
        super().__init__(message)
        self.retryable = retryable


class InferenceBackend(Protocol):
    """Runs the models ``locator``, ``segmenter`` and ``registrar``."""

    def infer(self, model: str, inputs: Arrays) -> dict[str, npt.NDArray[np.generic]]:
        """Named arrays in, named arrays out, batch first (see ``model_store.base.ServedModel``).

        Raises ``InferenceError`` when the backend does not answer in time or refuses the request.
        """
        ...

    def model_digests(self) -> dict[str, str]:
        """SHA-256 of the weights of each model, by name."""
        ...
