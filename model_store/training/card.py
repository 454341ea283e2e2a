"""Put trained weights in their place, with the card that says where they come from."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

MODEL_STORE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class About:
    """What a model card says beside the figures."""

    title: str
    does: str
    network: str
    data: str
    limits: Sequence[str]


def install(
    name: str, about: About, weights: Path, metrics: Mapping[str, float], settings: Mapping[str, object]
) -> Path:
    """Copy the weights to ``model_store/<name>/weights.safetensors`` and write ``MODEL_CARD.md`` beside them."""
    folder = MODEL_STORE / name
    place = folder / "weights.safetensors"
    shutil.copyfile(weights, place)
    card = folder / "MODEL_CARD.md"
    digest = hashlib.sha256(place.read_bytes()).hexdigest()
    sections = [
        f"# {about.title}\n\n{about.does}",
        f"## Network\n\n{about.network}",
        f"## Data\n\n{about.data}",
        "## Training\n\n" + _table(settings),
        "## Figures on phantom hands of subjects that training never saw\n\n" + _table(metrics),
        "## Limits\n\n" + "\n".join(f"- {limit}" for limit in about.limits),
        f"## Provenance\n\n- Commit: `{_commit()}`\n- Weights: safetensors, half precision, SHA-256 `{digest}`\n"
        f"- Made by `python -m model_store.training {name}`",
    ]
    card.write_text("\n\n".join(sections) + "\n")
    return place


def _table(values: Mapping[str, object]) -> str:
    rows = [f"| {key} | {value:.4g} |" if isinstance(value, float) else f"| {key} | {value} |"
            for key, value in values.items()]  # fmt: skip
    return "\n".join(["| what | value |", "| --- | --- |", *rows])


def _commit() -> str:
    """The commit that the training ran from, marked where files differed from it."""
    git = shutil.which("git")
    if git is None:
        return "unknown"
    command = [git, "describe", "--always", "--dirty", "--abbrev=40"]
    described = subprocess.run(command, cwd=MODEL_STORE, capture_output=True, text=True, check=False)  # noqa: S603
    return described.stdout.strip() or "unknown"
