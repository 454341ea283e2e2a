"""Put trained weights in their place, with the card that says where they come from."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

#: True of every model here, so every card says it.
_NOT_SHOWN = (
    "No true JSN exists for any patient's film: on real films agreement is known (closure over three films, repeat "
    "films), not error.",
    "No film was compared with a reader's score (Sharp, van der Heijde) or with another method's change over a year.",
    "How well all models together measure, beside other methods and with what is missed: "
    "`tests/benchmarks/RESULTS.md`.",
)

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
    name: str,
    about: About,
    weights: Path,
    metrics: Mapping[str, float],
    settings: Mapping[str, object],
    sessions: Sequence[str],
) -> Path:
    """Copy the weights to ``model_store/<name>/weights.safetensors`` and write ``MODEL_CARD.md`` beside them.

    ``sessions``: the code that each part of the training ran from, see ``Run.fit``.
    """
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
        "## What no one has shown yet\n\n" + "\n".join(f"- {gap}" for gap in _NOT_SHOWN),
        f"## Provenance\n\n- Made by `python -m model_store.training {name}`, code as of\n"
        + "\n".join(f"  - {session}" for session in sessions or ["not recorded"])
        + f"\n- Weights: safetensors, half precision, SHA-256 `{digest}`",
    ]
    card.write_text("\n\n".join(sections) + "\n")
    return place


def _table(values: Mapping[str, object]) -> str:
    rows = [f"| {key} | {value:.4g} |" if isinstance(value, float) else f"| {key} | {value} |"
            for key, value in values.items()]  # fmt: skip
    return "\n".join(["| what | value |", "| --- | --- |", *rows])


def code_version() -> str:
    """The commit that is checked out, marked where files differ from it."""
    git = shutil.which("git")
    if git is None:
        return "unknown"
    command = [git, "describe", "--always", "--dirty", "--abbrev=40"]
    described = subprocess.run(command, cwd=MODEL_STORE, capture_output=True, text=True, check=False)  # noqa: S603
    return described.stdout.strip() or "unknown"
