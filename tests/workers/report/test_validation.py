"""The page of a validation tells what is known, and nothing that is not."""

from __future__ import annotations

import csv
import math
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.workers.report.test_page import result
from workers.pipeline.types import Reliability
from workers.report import LeftOut, Measured, Validation, write_csv, write_validation


@pytest.fixture
def validation() -> Validation:
    rows = [
        Measured(hand, 1, 2, joint, jsn_mm, 0.02, Reliability.RELIABLE, (), 0.0, -jsn_mm)
        for hand, joint, jsn_mm in ((1, "MCP2", 0.02), (2, "MCP2", -0.01), (2, "PIP3", 0.7))
    ]
    rows.append(replace(rows[0], joint="PIP4", jsn_mm=math.nan, reliability=Reliability.UNRELIABLE))
    return Validation(
        rows=rows,
        left_out=[LeftOut(2, 3, "", "no hand was found")],
        worst=[(rows[2], result("PIP3", 0.7))],
        hands=2,
        films=4,
        are_rois=False,
        spacing_mm=None,
        model_digests={"locator": "0" * 64},
        code_version="0.1",
        created=datetime(2024, 3, 1, tzinfo=UTC),
    )


def written(validation: Validation, tmp_path: Path) -> str:
    write_validation(validation, tmp_path / "page.html")
    return " ".join((tmp_path / "page.html").read_text().split())


def test_the_page_shows_counts_mismatches_and_what_was_left_out(
    validation: Validation, tmp_path: Path
) -> None:
    page = written(validation, tmp_path)
    assert "2 hands, 4 films, 2 pairs, 4 joints compared, 1 of them without a number" in page
    assert "1 of 3" in page and "no hand was found" in page
    assert "PIP3, hand 2, film 1 to 2" in page and "error <strong>+0.700 mm</strong>" in page


def test_where_the_truth_is_not_known_the_page_tells_of_no_error(
    validation: Validation, tmp_path: Path
) -> None:
    rows = [replace(row, truth_mm=math.nan) for row in validation.rows]
    page = written(replace(validation, rows=rows, worst=[(rows[0], result("MCP2", 0.02))]), tmp_path)
    assert "The true change is not known" in page
    assert "SDC mm" not in page and "mismatch" not in page.lower().split("how to read this")[0]


def test_a_single_joint_makes_a_page_too(validation: Validation, tmp_path: Path) -> None:
    assert "–" in written(replace(validation, rows=validation.rows[:1]), tmp_path)


def test_the_table_leaves_empty_what_has_no_number(validation: Validation, tmp_path: Path) -> None:
    write_csv(validation.rows, tmp_path / "table.csv")
    with (tmp_path / "table.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["error_mm"] for row in rows] == ["0.02000", "-0.01000", "0.70000", ""]
    assert rows[3]["reliability"] == "unreliable"
