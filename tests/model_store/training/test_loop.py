"""A run can be cut off anywhere: it goes on as if it had not been, and its weights can be served."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Generator, Tensor, nn

from model_store.training.loop import Run, Schedule


class Line:
    """Learns y = 2 x - 1."""

    def batch(self, size: int, generator: Generator) -> Mapping[str, Tensor]:
        x = torch.randn(size, 1, generator=generator)
        return {"x": x, "y": 2 * x - 1}

    def loss(self, network: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
        return nn.functional.mse_loss(network(batch["x"]).float(), batch["y"])

    def validate(self, network: nn.Module) -> dict[str, float]:
        return {"error": float((network(torch.ones(1, 1)) - 1).abs())}


def run_in(folder: Path, steps: int = 60) -> Run:
    torch.manual_seed(0)
    schedule = Schedule(
        steps=steps, batch_size=16, learning_rate=0.1, warm_up=5, average=0.9, validate_every=20,
        save_every_s=1e9, half_precision=False,
    )  # fmt: skip
    return Run(nn.Linear(1, 1), Line(), schedule, folder)


def weights(run: Run) -> list[float]:
    return [value for parameter in run.averaged.parameters() for value in parameter.flatten().tolist()]


def test_a_run_that_was_cut_off_ends_where_an_unbroken_one_does(tmp_path: Path) -> None:
    unbroken = run_in(tmp_path / "unbroken")
    unbroken.fit()
    first = run_in(tmp_path / "broken")
    for _ in range(23):
        first._advance()
    first.save()
    second = run_in(tmp_path / "broken")
    assert second.resume()
    assert second.step == 23
    second.fit()
    assert weights(second) == pytest.approx(weights(unbroken), abs=1e-6)


def test_a_new_folder_has_nothing_to_resume(tmp_path: Path) -> None:
    assert not run_in(tmp_path).resume()


def test_what_is_learnt_is_exported_in_half_precision_and_logged(tmp_path: Path) -> None:
    run = run_in(tmp_path, steps=200)
    metrics = run.fit()
    assert metrics["error"] < 0.05
    stored = load_file(tmp_path / "weights.safetensors")
    assert stored["weight"].dtype == torch.float16
    assert float(stored["weight"]) == pytest.approx(2.0, abs=0.05)
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(20, 201, 20))


def test_a_finished_run_does_not_train_on(tmp_path: Path) -> None:
    run = run_in(tmp_path)
    run.fit()
    again = run_in(tmp_path)
    again.resume()
    again.fit()
    assert weights(again) == weights(run)
