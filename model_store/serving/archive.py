"""Builds the archives that TorchServe loads: ``python -m model_store.serving.archive [--out DIRECTORY]``.

An archive holds the weights, the name of the module that serves them, and a thin handler; the code itself
is this project's, so TorchServe must run in the project's environment with the project on ``PYTHONPATH``.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

from model_store import registry
from model_store.serving import oip

DEFAULT_DIRECTORY = Path(__file__).resolve().parent / "archives"
HANDLER = Path(__file__).resolve().with_name("archived_handler.py")
CONFIG_NAME = "model-config.yaml"

RESPONSE_TIMEOUT_S = 60
STARTUP_TIMEOUT_S = 120
#: Largest request and response. A hand of 14 joints of 256 x 256 pixels, images and masks, is 11 MB, its
#: outputs twice that.
MAX_BODY_BYTES = 64 * 2**20


class ArchiveError(RuntimeError):
    """An archive could not be built."""


@dataclass(frozen=True)
class Served:
    """One model to serve: ``module`` has ``load(weights, device)``."""

    name: str
    module: str
    weights: Path


def all_models() -> list[Served]:
    """The system's models. Raises ``registry.ModelMissing`` when weights are missing."""
    return [
        Served(name, registry.module_name(name), registry.weights_path(name)) for name in registry.MODEL_NAMES
    ]


def build_all(models: Iterable[Served], directory: Path) -> list[Path]:
    """Build the archives that are missing or out of date; returns the path of each."""
    return [build(model, directory) for model in models]


def build(model: Served, directory: Path) -> Path:
    """Build ``directory/<name>.mar`` unless it already holds these weights and this handler."""
    directory.mkdir(parents=True, exist_ok=True)
    archive = directory / f"{model.name}.mar"
    config = _config(model)
    if not _up_to_date(archive, config):
        _run_archiver(model, config, archive)
    return archive


def _config(model: Served) -> str:
    return yaml.safe_dump(
        {
            "minWorkers": 1,
            "maxWorkers": 1,
            # a request already carries all joints of a hand: waiting for more would only add delay
            "batchSize": 1,
            "maxBatchDelay": 1,
            "responseTimeout": RESPONSE_TIMEOUT_S,
            "startupTimeout": STARTUP_TIMEOUT_S,
            "jsn": {
                "module": model.module,
                "weights": model.weights.name,
                "max_response_bytes": MAX_BODY_BYTES,
                oip.DIGEST: registry.file_digest(model.weights),
            },
        }
    )


def _up_to_date(archive: Path, config: str) -> bool:
    try:
        with zipfile.ZipFile(archive) as content:
            same_config = content.read(CONFIG_NAME).decode() == config
            return same_config and content.read(HANDLER.name) == HANDLER.read_bytes()
    except (FileNotFoundError, KeyError, zipfile.BadZipFile):
        return False


def _run_archiver(model: Served, config: str, archive: Path) -> None:
    with tempfile.TemporaryDirectory(dir=archive.parent) as scratch:
        config_path = Path(scratch, CONFIG_NAME)
        config_path.write_text(config)
        command = [sys.executable, "-m", "model_archiver.model_packaging", "--force"]
        command += ["--model-name", model.name, "--version", "1.0", "--archive-format", "zip-store"]
        command += ["--serialized-file", str(model.weights), "--handler", str(HANDLER)]
        command += ["--config-file", str(config_path), "--export-path", scratch]
        # the archiver empties $TMPDIR/<model name>: give it a folder of its own
        environment = {**os.environ, "TMPDIR": scratch}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
        built = Path(scratch, archive.name)
        if done.returncode or not built.is_file():
            raise ArchiveError(f"The archive of the {model.name} could not be built:\n{done.stderr.strip()}")
        built.replace(archive)


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description="Build the models' archives for TorchServe.")
    parser.add_argument("--out", type=Path, default=DEFAULT_DIRECTORY, help="folder of the archives")
    arguments = parser.parse_args()
    try:
        archives = build_all(all_models(), arguments.out)
    except (ArchiveError, registry.ModelMissing) as error:
        print(error, file=sys.stderr)
        return 1
    for path in archives:
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
