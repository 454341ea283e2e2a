"""Building archives for TorchServe."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
import yaml

from model_store import registry
from model_store.serving.archive import Served, build


@pytest.fixture
def served(tmp_path: Path) -> Served:
    weights = tmp_path / "weights.safetensors"
    weights.write_bytes(b"some weights")
    return Served("locator", "model_store.locator.model", weights)


def test_an_archive_holds_weights_handler_module_and_digest(served: Served, tmp_path: Path) -> None:
    archive = build(served, tmp_path / "archives")
    with zipfile.ZipFile(archive) as content:
        manifest = json.loads(content.read("MAR-INF/MANIFEST.json"))
        config = yaml.safe_load(content.read("model-config.yaml"))
        assert content.read("weights.safetensors") == b"some weights"
    assert manifest["model"]["modelName"] == "locator"
    assert manifest["model"]["handler"] == "archived_handler.py"
    assert config["jsn"]["module"] == "model_store.locator.model"
    assert config["jsn"]["weights_sha256"] == registry.file_digest(served.weights)
    assert config["maxWorkers"] == 1


def test_an_archive_is_built_again_only_when_the_weights_have_changed(served: Served, tmp_path: Path) -> None:
    archive = build(served, tmp_path / "archives")
    first = archive.stat().st_ino
    assert build(served, tmp_path / "archives").stat().st_ino == first
    served.weights.write_bytes(b"better weights")
    build(served, tmp_path / "archives")
    with zipfile.ZipFile(archive) as content:
        assert content.read("weights.safetensors") == b"better weights"


def test_a_broken_archive_is_replaced(served: Served, tmp_path: Path) -> None:
    archive = build(served, tmp_path / "archives")
    archive.write_bytes(b"cut short")
    build(served, tmp_path / "archives")
    assert zipfile.is_zipfile(archive)


def test_building_leaves_only_the_archive(served: Served, tmp_path: Path) -> None:
    archive = build(served, tmp_path / "archives")
    assert list(archive.parent.iterdir()) == [archive]
