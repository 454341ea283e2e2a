"""Looking at a whole film: a viewer at full depth, with its joints as links over it."""

from __future__ import annotations

import re

import numpy as np
import pytest
from django.test import Client
from playwright.sync_api import expect

from jsnsite.radiographs.models import JointAnnotation, Radiograph
from jsnsite.radiographs.services import load_pixels
from jsnsite.reviews.services import flag
from jsnsite.scoping import Role
from tests.frontend.film_pages import (
    PageOf,
    drag,
    films_of_a_hand,
    locate,
    middle,
    opened,
    seen,
)
from tests.frontend.test_quality import problems
from tests.frontend.world import World, a_measurement, add_film, add_patient, person


@pytest.fixture
def films(world: World) -> list[Radiograph]:
    return films_of_a_hand(world)


def test_the_viewer_gets_the_films_own_pixels_and_nobody_else_does(
    films: list[Radiograph], world: World
) -> None:
    film = films[0]
    address = f"/radiographs/{film.uuid}/pixels"
    client = Client()
    client.force_login(world.people["reader"])
    answer = client.get(address)
    assert answer.headers["X-Shape"] == f"{film.rows},{film.columns}"
    assert answer.headers["X-Spacing-Mm"] == "0.175"
    stored = np.frombuffer(answer.content, "<u2").reshape(film.rows, film.columns)
    slope, intercept = map(float, answer.headers["X-Scale"].split(","))
    np.testing.assert_allclose(slope * stored + intercept, load_pixels(film), atol=0.51 * slope)
    assert client.get(address, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    for page in ("", "pixels", "preview.png"):
        stranger = Client()
        stranger.force_login(world.people["stranger"])
        assert stranger.get(f"/radiographs/{film.uuid}/{page}").status_code == 404
        assert Client().get(f"/radiographs/{film.uuid}/{page}").status_code == 302


def test_a_joint_on_the_film_leads_to_its_measurement(page_of: PageOf, films: list[Radiograph]) -> None:
    page = opened(page_of, films[1])
    measurement = a_measurement(films[1].timepoint.patient, "MCP2")
    joint = page.locator("a[data-joint-link=MCP2]")
    assert "MCP2: JSN" in (joint.get_attribute("aria-label") or "")
    joint.locator("text").click()
    expect(page).to_have_url(re.compile(f"/measurements/{measurement.uuid}/"))


def test_joints_lie_where_the_film_shows_them(page_of: PageOf, films: list[Radiograph]) -> None:
    """The overlay's places and the pixels on the screen agree to less than a pixel of the film."""
    page = opened(page_of, films[0])
    annotation = JointAnnotation.objects.get(radiograph=films[0], joint="PIP2")
    page.keyboard.press("4")
    for _ in range(4):
        page.get_by_role("button", name="Zoom in").click()
    x, y, width, _ = page.locator("a[data-joint-link=PIP2] path").first.evaluate(
        "path => { const box = path.getBBox(); return [box.x, box.y, box.width, box.height]; }"
    )
    scale = width / annotation.size_px
    bar = page.locator("[data-scale-bar]").bounding_box()
    mm = float(page.locator("[data-scale-words]").inner_text().split()[0])
    assert bar and mm * scale / 0.175 == pytest.approx(
        bar["width"], rel=0.01
    )  # the scale bar tells the truth

    shown = seen(page).astype(np.float64)
    film = load_pixels(films[0]).astype(np.float64)
    origin = x + width / 2 - annotation.x_px * scale, y + width / 2 - annotation.y_px * scale
    columns, rows = np.meshgrid(np.arange(130, 270), np.arange(200, 320))

    def agreement(dx: int, dy: int) -> float:
        on_screen = (
            (np.array([rows, columns]) * scale + np.array(origin[::-1])[:, None, None]).round().astype(int)
        )
        part = shown[on_screen[0], on_screen[1]]
        return float(np.corrcoef(part.ravel(), film[200 + dy : 320 + dy, 130 + dx : 270 + dx].ravel())[0, 1])

    agreements = {(dx, dy): agreement(dx, dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1)}
    assert max(agreements, key=lambda shift: agreements[shift]) == (0, 0)
    assert agreements[0, 0] > 0.98


def test_dragging_presets_and_inversion_change_what_is_seen(page_of: PageOf, films: list[Radiograph]) -> None:
    page = opened(page_of, films[0])
    plain = seen(page)
    assert plain.std() > 20
    stage = middle(page.locator("[data-stage]"))
    drag(page, (stage[0], stage[1] - 120), (0, 150))  # down: a higher level, a darker picture
    assert seen(page).mean() < plain.mean() - 10
    page.keyboard.press("1")
    np.testing.assert_allclose(seen(page), plain, atol=2)
    page.keyboard.press("i")
    np.testing.assert_allclose(seen(page)[plain > 0].mean(), 255 - plain[plain > 0].mean(), atol=12)
    page.keyboard.press("i")
    page.keyboard.press("2")
    expect(page.get_by_role("radio", name="Bone")).to_be_checked()
    assert abs(seen(page).astype(float) - plain).mean() > 3
    page.keyboard.press("j")
    expect(page.locator("a[data-joint-link=MCP2]")).to_be_hidden()


def test_the_film_is_moved_by_keys(page_of: PageOf, films: list[Radiograph]) -> None:
    page = opened(page_of, films[0])
    box = page.locator("a[data-joint-link=MCP3] path").first
    before = box.bounding_box()
    page.locator("[data-stage]").focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowDown")
    expect(page.locator("[data-stage]")).to_be_focused()
    after = box.bounding_box()
    assert before and after
    assert after["x"] - before["x"] == pytest.approx(60, abs=1)
    assert after["y"] - before["y"] == pytest.approx(-60, abs=1)


def test_the_hand_at_other_visits_is_one_key_away(page_of: PageOf, films: list[Radiograph]) -> None:
    page = page_of("reader", f"/radiographs/{films[0].uuid}/?joint=MCP2")
    expect(page.locator("[data-island]:not([data-mounted=ready])")).to_have_count(0)
    page.keyboard.press(",")  # there is none before
    page.keyboard.press(".")
    page.wait_for_url(f"**/radiographs/{films[1].uuid}/?joint=MCP2")
    expect(page.locator("[data-island]:not([data-mounted=ready])")).to_have_count(0)
    page.keyboard.press(",")
    page.wait_for_url(f"**/radiographs/{films[0].uuid}/?joint=MCP2")


def test_what_one_looks_at_stays_when_the_page_comes_again(page_of: PageOf, films: list[Radiograph]) -> None:
    page = opened(page_of, films[0])
    page.get_by_role("button", name="Zoom in").click()
    drag_from = middle(page.locator("[data-stage]"))
    page.keyboard.down("Shift")
    drag(page, drag_from, (40, 25))
    page.keyboard.up("Shift")
    before = page.locator("a[data-joint-link=MCP3] path").first.bounding_box()
    page.reload()
    expect(page.locator(".stage.ready")).to_be_visible(timeout=30_000)
    after = page.locator("a[data-joint-link=MCP3] path").first.bounding_box()
    assert before and after
    assert after == {key: pytest.approx(value, abs=1) for key, value in before.items()}


def test_the_page_comes_alive_when_the_joints_are_found(page_of: PageOf, world: World) -> None:
    timepoint = add_patient(world.sites[0], "BER-004", visits=1).timepoints.get()
    film = add_film(timepoint, "R", world.people["nurse"], seed=92)
    page = opened(page_of, film)
    expect(page.get_by_text("They are being looked for")).to_be_visible()
    locate(film)
    expect(page.get_by_text("10 of 10 joints on the film")).to_be_visible(timeout=15_000)
    expect(page.locator("a[data-joint-link=MCP2]")).to_be_visible(timeout=30_000)


def test_an_independent_reader_is_not_told_what_others_have_flagged(
    page_of: PageOf, films: list[Radiograph], world: World
) -> None:
    measurement = a_measurement(films[1].timepoint.patient, "MCP2")
    colleague = person("reader2", "Rolf Reader", Role.REVIEWER, world.study)
    flag(measurement=measurement, reader=colleague, reason_code="overlap")
    for who, told in (("reader", False), ("admin", True)):
        page = opened(page_of, films[1], who=who)
        label = page.locator("a[data-joint-link=MCP2]").get_attribute("aria-label") or ""
        assert ("flagged" in label) is told
        assert (page.locator(".joints .flagged").count() > 0) is told


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_film_page_is_accessible_in_every_state(
    page_of: PageOf, films: list[Radiograph], world: World, theme: str
) -> None:
    waiting = add_patient(world.sites[0], "BER-003", visits=1).timepoints.get()
    no_spacing = add_film(waiting, "L", world.people["nurse"], seed=91, spacing_mm=None)
    page = opened(page_of, films[1], who="admin", query="?joint=MCP2", color_scheme=theme)
    found = problems(page, "film")
    page.keyboard.press("m")
    found += problems(page, "moving")
    page.keyboard.press("Escape")
    page.keyboard.press("u")
    expect(page.locator(".outline-editor")).to_be_visible()
    found += problems(page, "drawing")
    page.goto(f"/radiographs/{no_spacing.uuid}/")
    found += problems(page, "without spacing")
    page.set_viewport_size({"width": 390, "height": 844})
    for address in (f"{films[1].uuid}/?joint=MCP2", f"{no_spacing.uuid}/"):
        page.goto(f"/radiographs/{address}")
        found += problems(page, f"narrow {address}")
    assert found == []


def test_the_viewer_is_loaded_on_this_page_alone(page_of: PageOf, films: list[Radiograph]) -> None:
    page = page_of("reader", "/")
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url))
    page.goto("/worklist/")
    page.wait_for_load_state("networkidle")
    assert not [url for url in loaded if "/film-" in url]
    page.goto(f"/radiographs/{films[0].uuid}/")
    expect(page.locator(".stage.ready")).to_be_visible(timeout=30_000)
    assert [url for url in loaded if "/film-" in url]


def test_a_film_that_cannot_be_loaded_says_so_and_the_numbers_stay(
    page_of: PageOf, films: list[Radiograph], complaints: list[str]
) -> None:
    page = page_of("reader", "/")
    page.route("**/pixels", lambda route: route.abort())
    page.goto(f"/radiographs/{films[1].uuid}/?joint=MCP2")
    expect(page.get_by_text("The film could not be loaded. Reload the page")).to_be_visible()
    expect(page.locator(".results li")).to_have_count(1)
    expect(page.get_by_role("button", name="Save the region")).to_be_visible()
    complaints.clear()
