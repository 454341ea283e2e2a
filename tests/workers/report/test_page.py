"""The report: one page that needs nothing else."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from workers.pipeline.types import BoneMasks, BoneMotion, JointResult, LocatedJoint, Reliability
from workers.report import HandFilm, Report, write_report


def result(joint: str, jsn_mm: float) -> JointResult:
    image = np.random.default_rng(3).normal(100, 20, (48, 48)).astype(np.float32)
    upper = np.zeros((48, 48), np.bool_)
    upper[4:20, 10:38] = True
    masks = BoneMasks(upper, upper[::-1])
    loss = np.where(masks.upper | masks.lower, 0.1, np.nan).astype(np.float32)
    return JointResult(
        joint=joint,
        jsn_mm=jsn_mm,
        jsn_sigma_mm=0.02,
        reliability=Reliability.RELIABLE,
        reasons=(),
        upper=BoneMotion(0.1, jsn_mm / 2, 1.0, 1.0),
        lower=BoneMotion(0.1, -jsn_mm / 2, 1.0, 1.0),
        masks=masks,
        loss_map=loss,
        loss_before=loss * 3,
        fixed=image,
        moving=image,
        warped=image,
        pixel_spacing_mm=0.175,
    )


@pytest.fixture
def report() -> Report:
    nothing = np.full((48, 48), np.nan, np.float32)
    lost = replace(
        result("PIP3", 0.0),
        jsn_mm=math.nan,
        jsn_sigma_mm=math.nan,
        reliability=Reliability.UNRELIABLE,
        reasons=("upper_bone_not_found",),
        upper=BoneMotion(*[math.nan] * 4),
        lower=BoneMotion(*[math.nan] * 4),
        warped=nothing,
        loss_map=nothing,
        loss_before=nothing,
    )
    film = np.random.default_rng(4).normal(100, 20, (120, 90)).astype(np.float32)
    joints = (LocatedJoint("MCP2", 40, 60, 5, 22, 0.9),)
    return Report(
        HandFilm("<b>baseline</b>.dcm", film, 0.175, joints),
        HandFilm("followup.dcm", film, 0.175, joints),
        "L",
        {"MCP2": result("MCP2", 0.31), "MCP3": result("MCP3", -0.02), "PIP3": lost},
        {"registrar": "a" * 64},
        "1.2.3",
        datetime(2024, 5, 6, 7, 8, tzinfo=UTC),
    )


@pytest.fixture
def page(report: Report, tmp_path: Path) -> str:
    path = tmp_path / "page.html"
    write_report(report, path)
    return path.read_text(encoding="utf-8")


class Addresses(HTMLParser):
    """Every address that a page names."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in ("script", "link", "iframe")
        self.found += [value or "" for name, value in attrs if name in ("src", "href")]


def test_the_page_asks_for_nothing_outside_itself(page: str) -> None:
    addresses = Addresses()
    addresses.feed(page)
    assert len(addresses.found) > 10
    assert all(re.match(r"data:image/|#", address) for address in addresses.found)


def test_numbers_are_there_with_sign_and_interval(page: str) -> None:
    for number in ("+0.31", "−0.02", "± 0.04", "Mean of 2 reliable joints: <strong>+0.145 mm</strong>"):
        assert number in page


def test_a_joint_that_was_not_measured_says_why(page: str) -> None:
    assert "The upper bone was not found." in page
    assert "nan" not in re.sub(r'"data:[^"]*"', "", page).lower()


def test_names_of_files_are_text_and_not_markup(page: str) -> None:
    assert "<b>baseline" not in page
    assert "&lt;b&gt;baseline" in page


def test_the_page_says_where_its_numbers_come_from(page: str) -> None:
    for fact in ("1.2.3", "aaaaaaaaaaaa", "2024-05-06 07:08", "not a medical device"):
        assert fact in page
