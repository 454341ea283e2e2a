"""Choosing a backend, and the one that runs in this process."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from model_store.base import Arrays
from model_store.registry import ModelMissing
from workers.inference import InferenceError, get_backend
from workers.inference.inprocess import InProcessBackend
from workers.inference.torchserve import TorchServeBackend

PROJECT = Path(__file__).resolve().parents[3]


class Doubler:
    """A served model of one line."""

    name = "doubler"
    input_names: tuple[str, ...] = ("x",)
    output_names: tuple[str, ...] = ("y",)

    def __call__(self, inputs: Arrays) -> dict[str, npt.NDArray[np.generic]]:
        if inputs["x"].ndim != 1:
            raise ValueError("x must be (N,)")
        return {"y": inputs["x"].astype(np.float32) * 2}


@pytest.fixture
def backend() -> InProcessBackend:
    return InProcessBackend(lambda name: Doubler(), lambda name: "a digest", names=("doubler",))


@pytest.fixture
def fresh_choice() -> Iterator[None]:
    get_backend.cache_clear()
    yield
    get_backend.cache_clear()


def test_a_model_answers_named_arrays(backend: InProcessBackend) -> None:
    np.testing.assert_array_equal(backend.infer("doubler", {"x": np.arange(3)})["y"], [0, 2, 4])


def test_many_threads_load_a_model_once() -> None:
    loads: list[str] = []

    def load(name: str) -> Doubler:
        loads.append(name)
        return Doubler()

    backend = InProcessBackend(load, lambda name: "a digest", names=("doubler",))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: backend.infer("doubler", {"x": np.full(1, n)}), range(64)))
    assert loads == ["doubler"]


@pytest.mark.parametrize(
    ("model", "inputs"),
    [
        ("unknown", {"x": np.zeros(1)}),
        ("doubler", {"z": np.zeros(1)}),
        ("doubler", {"x": np.zeros((1, 1))}),
    ],
)
def test_what_a_model_cannot_take_is_refused_for_good(
    model: str, inputs: Arrays, backend: InProcessBackend
) -> None:
    with pytest.raises(InferenceError) as caught:
        backend.infer(model, inputs)
    assert not caught.value.retryable


def test_missing_weights_are_told_with_what_to_do() -> None:
    def load(name: str) -> Doubler:
        raise ModelMissing("Run `make models`.")

    with pytest.raises(InferenceError, match="make models"):
        InProcessBackend(load, lambda name: "", names=("doubler",)).infer("doubler", {"x": np.zeros(1)})


def test_digests_are_those_that_the_models_were_loaded_with() -> None:
    on_disk = {"doubler": "old"}
    backend = InProcessBackend(lambda name: Doubler(), on_disk.__getitem__, names=("doubler",))
    backend.infer("doubler", {"x": np.zeros(1)})
    on_disk["doubler"] = "new"
    assert backend.model_digests() == {"doubler": "old"}


@pytest.mark.usefixtures("fresh_choice")
def test_models_run_in_this_process_unless_the_environment_says_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("JSN_INFERENCE", raising=False)
    assert isinstance(get_backend(), InProcessBackend)
    assert get_backend() is get_backend()


@pytest.mark.usefixtures("fresh_choice")
def test_the_environment_chooses_torchserve_with_its_address_and_token(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("JSN_INFERENCE", "torchserve")
    monkeypatch.setenv("JSN_TORCHSERVE_URL", "http://127.0.0.1:1234")
    monkeypatch.setenv("JSN_TORCHSERVE_TOKEN_FILE", str(tmp_path / "key_file.json"))
    backend = get_backend()
    assert isinstance(backend, TorchServeBackend)
    assert backend.url == "http://127.0.0.1:1234"
    assert backend.token_file == tmp_path / "key_file.json"


@pytest.mark.usefixtures("fresh_choice")
def test_a_backend_that_does_not_exist_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JSN_INFERENCE", "triton")
    with pytest.raises(ValueError, match="triton"):
        get_backend()


def test_the_backends_are_imported_without_torch_or_django() -> None:
    code = "import sys, workers.inference; sys.exit('torch' in sys.modules or 'django' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=False).returncode == 0
