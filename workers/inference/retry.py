"""Tries a request again after failures that pass, with growing and random pauses."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from workers.inference.protocol import InferenceError

T = TypeVar("T")


@dataclass(frozen=True)
class RetryPolicy:
    """At most ``attempts`` tries; the n-th pause is drawn from 50-100 % of ``first_pause_s`` * 2^n, at most
    ``longest_pause_s``.

    The defaults add up to 23-46 s: TorchServe brings a killed model back in 4 s, and starts in 5 to 30 s.
    """

    attempts: int = 10
    first_pause_s: float = 0.25
    longest_pause_s: float = 10.0

    def call(self, request: Callable[[], T], sleep: Callable[[float], None] = time.sleep) -> T:
        """Result of ``request``; raises the last ``InferenceError`` when none is left to try."""
        for attempt in range(self.attempts):
            try:
                return request()
            except InferenceError as error:
                if not error.retryable or attempt == self.attempts - 1:
                    raise
            # random, so that workers that failed together do not come back together
            sleep(min(self.first_pause_s * 2**attempt, self.longest_pause_s) * random.uniform(0.5, 1.0))  # noqa: S311
        raise ValueError("A retry policy needs at least one attempt.")
