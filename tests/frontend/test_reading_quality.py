"""The reader's two pages in all their states: WCAG 2.2 AA by axe, no wider than a phone, room for fingers."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from playwright.sync_api import Page, expect

from jsnsite.measurements.models import JointMeasurement
from jsnsite.reviews import services
from jsnsite.studies.models import Patient, Timepoint
from tests.frontend.pictures import known_joint, known_result
from tests.frontend.world import World

PageOf = Callable[..., Page]
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
LONG = "BER-a-subject-code-that-is-quite-long-and-without-any-space-in-"
SIZES = {"phone": (390, 844), "tablet": (820, 1180), "desk": (1440, 900)}


@pytest.fixture
def measurement(world: World) -> JointMeasurement:
    """A joint with every doubt at once, of a patient and a visit with very long names, flagged with a long comment."""
    reasons = ("poor_match_upper", "poor_match_lower", "bones_overlap", "large_sigma", "starts_disagree")
    found = known_joint(world, replace(known_result(), reasons=reasons, jsn_mm=-1.234, jsn_sigma_mm=0.9))
    Patient.objects.update(code=LONG)
    Timepoint.objects.filter(ordinal=1).update(
        label="a visit with a name as long as the protocol allows it, week 104"
    )
    services.flag(
        measurement=found, reader=world.people["reader"], reason_code="other", comment="donaudampfschiff" * 30
    )
    return found


def states(page: Page, measurement: JointMeasurement) -> Iterator[str]:
    """Brings the page into one state after the other."""
    joint = f"/measurements/{measurement.uuid}/"
    missing = f"/measurements/{measurement.run.measurements.get(joint='PIP3').uuid}/"
    for address in (
        "/worklist/",
        "/worklist/?status=all&reliability=any",
        "/worklist/?reason=beyond_film",
        "/worklist/?status=accepted",
        missing,
        joint + "?list=worklist&status=all",
    ):
        page.goto(address)
        expect(page.locator("[data-mounted=loading]")).to_have_count(0)
        yield address
    for keys in ("x Space", "w o", "d v", "b", "m 1", "?"):
        for key in keys.split():
            page.keyboard.press(key)
        yield f"joint after {keys}"


def found_by_axe(page: Page, state: str) -> list[str]:
    options = {"runOnly": {"type": "tag", "values": TAGS}}
    violations: list[dict[str, Any]] = Axe().run(page, options=options).response["violations"]
    return [
        f"{state}: {v['id']} at {node['target']}: {node['failureSummary']}"
        for v in violations
        for node in v["nodes"]
    ]


def test_script_that_a_page_waits_for_is_small_and_the_viewer_is_not_in_it() -> None:
    folder = Path(settings.DJANGO_VITE["default"]["manifest_path"]).parent
    manifest = json.loads((folder / "manifest.json").read_text())
    waited_for, found = ["src/main.ts"], set()
    while waited_for:
        name = waited_for.pop()
        found.add(name)
        waited_for += [other for other in manifest[name].get("imports", []) if other not in found]
    sizes = [len(gzip.compress((folder / manifest[name]["file"]).read_bytes())) for name in found]
    assert sum(sizes) < 120 * 1024
    assert not any(part in name for name in found for part in ("viewer", "joint/", "film", "trend"))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_in_any_state(page_of: PageOf, measurement: JointMeasurement, theme: str) -> None:
    page = page_of(
        "reader", color_scheme=theme, reduced_motion="reduce", viewport={"width": 1440, "height": 900}
    )
    found = []
    for state in states(page, measurement):
        found += found_by_axe(page, state)
    assert found == []
    page = page_of("nurse", "/worklist/", color_scheme=theme)
    assert found_by_axe(page, "a role that does not read") == []


@pytest.mark.parametrize("size", SIZES)
def test_nothing_sticks_out_of_the_window(page_of: PageOf, measurement: JointMeasurement, size: str) -> None:
    width, height = SIZES[size]
    page = page_of("reader", viewport={"width": width, "height": height})
    for state in states(page, measurement):
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, state


def test_fingers_have_room(page_of: PageOf, measurement: JointMeasurement) -> None:
    page = page_of("reader", viewport={"width": 820, "height": 1180}, has_touch=True, is_mobile=True)
    page.goto(f"/measurements/{measurement.uuid}/")
    assert page.evaluate("matchMedia('(pointer: coarse)').matches")
    for control in page.locator(".viewer :is(button, .segmented label), .joint-rail button").all():
        if control.is_visible():
            box = control.bounding_box()
            assert box is not None and box["height"] >= 40, control.inner_text()
    accepting = page.get_by_role("button", name="Accept", exact=True).all()
    assert len(accepting) == 2  # with the read, and at hand below the pictures
    for button in accepting:
        box = button.bounding_box()
        assert box is not None and box["height"] >= 40
