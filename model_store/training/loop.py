"""One resumable training loop for every network."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel
from tqdm import tqdm

_Tensors = tuple[Tensor, ...] | list[Tensor]


class Task(Protocol):
    """What a network learns: where its batches come from, its loss, and how it is judged."""

    def batch(self, size: int, generator: torch.Generator) -> Mapping[str, Tensor]:
        """A batch of training data, augmented, drawn with the generator."""
        ...

    def loss(self, network: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
        """The training loss, a scalar."""
        ...

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Metrics on subjects that training never sees."""
        ...


@dataclass(frozen=True)
class Schedule:
    """How long and how fast: one cosine cycle of AdamW after a linear warm-up.

    ``average``: decay of the exponential moving average of the weights, which is what is exported.
    ``half_precision``: compute in bfloat16, twice as fast where the processor has it.
    """

    steps: int
    batch_size: int
    learning_rate: float
    weight_decay: float = 1e-4
    warm_up: int = 200
    average: float = 0.998
    seed: int = 0
    validate_every: int = 500
    save_every_s: float = 120.0
    half_precision: bool = True


class Run:
    """A training run that lives in a folder and goes on where it stopped.

    The folder holds ``checkpoint.pt`` (everything needed to go on), ``log.jsonl`` (a line per validation) and
    ``weights.safetensors`` (the averaged weights in half precision, as of the last validation).
    """

    def __init__(self, network: nn.Module, task: Task, schedule: Schedule, folder: Path) -> None:
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.task = task
        self.schedule = schedule
        self.folder = folder
        self.step = 0
        self.seconds = 0.0
        self.metrics: dict[str, float] = {}
        self.sessions: list[str] = []
        self.averaged = AveragedModel(
            self.network, multi_avg_fn=_moving_average(schedule.average), use_buffers=True
        )
        self._optimiser = torch.optim.AdamW(
            self.network.parameters(), lr=schedule.learning_rate, weight_decay=schedule.weight_decay
        )
        self._rate = torch.optim.lr_scheduler.LambdaLR(self._optimiser, self._relative_rate)
        self._generator = torch.Generator().manual_seed(schedule.seed)

    def _relative_rate(self, step: int) -> float:
        warm = min(1.0, (step + 1) / self.schedule.warm_up)
        turn = torch.tensor(min(step, self.schedule.steps) / self.schedule.steps * torch.pi)
        return warm * (0.01 + 0.99 * 0.5 * (1.0 + float(torch.cos(turn))))

    def resume(self) -> bool:
        """Go on from the folder's checkpoint; False where there is none."""
        path = self.folder / "checkpoint.pt"
        if not path.exists():
            return False
        state = torch.load(path, map_location="cpu", weights_only=True)
        self.network.load_state_dict(state["network"])
        self.averaged.load_state_dict(state["averaged"])
        self._optimiser.load_state_dict(state["optimiser"])
        self._rate.load_state_dict(state["rate"])
        self._generator.set_state(state["generator"])
        self.step, self.seconds, self.metrics = state["step"], state["seconds"], state["metrics"]
        self.sessions = state.get("sessions", [])
        return True

    def save(self) -> None:
        """Write the checkpoint; an interrupted write leaves the one before."""
        self.folder.mkdir(parents=True, exist_ok=True)
        draft = self.folder / "checkpoint.pt.draft"
        state = {
            "network": self.network.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "rate": self._rate.state_dict(),
            "generator": self._generator.get_state(),
            "step": self.step,
            "seconds": self.seconds,
            "metrics": self.metrics,
            "sessions": self.sessions,
        }
        torch.save(state, draft)
        draft.replace(self.folder / "checkpoint.pt")

    def fit(self, code_version: str = "unknown") -> dict[str, float]:
        """Train to the schedule's last step; returns the last validation's metrics.

        ``code_version`` goes into ``sessions``, one entry for every time the run was started or went on.
        """
        if self.step < self.schedule.steps:
            self.sessions.append(f"from step {self.step}: {code_version}")
        mean_loss, last_save = float("nan"), time.monotonic()
        with tqdm(total=self.schedule.steps, initial=self.step, unit="step", mininterval=2.0) as progress:
            while self.step < self.schedule.steps:
                start = time.monotonic()
                loss = self._advance()
                mean_loss = loss if mean_loss != mean_loss else 0.98 * mean_loss + 0.02 * loss
                self.seconds += time.monotonic() - start
                progress.update()
                progress.set_postfix(
                    {"loss": f"{mean_loss:.4f}", **{k: f"{v:.4g}" for k, v in self.metrics.items()}}
                )
                if self.step % self.schedule.validate_every == 0 or self.step == self.schedule.steps:
                    self.judge(mean_loss)
                if time.monotonic() - last_save > self.schedule.save_every_s:
                    self.save()
                    last_save = time.monotonic()
        self.save()
        return self.metrics

    def _advance(self) -> float:
        batch = self.task.batch(self.schedule.batch_size, self._generator)
        self.network.train()
        with torch.autocast("cpu", torch.bfloat16, enabled=self.schedule.half_precision):
            loss = self.task.loss(self.network, batch)
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self._optimiser.step()
        self._rate.step()
        self.averaged.update_parameters(self.network)
        self.step += 1
        return float(loss.detach())

    def judge(self, loss: float = float("nan")) -> dict[str, float]:
        """Validate the averaged weights, log the metrics beside the training loss, and write the weights."""
        network = self.averaged.module
        network.eval()
        with torch.inference_mode():
            self.metrics = self.task.validate(network)
        self.folder.mkdir(parents=True, exist_ok=True)
        line = {"step": self.step, "seconds": round(self.seconds), "loss": loss, **self.metrics}
        with (self.folder / "log.jsonl").open("a") as log:
            log.write(json.dumps(line) + "\n")
        export(network, self.folder / "weights.safetensors")
        return self.metrics

    def settings(self) -> dict[str, float]:
        """The schedule, for the model card."""
        return asdict(self.schedule)


def _moving_average(decay: float) -> Callable[[_Tensors, _Tensors, Tensor | int], None]:
    """Exponential moving average that forgets the untrained weights: the decay grows to its value as steps go by."""

    def update(averaged: _Tensors, current: _Tensors, count: Tensor | int) -> None:
        share = 1.0 - min(decay, (1.0 + float(count)) / (10.0 + float(count)))
        for mean, value in zip(averaged, current, strict=True):
            if mean.is_floating_point():
                mean.lerp_(value.to(mean.dtype), share)
            else:
                mean.copy_(value)

    return update


def export(network: nn.Module, path: Path) -> None:
    """Write a network's weights as safetensors, floating point in half precision."""
    state = {
        key: (value.half() if value.is_floating_point() else value).contiguous().clone()
        for key, value in network.state_dict().items()
    }
    draft = path.with_suffix(".draft")
    save_file(state, draft)
    draft.replace(path)
