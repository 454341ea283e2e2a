"""Trying again after failures that pass."""

from __future__ import annotations

import pytest

from workers.inference.protocol import InferenceError
from workers.inference.retry import RetryPolicy


class Server:
    """Fails as often as told, then answers."""

    def __init__(self, failures: int, *, retryable: bool = True) -> None:
        self.failures = failures
        self.retryable = retryable
        self.requests = 0

    def __call__(self) -> str:
        self.requests += 1
        if self.requests <= self.failures:
            raise InferenceError("busy", retryable=self.retryable)
        return "answer"


def test_a_failure_that_passes_is_tried_again_until_it_has_passed() -> None:
    server = Server(failures=3)
    assert RetryPolicy().call(server, sleep=lambda _: None) == "answer"
    assert server.requests == 4


def test_a_failure_that_stays_is_not_tried_again() -> None:
    server = Server(failures=3, retryable=False)
    with pytest.raises(InferenceError):
        RetryPolicy().call(server, sleep=lambda _: None)
    assert server.requests == 1


def test_trying_again_has_an_end() -> None:
    server = Server(failures=1000)
    with pytest.raises(InferenceError) as caught:
        RetryPolicy(attempts=5).call(server, sleep=lambda _: None)
    assert server.requests == 5
    assert caught.value.retryable


def test_pauses_double_up_to_the_longest_and_are_random_within_half() -> None:
    pauses: list[float] = []
    with pytest.raises(InferenceError):
        RetryPolicy(attempts=7, first_pause_s=1, longest_pause_s=8).call(Server(1000), sleep=pauses.append)
    assert len(pauses) == 6
    for pause, longest in zip(pauses, [1, 2, 4, 8, 8, 8], strict=True):
        assert longest / 2 <= pause <= longest
