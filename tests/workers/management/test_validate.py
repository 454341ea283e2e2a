"""``manage.py validate``: a site's repeat films or phantom in, a page and a table out, without anybody's name."""

from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from PIL import Image
from scipy import ndimage

from model_store.phantom import Projection, expose, make_exposure, make_pose, make_subject, project

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
SPACING_MM = 0.2
MOVED_MM = 0.4

#: What the command printed, the page, and the table.
Outcome = tuple[str, str, list[dict[str, str]]]


@pytest.fixture(scope="module")
def hand() -> Projection:
    return project(make_subject(2_000_021, "L"), make_pose(3), pixel_spacing_mm=SPACING_MM, supersample=1)


@pytest.fixture(scope="module")
def films(hand: Projection, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three films of one hand that has not changed, in the folder of a patient with a name."""
    folder = tmp_path_factory.mktemp("site") / "Jane Doe_L"
    folder.mkdir()
    for number in range(3):
        film = expose(hand, make_exposure(7, spread=0.2), seed=number)
        Image.fromarray(film.pixels.astype(np.uint16)).save(folder / f"doe {number + 1}.png")
    return folder.parent


@pytest.fixture(scope="module")
def rois(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A joint of which the upper half moves down by ``MOVED_MM``, twice photographed."""
    folder = tmp_path_factory.mktemp("phantom") / "block_mcp3"
    folder.mkdir()
    texture = ndimage.gaussian_filter(np.random.default_rng(5).normal(size=(128, 128)), 1.5)
    texture = 0.5 + 0.12 * texture / texture.std()
    for name, moved_mm in (("a", 0.0), ("b", MOVED_MM)):
        upper, lower = np.zeros((128, 128)), np.zeros((128, 128))
        upper[8:58, 34:94], lower[70:120, 34:94] = 1.0, 1.0
        shift = (moved_mm / SPACING_MM, 0.0)
        picture = ndimage.shift(texture * ndimage.gaussian_filter(upper, 1.0), shift, order=3)
        picture = picture + texture[::-1] * ndimage.gaussian_filter(lower, 1.0)
        Image.fromarray((20_000 * (0.2 + np.clip(picture, 0, 2))).astype(np.uint16)).save(
            folder / f"{name}.png"
        )
        for bone, mask in (("upper", ndimage.shift(upper, shift, order=1)), ("lower", lower)):
            Image.fromarray((255 * (mask > 0.5)).astype(np.uint8)).save(folder / f"{name}_{bone}.png")
    return folder.parent


@pytest.fixture(scope="module")
def repeats(films: Path, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return validate(tmp_path_factory.mktemp("report"), films, "--spacing-mm", SPACING_MM)


def validate(tmp_path: Path, *arguments: object) -> Outcome:
    out, page, table = StringIO(), tmp_path / "page.html", tmp_path / "table.csv"
    call_command(
        "validate",
        *(str(a) for a in arguments),
        "--report",
        str(page),
        "--csv",
        str(table),
        stdout=out,
        no_color=True,
    )
    with table.open(newline="") as file:
        return out.getvalue(), page.read_text(), list(csv.DictReader(file))


def test_repeat_films_of_a_hand_are_compared_in_all_pairs(repeats: Outcome) -> None:
    shown, page, table = repeats
    assert len(table) == 30 and {row["joint"] for row in table} >= {"MCP1", "PIP5"}
    reliable = [row for row in table if row["reliability"] == "reliable"]
    assert len(reliable) > 20
    assert max(abs(float(row["error_mm"])) for row in reliable) < 0.1
    assert "1 hand, 3 films, 3 pairs, 30 joints compared" in " ".join(page.split())
    assert "J₁₂ + J₂₃ − J₁₃" in page and "SDC" in shown


def test_no_name_of_a_file_or_folder_is_on_the_page_or_in_the_table(repeats: Outcome) -> None:
    shown, page, table = repeats
    kept = (page + repr(table)).lower()
    assert "jane doe" not in kept and "doe 1" not in kept
    assert "hand 1: Jane Doe_L" in shown


def test_a_phantom_is_held_against_its_known_change(rois: Path, tmp_path: Path) -> None:
    truth = tmp_path / "truth.csv"
    truth.write_text(f"file_a,file_b,joint,jsn_mm\nblock_mcp3/a.png,block_mcp3/b.png,,{MOVED_MM}\n")
    _, page, table = validate(tmp_path, rois, "--roi", "--spacing-mm", SPACING_MM, "--truth", truth)
    (row,) = table
    assert (row["joint"], float(row["true_jsn_mm"])) == ("MCP3", MOVED_MM)
    assert abs(float(row["error_mm"])) < 0.02
    assert abs(float(row["jsn_backward_mm"]) + MOVED_MM) < 0.02
    assert "The true change of each is known" in page


def test_the_page_needs_nothing_else_and_runs_no_script(repeats: Outcome) -> None:
    _, page, _ = repeats
    assert "<script" not in page and "http" not in page.replace("http-equiv", "")
    assert "default-src 'none'" in page and page.count("data:image/jpeg") > 10


def test_what_could_not_be_read_is_left_out_with_its_reason(films: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    folder = site / "patient_L"
    folder.mkdir(parents=True)
    for film in sorted((films / "Jane Doe_L").iterdir())[:2]:
        (folder / film.name).write_bytes(film.read_bytes())
    (folder / "damaged.png").write_bytes(b"no picture")
    noise = np.random.default_rng(0).integers(0, 255, (300, 300)).astype(np.uint8)
    Image.fromarray(noise).save(folder / "noise.png")
    _, page, table = validate(tmp_path, site, "--spacing-mm", SPACING_MM)
    assert len(table) == 10
    assert "no hand was found" in page and "neither DICOM nor PNG" in page and "damaged.png" not in page


@pytest.mark.parametrize(
    ("truth", "says"),
    [
        ("file_a,file_b,jsn_mm\n", "lacks the column joint"),
        ("file_a,file_b,joint,jsn_mm\nblock_mcp3/a.png,none.png,,0.1\n", "not there"),
        ("file_a,file_b,joint,jsn_mm\nblock_mcp3/a.png,block_mcp3/b.png,,much\n", "must be a number"),
    ],
)
def test_a_truth_that_can_not_be_used_is_refused_in_words(
    rois: Path, tmp_path: Path, truth: str, says: str
) -> None:
    file = tmp_path / "truth.csv"
    file.write_text(truth)
    with pytest.raises(CommandError, match=says):
        validate(tmp_path, rois, "--roi", "--spacing-mm", SPACING_MM, "--truth", file)


def test_a_folder_without_repeats_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no folder with two films"):
        validate(tmp_path, tmp_path)
    with pytest.raises(CommandError, match="--spacing-mm"):
        validate(tmp_path, tmp_path, "--roi")


@pytest.mark.skipif(not DATA.is_dir(), reason="the real films of ../shared/data are not on this machine")
def test_the_physical_phantom_reads_half_a_millimetre_wider(tmp_path: Path) -> None:
    truth = tmp_path / "truth.csv"
    truth.write_text("file_a,file_b,joint,jsn_mm\n1.20mm.png,1.70mm.png,,-0.50\n")
    folder = DATA / "physical_phantom" / "RadiographyAir"
    _, _, (row,) = validate(tmp_path, folder, "--roi", "--spacing-mm", 0.15, "--truth", truth)
    assert abs(float(row["error_mm"])) < 0.03 and row["reliability"] == "reliable"
