"""``manage.py quantify``: two films in, a table, a JSON file and a page out. No database, no server."""

from __future__ import annotations

import json
from dataclasses import replace
from io import BytesIO, StringIO
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from PIL import Image
from pydicom import dcmread

from deploy.demo import films, protocol
from model_store import registry


@pytest.fixture(scope="module")
def hand() -> films.Series:
    plan = next(plan for plan in protocol.series() if plan.key == "N-101-L")
    return films.take(replace(plan, films=(plan.films[0], plan.films[-1])))


@pytest.fixture
def pair(hand: films.Series, tmp_path: Path) -> list[Path]:
    """Both films as DICOM files."""
    paths = [tmp_path / name for name in ("baseline.dcm", "followup.dcm")]
    for path, content in zip(paths, hand.files, strict=True):
        path.write_bytes(content)
    return paths


def quantify(*arguments: object) -> str:
    out = StringIO()
    call_command("quantify", *(str(argument) for argument in arguments), stdout=out, no_color=True)
    return out.getvalue()


def as_picture(dicom: Path) -> Path:
    """The film as a 16-bit PNG, which says nothing about spacing or side."""
    pixels = dcmread(BytesIO(dicom.read_bytes())).pixel_array
    path = dicom.with_suffix(".png")
    Image.fromarray(pixels.astype(np.uint16)).save(path)
    return path


def test_every_joint_is_printed_written_and_shown(
    hand: films.Series, pair: list[Path], tmp_path: Path
) -> None:
    numbers, page = tmp_path / "numbers.json", tmp_path / "page.html"
    shown = quantify(*pair, "--json", numbers, "--report", page)
    written = json.loads(numbers.read_text())
    assert written["laterality"] == "L"
    assert [row["joint"] for row in written["joints"]] == list(protocol.JOINTS)
    truth = {row.joint: row.jsn_mm for row in hand.truth}
    for row in written["joints"]:
        assert row["joint"] in shown
        assert row["joint"] in page.read_text()
        assert f"{row['jsn_mm']:+.3f}" in shown
        if row["reliability"] == "reliable":
            assert abs(row["jsn_mm"] - truth[row["joint"]]) < 4 * row["jsn_sigma_mm"]
    assert set(written["model_digests"]) == set(registry.MODEL_NAMES)


def test_a_picture_of_16_bits_gives_what_the_dicom_file_gives(pair: list[Path], tmp_path: Path) -> None:
    results = []
    for number, paths in enumerate((pair, [as_picture(path) for path in pair])):
        numbers = tmp_path / f"{number}.json"
        quantify(*paths, "--spacing-mm", 0.175, "--json", numbers)
        results.append([row["jsn_mm"] for row in json.loads(numbers.read_text())["joints"]])
    assert results[0] == pytest.approx(results[1], abs=1e-4)


def test_an_inverted_picture_gives_what_the_picture_gives(pair: list[Path], tmp_path: Path) -> None:
    results = []
    for turned in (False, True):
        paths = [as_picture(path) for path in pair]
        if turned:
            pixels = np.asarray(Image.open(paths[1])).astype(np.int32)
            Image.fromarray((pixels.max() + pixels.min() - pixels).astype(np.uint16)).save(paths[1])
        numbers = tmp_path / f"{turned}.json"
        quantify(*paths, "--spacing-mm", 0.175, "--json", numbers)
        results.append([row["jsn_mm"] for row in json.loads(numbers.read_text())["joints"]])
    assert results[0] == pytest.approx(results[1], abs=0.002)


def test_of_a_film_of_both_hands_the_one_named_is_measured(pair: list[Path], tmp_path: Path) -> None:
    both = tmp_path / "both.png"
    pixels = dcmread(pair[0]).pixel_array
    Image.fromarray(np.concatenate([pixels, pixels[:, ::-1]], axis=1).astype(np.uint16)).save(both)
    with pytest.raises(CommandError, match="--laterality"):
        quantify(both, both, "--spacing-mm", 0.175)
    shown = quantify(both, pair[1], "--spacing-mm", 0.175, "--laterality", "L")
    assert "left hand" in shown and "Not found" not in shown


def test_a_film_against_itself_has_not_changed(pair: list[Path], tmp_path: Path) -> None:
    numbers = tmp_path / "numbers.json"
    quantify(pair[0], pair[0], "--json", numbers)
    for row in json.loads(numbers.read_text())["joints"]:
        assert abs(row["jsn_mm"]) < 0.005


def test_a_picture_without_spacing_is_refused_with_the_way_out(pair: list[Path]) -> None:
    with pytest.raises(CommandError, match="--spacing-mm"):
        quantify(as_picture(pair[0]), as_picture(pair[1]))


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("text.dcm", b"not a radiograph", "not a DICOM file"),
        ("text.png", b"not a radiograph", "neither DICOM nor PNG"),
        ("empty.tif", b"", "neither DICOM nor PNG"),
    ],
)
def test_what_is_no_film_is_refused(
    pair: list[Path], tmp_path: Path, name: str, content: bytes, says: str
) -> None:
    bad = tmp_path / name
    bad.write_bytes(content)
    with pytest.raises(CommandError, match=says):
        quantify(pair[0], bad)


def test_a_file_that_was_cut_short_is_refused(pair: list[Path]) -> None:
    picture = as_picture(pair[0])
    for path in (pair[1], picture):
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(CommandError, match=r"cut short|damaged|ends within"):
        quantify(pair[0], pair[1])
    with pytest.raises(CommandError, match="damaged or cut short"):
        quantify(picture, pair[0], "--spacing-mm", 0.175)


def test_a_film_that_is_not_there_is_said_so(pair: list[Path], tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="can not be opened"):
        quantify(pair[0], tmp_path / "nothing.dcm")


def test_a_picture_without_a_hand_is_said_so(pair: list[Path], tmp_path: Path) -> None:
    noise = tmp_path / "noise.png"
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (400, 300)).astype(np.uint8)).save(noise)
    with pytest.raises(CommandError, match=r"No hand was found in noise\.png"):
        quantify(pair[0], noise, "--spacing-mm", 0.175)


def test_a_report_that_can_not_be_written_is_said_before_anything_is_measured(pair: list[Path]) -> None:
    with pytest.raises(CommandError, match="no folder"):
        quantify(*pair, "--report", "/nowhere/at/all/page.html")
