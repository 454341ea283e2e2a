"""Hand map and trends."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from jsnsite.reviews.services import flag
from jsnsite.studies.models import Patient
from tests.frontend.world import World, a_measurement, add_patient, fill

PageOf = Callable[..., Page]


@pytest.fixture
def patient(world: World) -> Patient:
    found = add_patient(world.sites[0], "BER-001", visits=3)
    fill(found, world.people["nurse"], sides="R")
    return found


def test_a_joint_of_the_hand_map_opens_its_trend_with_the_same_numbers(
    page_of: PageOf, patient: Patient
) -> None:
    measured = a_measurement(patient, "PIP4")
    page = page_of("reader", f"/patients/{patient.uuid}/")
    joint = page.get_by_role("link", name="PIP4: JSN")
    number = f"{abs(measured.jsn_mm or 0):.2f}"
    assert number in (joint.get_attribute("aria-label") or "")
    joint.click()
    trend = page.locator("#trend")
    expect(trend.get_by_role("heading")).to_have_text("PIP4, right hand")
    expect(trend.locator("tbody tr").last).to_contain_text(number)
    expect(trend.locator("svg").first).to_be_visible()
    assert "joint=PIP4" in page.url
    trend.get_by_role("link", name="Look at the joint").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("PIP4, right hand")


def test_a_flag_shows_in_map_trend_and_small_chart(page_of: PageOf, world: World, patient: Patient) -> None:
    flag(measurement=a_measurement(patient, "MCP3"), reader=world.people["reader"], reason_code="mismatch")
    page = page_of("trial", f"/patients/{patient.uuid}/?side=R&joint=MCP3")
    expect(page.get_by_role("link", name="MCP3: JSN")).to_have_attribute("aria-label", re.compile("flagged$"))
    expect(page.locator("#trend tbody tr").last).to_contain_text("Flagged")
    expect(page.locator(".multiple .spark-point.flagged")).to_have_count(1)


def test_the_map_can_be_coloured_by_jsn(page_of: PageOf, patient: Patient) -> None:
    page = page_of("reader", f"/patients/{patient.uuid}/")
    expect(page.locator(".hand g.by-reliability").first).to_be_visible()
    page.get_by_label("JSN", exact=True).check(force=True)
    expect(page.locator(".hand g.by-reliability").first).to_be_hidden()
    expect(page.locator(".hand g.by-jsn").first).to_be_visible()


def test_the_page_is_complete_without_script(page_of: PageOf, patient: Patient) -> None:
    page = page_of("reader", f"/patients/{patient.uuid}/?side=R&joint=IP1", java_script_enabled=False)
    expect(page.locator(".multiple > svg")).to_have_count(10)
    expect(page.locator("#trend tbody tr")).to_have_count(3)
