"""Every page, light and dark: accessible, allowed by the security policy, no wider than a phone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from jsnsite.reviews import assigning
from tests.frontend.world import World, a_measurement, add_film, add_patient, fill

PageOf = Callable[..., Page]
LONG = "BER-a-subject-code-that-is-quite-long-and-without-any-space-in-it"


@pytest.fixture
def addresses(world: World) -> dict[str, str]:
    patient = add_patient(world.sites[0], LONG, visits=2)
    fill(patient, world.people["nurse"], sides="R")
    waiting = add_patient(world.sites[0], "BER-002", visits=1).timepoints.get()
    add_film(waiting, "L", world.people["nurse"], seed=50, spacing_mm=None)
    return {
        "overview": "/",
        "patients": f"/studies/{world.study.uuid}/patients/",
        "patient": f"/patients/{patient.uuid}/",
        "timepoint": f"/timepoints/{waiting.uuid}/",
        "report": f"/patients/{patient.uuid}/report/",
        "joint": f"/measurements/{a_measurement(patient).uuid}/",
        "worklist": "/worklist/",
        "profile": "/profile/",
        "second factor": "/accounts/2fa/",
        "nothing": "/nothing/",
    }


def problems(page: Page, name: str) -> list[str]:
    """What axe finds, its best practices too, and what sticks out of the page."""
    expect(page.locator("[data-mounted=loading]")).to_have_count(0)
    found: list[dict[str, Any]] = Axe().run(page).response["violations"]
    lines = [
        f"{name}: {v['id']} at {v['nodes'][0]['target']}: {v['nodes'][0]['failureSummary']}" for v in found
    ]
    if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
        lines.append(f"{name}: wider than the window")
    return lines


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_page_has_an_accessibility_problem(page_of: PageOf, addresses: dict[str, str], theme: str) -> None:
    page = page_of(None, "/accounts/login/", color_scheme=theme)
    found = problems(page, "sign-in")
    page = page_of("nurse", color_scheme=theme)
    for name, address in addresses.items():
        page.goto(address)
        found += problems(page, name)
    page = page_of("reader", addresses["joint"], color_scheme=theme, viewport={"width": 390, "height": 844})
    for name, address in addresses.items():
        page.goto(address)
        page.wait_for_load_state()
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            found.append(f"{name}: wider than a phone")
    assert found == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_documentation_of_the_data_is_accessible_while_it_is_tried_out(
    page_of: PageOf, world: World, theme: str
) -> None:
    page = page_of("trial", "/api/docs/", color_scheme=theme)
    operation = page.locator("#operations-sites-sites_list")
    operation.locator(".opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": tags}}).response["violations"]
    assert [f"{v['id']} at {node['target']}" for v in found for node in v["nodes"]] == []


def test_the_security_policy_allows_no_inline_script_or_style(page_of: PageOf) -> None:
    page = page_of("reader")
    answer = page.goto("/")
    assert answer is not None
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy and "script-src 'self'" in policy and "style-src 'self'" in policy


def test_every_doubt_of_the_pipeline_has_words() -> None:
    from jsnsite.pages.words import REASONS
    from workers.pipeline.judge import RULES

    assert {rule.code for rule in RULES} <= set(REASONS)


@pytest.mark.parametrize("locale", ["en-US", "de-DE"])
def test_the_navigation_of_an_administrator_fits_a_phone_and_opens_by_keyboard(
    page_of: PageOf, world: World, locale: str
) -> None:
    world.people["admin"].is_staff = True
    world.people["admin"].save()
    page = page_of("admin", "/", locale=locale, viewport={"width": 320, "height": 700})
    assert page.locator(".site-nav").evaluate("nav => nav.scrollWidth <= nav.clientWidth")
    below = page.locator("main").bounding_box()
    link = page.get_by_role("link", name="Administration")
    expect(link).to_be_hidden()
    page.locator(".menu summary").focus()
    page.keyboard.press("Enter")
    expect(link).to_be_in_viewport(ratio=1)
    assert page.locator("main").bounding_box() == below  # the menu lies over the page
    for _ in range(4):
        page.keyboard.press("Tab")
    expect(link).to_be_focused()
    page.keyboard.press("Escape")
    expect(link).to_be_hidden()
    expect(page.locator(".menu summary")).to_be_focused()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_readers_page_has_no_serious_accessibility_problem(
    page_of: PageOf, world: World, addresses: dict[str, str], theme: str
) -> None:
    patient = world.sites[0].patients.get(code=LONG)
    assigning.assign(patient=patient, reader=world.people["reader"], user=world.people["admin"])
    page = page_of("admin", f"/studies/{world.study.uuid}/readers/", color_scheme=theme)
    expect(page.get_by_role("progressbar", name="Read by Rita Reader")).to_be_visible()
    assert problems(page, "readers") == []
    page.get_by_role("link", name="show the patients of Rita Reader").click()
    expect(page.locator(".assignments tbody tr")).to_have_count(1)
    page.set_viewport_size({"width": 390, "height": 844})
    assert problems(page, "readers") == []
