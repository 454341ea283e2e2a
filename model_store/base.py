"""What every served model is: named arrays in, named arrays out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
import numpy.typing as npt

Arrays = Mapping[str, npt.NDArray[np.generic]]


class ServedModel(Protocol):
    """A model that TorchServe and the in-process backend run alike.

    Every input and output has the batch as its first axis; one request carries all joints of a hand.
    """

    name: str
    input_names: tuple[str, ...]
    output_names: tuple[str, ...]

    def __call__(self, inputs: Arrays) -> dict[str, npt.NDArray[np.generic]]:
        """Run the model. Raises ``ValueError`` with a sentence a person can act on when an input does not fit."""
        ...
