"""Hand map, trends and the printed report, in a real browser."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from jsnsite.accounts.models import User
from jsnsite.measurements.queries import Trend, trend
from jsnsite.reviews.services import flag
from jsnsite.studies.models import Patient
from tests.frontend.world import World, a_measurement, add_patient, fill

PageOf = Callable[..., Page]
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


@pytest.fixture
def patient(world: World) -> Patient:
    found = add_patient(world.sites[0], "BER-001", visits=3)
    fill(found, world.people["nurse"], sides="R")
    return found


def trend_of(user: User, patient: Patient, joint: str) -> Trend:
    found = trend(user, patient, "R", joint)
    assert found is not None and found.slope is not None
    return found


def ready(page: Page) -> None:
    expect(page.locator("#trend [data-mounted=ready] svg")).to_be_visible()


def test_a_joint_of_the_hand_map_opens_its_trend_with_the_same_numbers(
    page_of: PageOf, world: World, patient: Patient
) -> None:
    found = trend_of(world.people["reader"], patient, "PIP4")
    newest = found.estimates[-1]
    page = page_of("reader", f"/patients/{patient.uuid}/")
    joint = page.get_by_role("link", name="PIP4: JSN")
    number = f"{abs(newest.jsn_mm or 0):.2f}"
    assert number in (joint.get_attribute("aria-label") or "")
    joint.click()
    shown = page.locator("#trend")
    expect(shown.get_by_role("heading")).to_have_text("PIP4, right hand")
    expect(shown.locator("tbody tr").last).to_contain_text(number)
    ready(page)
    assert "joint=PIP4" in page.url
    expect(page.get_by_role("link", name="PIP4: JSN")).to_have_attribute("aria-current", "true")
    shown.get_by_role("link", name="Look at the joint", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("PIP4, right hand")


def test_a_flag_shows_in_map_trend_and_small_chart_and_the_estimate_does_without(
    page_of: PageOf, world: World, patient: Patient
) -> None:
    flag(measurement=a_measurement(patient, "MCP3"), reader=world.people["reader"], reason_code="mismatch")
    page = page_of("trial", f"/patients/{patient.uuid}/?side=R&joint=MCP3")
    expect(page.get_by_role("link", name="MCP3: JSN")).to_have_attribute("aria-label", re.compile("flagged$"))
    expect(page.locator("#trend tbody tr").last).to_contain_text("Flagged")
    expect(page.locator("#trend")).to_contain_text("2 pairs of films count")
    expect(page.locator(".multiple .spark-point.flagged")).to_have_count(1)


def test_an_independent_reader_learns_nothing_of_others_flags(
    page_of: PageOf, world: World, patient: Patient
) -> None:
    flag(measurement=a_measurement(patient, "MCP3"), reader=world.people["reader"], reason_code="mismatch")
    page = page_of("reader", f"/patients/{patient.uuid}/?side=R&joint=MCP3")
    expect(page.locator("#trends .flagged")).to_have_count(0)


def test_the_map_is_coloured_by_slope_or_reliability_and_the_address_keeps_it(
    page_of: PageOf, patient: Patient
) -> None:
    page = page_of("reader", f"/patients/{patient.uuid}/?side=R&joint=IP1")
    expect(page.locator(".hand text.sign").first).to_be_visible()
    page.get_by_role("link", name="Reliability", exact=True).click()
    expect(page.locator(".hand circle.reliable").first).to_be_visible()
    expect(page.locator(".hand text.sign")).to_have_count(0)
    assert "colour=reliability" in page.url and "joint=IP1" in page.url
    page.reload()
    expect(page.locator(".hand circle.reliable").first).to_be_visible()
    page.go_back()
    expect(page.locator(".hand text.sign").first).to_be_visible()


def test_every_coloured_joint_carries_a_sign_that_the_legend_explains(
    page_of: PageOf, patient: Patient
) -> None:
    page = page_of("reader", f"/patients/{patient.uuid}/")
    signs = set(page.locator(".hand text.sign").all_text_contents())
    explained = set(page.locator(".map .legend text.sign").all_text_contents())
    assert len(signs) > 1 and signs <= explained


def test_keys_go_from_joint_to_joint_and_change_the_colour(page_of: PageOf, patient: Patient) -> None:
    page = page_of("reader", f"/patients/{patient.uuid}/?side=R&joint=MCP1")
    ready(page)
    heading = page.locator("#trend-title")
    page.keyboard.press("n")
    expect(heading).to_have_text("MCP2, right hand")
    ready(page)
    page.keyboard.press("p")
    expect(heading).to_have_text("MCP1, right hand")
    page.keyboard.press("c")
    expect(page.locator(".hand circle.reliable").first).to_be_visible()
    page.keyboard.press("?")
    page.get_by_label("Single-key shortcuts").uncheck()
    page.get_by_role("button", name="Close").click()
    page.keyboard.press("n")
    expect(heading).to_have_text("MCP1, right hand")


def test_focus_stays_on_the_joint_that_was_chosen_by_keyboard(page_of: PageOf, patient: Patient) -> None:
    page = page_of("reader", f"/patients/{patient.uuid}/?side=R&joint=MCP1")
    page.locator("#map-R-MCP3").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#trend-title")).to_have_text("MCP3, right hand")
    expect(page.locator("#map-R-MCP3")).to_be_focused()


def test_the_page_says_what_the_slope_means(page_of: PageOf, world: World, patient: Patient) -> None:
    slope = trend_of(world.people["reader"], patient, "MCP2").slope
    assert slope is not None and slope.differs_from_zero and slope.mm_per_year > 0
    page = page_of("reader", f"/patients/{patient.uuid}/?side=R&joint=MCP2")
    expect(page.locator("#trend .verdict-line")).to_contain_text(
        f"+{slope.mm_per_year:.2f} mm a year (95 % +{slope.low_mm_per_year:.2f} "
        f"to +{slope.high_mm_per_year:.2f}): narrower than chance explains"
    )


def test_the_joint_page_says_the_trend_that_its_number_is_part_of(
    page_of: PageOf, world: World, patient: Patient
) -> None:
    found = trend_of(world.people["reader"], patient, "MCP2")
    assert found.slope is not None and found.latest is not None and found.sdc_mm is not None
    page = page_of("reader", f"/measurements/{found.latest.measurement}/")
    line = page.locator(".trend-line")
    expect(line).to_contain_text(f"+{found.slope.mm_per_year:.2f} mm a year")
    expect(line).to_contain_text(f"smallest detectable change {found.sdc_mm:.2f} mm")
    line.get_by_role("link", name="Trend").click()
    expect(page.locator("#trend-title")).to_have_text("MCP2, right hand")


def test_the_chart_draws_estimates_band_and_smallest_change_where_the_numbers_are(
    page_of: PageOf, world: World, patient: Patient
) -> None:
    found = trend_of(world.people["reader"], patient, "MCP2")
    page = page_of("reader", f"/patients/{patient.uuid}/?side=R&joint=MCP2")
    ready(page)
    data = json.loads(page.locator("#trend-data").text_content() or "")
    assert data["sdc_mm"] == found.sdc_mm
    assert [p["jsn_mm"] for p in data["points"]] == [e.jsn_mm for e in found.estimates]
    # the band's outline is as high at its end as the interval is on the axis
    chart = page.locator(".trend-chart")
    heights = page.evaluate(
        """() => {
          const box = (e) => { const b = e.getBoundingClientRect(); return [b.top, b.bottom]; };
          const paths = [...document.querySelectorAll(".trend-chart svg path")];
          const faint = paths.filter((p) => Number(getComputedStyle(p).fillOpacity) < 0.5
            || Number(getComputedStyle(p).opacity) < 0.5);
          // the smallest detectable change is a plain rectangle
          const [sdc, band] = faint.sort((a, b) => a.getAttribute("d").length - b.getAttribute("d").length);
          const dashed = paths.filter((p) => p.getAttribute("stroke-dasharray")).map(box);
          return { band: band && box(band), sdc: sdc && box(sdc), dashed };
        }"""
    )
    assert heights["band"] is not None and len(heights["dashed"]) == 2
    low, high = (float(chart.get_attribute(f"data-{end}") or 0) for end in ("low", "high"))
    (first, second) = sorted(sum(each) / 2 for each in heights["dashed"])
    mm_per_px = 2 * found.sdc_mm / (second - first)  # type: ignore[operator]
    last = data["band"][-1]
    drawn_mm = (heights["band"][1] - heights["band"][0]) * mm_per_px
    lowest = min(p["low_mm"] for p in data["band"])
    assert drawn_mm == pytest.approx(last["high_mm"] - lowest, rel=0.1)
    assert low < lowest and last["high_mm"] < high
    assert heights["sdc"] == pytest.approx([first, second], abs=1)


def test_the_page_is_complete_without_script(page_of: PageOf, patient: Patient) -> None:
    page = page_of("reader", f"/patients/{patient.uuid}/?side=R&joint=IP1", java_script_enabled=False)
    expect(page.locator(".multiple > svg")).to_have_count(10)
    expect(page.locator("#trend tbody tr")).to_have_count(3)
    page.get_by_role("link", name="Reliability", exact=True).click()
    expect(page.locator(".hand circle.reliable").first).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_and_nothing_sticks_out(page_of: PageOf, patient: Patient, theme: str) -> None:
    page = page_of("trial", color_scheme=theme, reduced_motion="reduce")
    address, found = f"/patients/{patient.uuid}/", []
    for path in ("/", address, address + "?colour=reliability&side=R&joint=MCP3", address + "report/"):
        page.set_viewport_size({"width": 1440, "height": 900})
        page.goto(path)
        expect(page.locator("[data-mounted=loading], #trust[hx-get]")).to_have_count(0)
        for details in page.locator("main details:not(.menu) > summary").all():
            details.click()
        options = {"runOnly": {"type": "tag", "values": TAGS}}
        for violation in Axe().run(page, options=options).response["violations"]:
            found += [f"{path}: {violation['id']} at {node['target']}" for node in violation["nodes"]]
        for width in (390, 820):
            page.set_viewport_size({"width": width, "height": 844})
            if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
                found.append(f"{path}: wider than {width}")
    assert found == []


def test_the_overview_shows_reliability_by_site_and_machine_with_and_without_script(
    page_of: PageOf, patient: Patient
) -> None:
    page = page_of("trial", "/")
    rows = page.locator("#trust table tbody tr:not(.heading)")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text(patient.site.code)
    page = page_of("trial", "/", java_script_enabled=False)
    page.get_by_role("link", name="Count it").click()
    expect(page.locator("#trust table tbody tr:not(.heading)")).to_have_count(2)


def test_the_report_of_all_joints_of_both_hands_prints_on_one_page(page_of: PageOf, world: World) -> None:
    study = world.study
    study.joints = [*study.joints, "DIP2", "DIP3", "DIP4", "DIP5"]
    study.save()
    world.sites[0].refresh_from_db()
    patient = add_patient(world.sites[0], "BER-an-unusually-long-code-for-a-patient", visits=8)
    timepoints = list(patient.timepoints.order_by("ordinal"))
    for middle in timepoints[2:-1]:
        middle.delete()  # few films to measure; as many rows on paper
    fill(patient, world.people["nurse"])
    page = page_of("trial", f"/patients/{patient.uuid}/report/")
    expect(page.locator(".report .joints tbody tr")).to_have_count(28)
    expect(page.get_by_role("button", name="Print")).to_be_visible()
    pdf = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 1
    page.emulate_media(media="print")
    expect(page.get_by_role("button", name="Print")).to_be_hidden()
    page.set_viewport_size({"width": 703, "height": 1039})  # A4 less its margins, at 96 px an inch
    right, left = (page.locator(".report .joints").nth(n).bounding_box() for n in (0, 1))
    assert right is not None and left is not None
    assert right["x"] + right["width"] <= left["x"] and left["x"] + left["width"] <= 704
