"""Correcting a film, by mouse, touch and keys: regions, bone outlines, spacing, side."""

from __future__ import annotations

import json
import re

import pytest
from django.test import Client
from playwright.sync_api import expect

from jsnsite.measurements.models import JointMeasurement, Run
from jsnsite.radiographs.models import BoneOutline, FilmCorrection, JointAnnotation, Radiograph
from tests.frontend.film_pages import (
    LOST,
    PageOf,
    drag,
    edit_region,
    films_of_a_hand,
    middle,
    numbers,
    opened,
)
from tests.frontend.world import World, a_measurement, add_film, add_patient, measure


@pytest.fixture
def films(world: World) -> list[Radiograph]:
    return films_of_a_hand(world)


def test_a_region_is_moved_turned_and_resized_by_mouse(page_of: PageOf, films: list[Radiograph]) -> None:
    page = opened(page_of, films[1], query="?joint=MCP2")
    before = numbers(page)
    edit_region(page)
    box = middle(page.locator(".region-editor .box"))
    drag(page, (box[0] + 25, box[1] + 25), (30, -20))
    moved = numbers(page)
    assert moved["x_px"] > before["x_px"] + 2 and moved["y_px"] < before["y_px"] - 2
    drag(page, middle(page.locator(".region-editor .turn")), (40, 0))
    assert 2 < numbers(page)["angle_deg"] < 60
    drag(page, middle(page.locator(".region-editor .size").nth(2)), (-12, -12))
    assert numbers(page)["size_mm"] < 22
    shown = numbers(page)
    page.get_by_role("button", name="Save the region").click()
    expect(page.get_by_text("Saved: MCP2, version 2.")).to_be_visible()
    saved = JointAnnotation.objects.get(radiograph=films[1], joint="MCP2", version=2)
    as_saved = {"x_px": saved.x_px, "y_px": saved.y_px, "angle_deg": saved.angle_deg}
    assert as_saved | {"size_mm": saved.size_px * 0.175} == pytest.approx(shown)
    assert (saved.source, saved.created_by.username) == ("person", "reader")


def test_only_the_corrected_joint_is_measured_again_and_its_old_result_stays_in_sight(
    page_of: PageOf, films: list[Radiograph]
) -> None:
    old = a_measurement(films[1].timepoint.patient, "MCP2")
    others = set(JointMeasurement.objects.exclude(joint="MCP2").current().values_list("uuid", flat=True))
    page = opened(page_of, films[1], query="?joint=MCP2")
    page.locator("[name=x_px]").fill("140")
    page.get_by_role("button", name="Save the region").click()
    expect(page.get_by_text("It is measured again in 1 pair of films; the other joints stay")).to_be_visible()
    run = Run.objects.get(state="queued")
    assert run.joints == ["MCP2"]
    expect(page.locator("#film-state .spinner").first).to_be_visible()
    measure(run, seed=3)
    expect(page.locator("#film-state .spinner")).to_have_count(0, timeout=15_000)
    results = page.locator(".results li")
    expect(results).to_have_count(2)
    expect(results.first).to_contain_text("counts")
    expect(results.nth(1)).to_contain_text("earlier result")
    results.nth(1).get_by_role("link").click()
    expect(page).to_have_url(re.compile(f"/measurements/{old.uuid}/"))
    assert (
        set(JointMeasurement.objects.exclude(joint="MCP2").current().values_list("uuid", flat=True)) == others
    )


def test_a_region_is_corrected_by_keys_alone(page_of: PageOf, films: list[Radiograph]) -> None:
    page = opened(page_of, films[1], query="?joint=PIP3")
    before = numbers(page)
    page.keyboard.press("m")
    for key in ("ArrowRight", "Shift+ArrowUp", "]", "]", "Shift+Comma"):
        page.keyboard.press(key)
    after = numbers(page)
    step = 0.2 / 0.175
    assert after["x_px"] == pytest.approx(before["x_px"] + step, abs=0.02)
    assert after["y_px"] == pytest.approx(before["y_px"] - 10 * step, abs=0.02)
    assert after["angle_deg"] == pytest.approx(before["angle_deg"] + 2, abs=0.02)
    assert after["size_mm"] == pytest.approx(before["size_mm"] - 0.5, abs=0.02)
    page.keyboard.press("Escape")
    assert numbers(page) == before
    page.keyboard.press("m")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Saved: PIP3, version 2.")).to_be_visible()


def test_a_lost_joint_is_placed_by_pointing_at_it(page_of: PageOf, films: list[Radiograph]) -> None:
    page = opened(page_of, films[1])
    page.get_by_role("link", name=f"Place {LOST}").click()
    expect(page.get_by_text("This joint was not found on the film.")).to_be_visible()
    expect(page.locator(".stage.ready")).to_be_visible(timeout=30_000)
    edit_region(page)
    x, y = middle(page.locator("[data-stage]"))
    page.mouse.click(x + 130, y - 160)
    assert numbers(page)["x_px"] > films[1].columns / 2 + 10
    page.get_by_role("button", name="Save the region").click()
    expect(page.get_by_text(f"Saved: {LOST}, version 1.")).to_be_visible()
    assert Run.objects.get(state="queued").joints == [LOST]


def test_a_region_is_moved_by_touch_and_two_fingers_zoom(page_of: PageOf, films: list[Radiograph]) -> None:
    tablet = {"has_touch": True, "viewport": {"width": 820, "height": 1180}}
    page = opened(page_of, films[1], query="?joint=MCP2", **tablet)
    edit_region(page)
    page.locator("[data-stage]").scroll_into_view_if_needed()
    before = numbers(page)
    x, y = middle(page.locator(".region-editor .box"))
    touch = page.context.new_cdp_session(page)

    def fingers(kind: str, *points: tuple[float, float]) -> None:
        places = [{"x": px, "y": py, "id": index} for index, (px, py) in enumerate(points)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

    fingers("touchStart", (x + 20, y + 20))
    fingers("touchMove", (x + 35, y + 20))
    fingers("touchMove", (x + 50, y + 20))
    fingers("touchEnd")
    assert numbers(page)["x_px"] > before["x_px"] + 2
    width = page.locator(".region-editor .box").bounding_box()["width"]
    stage = page.locator("[data-stage]").bounding_box()
    low = stage["y"] + stage["height"] - 60
    fingers("touchStart", (x - 30, low), (x + 30, low))
    fingers("touchMove", (x - 60, low), (x + 60, low))
    fingers("touchMove", (x - 90, low), (x + 90, low))
    fingers("touchEnd")
    assert page.locator(".region-editor .box").bounding_box()["width"] > 1.5 * width


# --- drawing bones


def test_a_bone_is_drawn_by_keys_and_given_back_to_the_model(
    page_of: PageOf, films: list[Radiograph]
) -> None:
    page = opened(page_of, films[1], query="?joint=MCP2")
    page.keyboard.press("u")
    editor = page.locator(".outline-editor")
    expect(editor).to_be_visible()
    corners = page.locator(".outline-editor .corner")
    count = corners.count()
    assert count >= 3
    page.keyboard.press("n")
    expect(editor).to_have_attribute("aria-label", f"MCP2, upper (distal) bone. Corner 2 of {count}")
    page.keyboard.press("Insert")
    expect(corners).to_have_count(count + 1)
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Delete")
    expect(corners).to_have_count(count)
    page.keyboard.press("Control+z")
    expect(corners).to_have_count(count + 1)
    page.keyboard.press("Enter")
    expect(page.get_by_text("Saved: outline of the upper (distal) bone of MCP2, version 1.")).to_be_visible()
    drawn = BoneOutline.objects.get()
    assert len(drawn.polygon) == count + 1
    run = Run.objects.get(state="queued")
    assert run.joints == ["MCP2"]
    assert run.input_digests["followup"]["outlines"] == {"MCP2": {"upper": 1}}
    expect(page.get_by_text("drawn by Rita Reader, version 1")).to_be_visible()
    expect(page.locator(".stage.ready")).to_be_visible(timeout=30_000)
    page.keyboard.press("u")
    page.get_by_role("button", name="Give back to the model").click()
    expect(page.get_by_text("The model outlines the upper (distal) bone of MCP2 again.")).to_be_visible()
    assert BoneOutline.objects.get(version=2).polygon == []


def test_corners_are_dragged_and_a_brush_adds_and_takes_away(
    page_of: PageOf, films: list[Radiograph]
) -> None:
    page = opened(page_of, films[1], query="?joint=MCP2")
    page.keyboard.press("l")
    line = page.locator(".outline-editor .line")
    expect(line).to_be_visible()

    def drawn() -> str:
        return line.get_attribute("d") or ""

    before = drawn()
    drag(page, middle(page.locator(".outline-editor .corner").first), (15, 10))
    assert drawn() != before
    width = line.bounding_box()["width"]
    right = line.bounding_box()["x"] + width
    page.get_by_text("Add", exact=True).click()
    y = middle(line)[1]
    drag(page, (right - 4, y), (30, 0))
    assert line.bounding_box()["width"] > width + 15
    page.get_by_text("Take away", exact=True).click()
    right = line.bounding_box()["x"] + line.bounding_box()["width"]
    drag(page, (right + 5, y - 40), (-10, 80))
    page.get_by_role("button", name="Save the outline").click()
    expect(page.get_by_text("version 1. It is measured again")).to_be_visible()
    assert BoneOutline.objects.get().bone == "lower"


def test_a_missing_spacing_is_entered_with_its_source(page_of: PageOf, world: World) -> None:
    timepoint = add_patient(world.sites[0], "BER-002", visits=1).timepoints.get()
    film = add_film(timepoint, "L", world.people["nurse"], seed=90, spacing_mm=None)
    page = opened(page_of, film, who="nurse")
    expect(page.locator("[data-scale]")).to_be_hidden()
    page.get_by_label("Pixel spacing, mm per pixel").fill("0.15")
    page.get_by_label("Where the number comes from").select_option("calibrated")
    page.get_by_label("Note").fill("ruler beside the hand")
    page.get_by_role("button", name="Save the spacing").click()
    expect(page.get_by_text("Spacing saved. The film is being processed.")).to_be_visible()
    film.refresh_from_db()
    assert (film.state, film.pixel_spacing_mm, film.spacing_source) == ("queued", 0.15, "calibrated")
    row = page.locator("tr", has_text="Pixel spacing 0.15 mm")
    expect(row).to_contain_text("Nora Nurse")
    expect(row).to_contain_text("ruler beside the hand")


def test_a_film_of_the_wrong_hand_is_filed_under_the_other_and_the_old_one_stays(
    page_of: PageOf, films: list[Radiograph]
) -> None:
    page = opened(page_of, films[1], who="nurse")
    page.get_by_text("It is the other hand").click()
    page.get_by_role("button", name="File it as left hand").click()
    expect(page.get_by_text("Filed as left hand. Its joints are found and measured anew.")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Left hand")
    expect(page.locator("tr", has_text="Filed as left hand instead of right")).to_contain_text("Nora Nurse")
    assert FilmCorrection.objects.get().before == "R"
    page.goto(f"/radiographs/{films[1].uuid}/?joint=MCP2")
    expect(page.get_by_text("This film is history")).to_be_visible()
    expect(page.locator(".results li")).to_have_count(1)
    page.get_by_role("link", name="To the film that counts").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Left hand")


def test_who_may_not_correct_is_not_offered_it_and_refused(
    page_of: PageOf, films: list[Radiograph], world: World
) -> None:
    film = films[1]
    place = {"x_px": 100, "y_px": 100, "angle_deg": 0, "size_mm": 22.4, "version": 1}
    outline = {
        "bone": "upper",
        "polygon": json.dumps([[0, 0], [90, 0], [90, 90]]),
        "annotation": 1,
        "version": 0,
    }
    for who, status in (("nurse", 302), ("trial", 302), ("stranger", 404)):
        client = Client()
        client.force_login(world.people[who])
        assert client.post(f"/radiographs/{film.uuid}/joints/MCP2/", place).status_code == status
        assert client.post(f"/radiographs/{film.uuid}/joints/MCP2/outline/", outline).status_code == status
    for who, status in (("reader", 302), ("trial", 302), ("stranger", 404)):
        client = Client()
        client.force_login(world.people[who])
        assert client.post(f"/radiographs/{film.uuid}/side/").status_code == status
    assert not JointAnnotation.objects.filter(version=2).exists()
    assert not BoneOutline.objects.exists() and not FilmCorrection.objects.exists()
    page = opened(page_of, film, who="nurse", query="?joint=MCP2")
    expect(page.get_by_text("Reviewers and study administrators correct joints.")).to_be_visible()
    expect(page.locator("[data-edit], [data-draw], [name=x_px]")).to_have_count(0)
