"""The main job as people do it, on the true topology: dropped films become a trend, a loss map and a REST row."""

from __future__ import annotations

import io
import json
import os
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from deploy.demo.people import PASSWORD
from deploy.embedded.net import free_port
from model_store.phantom import (
    expose,
    joint_motion,
    make_exposure,
    make_pose,
    make_subject,
    project,
    write_dicom,
)
from tests.stack.servers import running, wait_until

PROJECT = Path(__file__).resolve().parents[2]
PATIENT = "N-900"
VISITS = (("baseline", date(2024, 3, 4)), ("year 1", date(2025, 3, 3)))
NARROWED, NARROWING_MM = "MCP3", 0.4
MINUTES = 60_000


@dataclass(frozen=True)
class System:
    """The running system and the films to give it."""

    url: str
    data: Path
    films: tuple[bytes, bytes]
    true_jsn_mm: float


@pytest.fixture(scope="module")
def films() -> tuple[bytes, bytes, float]:
    """Two visits of one right hand as a scanner writes them, and the true JSN of the joint that narrowed."""
    subject = make_subject(77, "R")
    visits = [
        project(subject, make_pose(3)),
        project(subject, make_pose(3), jsn_mm={NARROWED: NARROWING_MM}),
    ]
    files = []
    for index, (projection, (_, day)) in enumerate(zip(visits, VISITS, strict=True)):
        buffer = io.BytesIO()
        film = expose(projection, make_exposure(5, spread=0.3), index)
        write_dicom(
            buffer, film, patient_id="X", study_date=day, patient_name="Doe^Jane", uid_entropy=f"path{index}"
        )
        files.append(buffer.getvalue())
    return files[0], files[1], joint_motion(visits[0], visits[1], NARROWED).jsn_mm


@pytest.fixture(scope="module")
def system(
    require_java: None, films: tuple[bytes, bytes, float], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[System]:
    """Web server, worker, Redis and TorchServe under the supervisor, with the demo's accounts and no patients."""
    data, port = tmp_path_factory.mktemp("system"), free_port()
    environment = {**os.environ, "JSN_DATA_DIR": str(data), "JSN_DEMO_PATIENTS": "0"}
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    command = [sys.executable, "-m", "deploy.embedded", "--port", str(port), "--no-browser"]
    environment["PYTHONPATH"] = str(PROJECT)
    url = f"http://127.0.0.1:{port}"
    with running(command, PROJECT, environment, data / "console.log"):
        wait_until(lambda: (data / "demo" / "api_token").exists(), "the demo's accounts", 120)
        yield System(url, data, films[:2], films[2])


def sign_in(browser: Browser, system: System, username: str) -> Page:
    page = browser.new_context(base_url=system.url).new_page()
    page.goto("/")
    page.get_by_label("Login").fill(username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    return page


def fetch(system: System, path: str) -> Any:
    token = (system.data / "demo" / "api_token").read_text().strip()
    request = urllib.request.Request(system.url + path, headers={"Authorization": f"Token {token}"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


@pytest.mark.timeout(600)
def test_a_dropped_film_becomes_a_trend_a_loss_map_and_a_flag_over_rest(
    browser: Browser, system: System
) -> None:
    nurse = sign_in(browser, system, "north")
    nurse.get_by_role("link", name="Patients").first.click()
    nurse.get_by_text("Add a patient").click()
    nurse.get_by_label("Subject code").fill(PATIENT)
    nurse.get_by_role("button", name="Add the patient").click()
    patient_path = urlsplit(nurse.url).path
    for (label, day), film in zip(VISITS, system.films, strict=True):
        nurse.goto(patient_path)
        nurse.get_by_text("Add a visit", exact=True).click()
        nurse.get_by_label("Date of the visit").fill(day.isoformat())
        nurse.get_by_label("Name of the visit").fill(label)
        nurse.get_by_role("button", name="Add the visit").click()
        upload = {"name": f"{label}.dcm", "mimeType": "application/dicom", "buffer": film}
        nurse.locator("form[data-mounted=ready] input[type=file]").set_input_files([upload])
        expect(nurse.locator("#verdicts > li .badge").first).to_contain_text("accepted")
        right = nurse.get_by_role("article", name="Right hand")
        expect(right.locator(".badge").first).to_have_text("ready", timeout=3 * MINUTES)

    reader = sign_in(browser, system, "reader1")
    address = f"/api/v1/measurements/?patient={PATIENT}&joint={NARROWED}"
    wait_until(lambda: fetch(system, address)["results"], "the measurement", 120)
    (row,) = fetch(system, address)["results"]
    assert row["jsn_mm"] == pytest.approx(system.true_jsn_mm, abs=0.1)
    assert not row["flagged"]

    reader.goto(f"{patient_path}?side=R&joint={NARROWED}")
    expect(reader.get_by_role("heading", name=f"{NARROWED}, right hand")).to_be_visible()
    reader.get_by_role("link", name="Look at the joint").click()
    expect(reader.get_by_role("heading", level=1)).to_have_text(f"{NARROWED}, right hand")
    loss = reader.locator("canvas[data-pane=loss]")
    expect(loss).to_be_visible()
    reader.get_by_text("Flag with a reason").click()
    reader.get_by_label("Bone outlined wrongly").check()
    reader.get_by_role("button", name="Flag", exact=True).click()
    expect(reader.get_by_text("Flagged.")).to_be_visible()

    (row,) = fetch(system, address)["results"]
    assert row["flagged"] and row["flag_reasons"] == ["wrong_mask"]
    assert row["review_status"] == "flagged"


def test_no_name_of_the_patient_is_kept_anywhere(system: System) -> None:
    kept = [path for path in system.data.rglob("*") if path.is_file()]
    assert kept
    assert [path for path in kept if b"Doe^Jane" in path.read_bytes()] == []
