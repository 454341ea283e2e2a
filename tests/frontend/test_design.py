"""The page of the design system: every token and component, in light and dark."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from playwright.sync_api import Page, expect

from jsnsite.pages.design import tokens
from jsnsite.pages.words import RELIABILITY
from tests.frontend.test_quality import problems

PageOf = Callable[..., Page]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_component_has_an_accessibility_problem(page_of: PageOf, theme: str) -> None:
    page = page_of(None, "/design/", color_scheme=theme)
    page.locator("details").evaluate_all("all => all.forEach(each => each.open = true)")
    assert problems(page, "design") == []
    assert [each["id"] for each in Axe().run(page).response["violations"]] == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colours_are_shown_as_the_theme_has_them(page_of: PageOf, theme: str) -> None:
    page = page_of(None, "/design/", color_scheme=theme)
    for colour in tokens()["colours"]:
        row = page.get_by_role("row").filter(has=page.get_by_text(colour.name, exact=True))
        fills = row.locator("rect").evaluate_all("all => all.map(each => getComputedStyle(each).fill)")
        light, dark, now = fills
        assert now == {"light": light, "dark": dark}[theme], colour.name


def test_components_come_from_the_templates_of_the_pages(page_of: PageOf) -> None:
    page = page_of(None, "/design/")
    for word in RELIABILITY.values():
        expect(page.locator(".badge", has_text=str(word)).first).to_be_visible()
    expect(page.get_by_text("Enter a number.")).to_be_visible()
    expect(page.get_by_role("navigation", name="Pages")).to_contain_text("26–50 of 60")
    expect(page.get_by_text("No patients yet")).to_be_visible()


def test_the_page_fits_a_phone(page_of: PageOf) -> None:
    page = page_of(None, "/design/", viewport={"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_production_has_no_such_page(settings, db: None) -> None:
    from jsnsite.settings import base

    assert base.JSN_DESIGN_PAGE is False
    assert Client().get("/design/").status_code == 200
    settings.JSN_DESIGN_PAGE = base.JSN_DESIGN_PAGE
    assert Client().get("/design/").status_code == 404
