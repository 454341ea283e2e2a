"""The joint page: pictures that are really drawn, and a read that is really kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from django.test import Client
from playwright.sync_api import Page, expect

from jsnsite.measurements import artifacts
from jsnsite.measurements.models import JointMeasurement
from tests.frontend.films import ROI_PX
from tests.frontend.pictures import (
    BLOCK,
    MOVED,
    at,
    displacement,
    inferno,
    known_joint,
    known_result,
    loss_at,
    pixels,
    seen,
    wait_for,
)
from tests.frontend.world import World, a_measurement, add_patient, fill

PageOf = Callable[..., Page]
WINDOW = {"width": 1280, "height": 900}


@pytest.fixture
def measurement(world: World) -> JointMeasurement:
    return known_joint(world)


@pytest.fixture
def joint_page(page_of: PageOf, measurement: JointMeasurement) -> Page:
    return opened(page_of, measurement)


def opened(page_of: PageOf, measurement: JointMeasurement, query: str = "", **options: Any) -> Page:
    page = page_of("reader", f"/measurements/{measurement.uuid}/{query}", **{"viewport": WINDOW, **options})
    ready(page)
    return page


def ready(page: Page) -> None:
    page.wait_for_selector(".viewer[data-mounted=ready]")
    wait_for(
        page,
        "() => [...document.querySelectorAll('canvas[data-pane]')]"
        ".every(c => Math.abs(c.width - c.clientWidth * devicePixelRatio) <= 1)",
    )


def drag(page: Page, pane: str, dx: float, dy: float, **keys: Any) -> None:
    box = page.locator(f"canvas[data-pane={pane}]").bounding_box()
    assert box is not None
    x, y = box["x"] + 20, box["y"] + 20
    page.mouse.move(x, y)
    page.mouse.down(**keys)
    page.mouse.move(x + dx, y + dy, steps=4)
    page.mouse.up(**keys)


def test_the_panes_show_the_arrays_of_the_measurement(
    joint_page: Page, measurement: JointMeasurement
) -> None:
    arrays = artifacts.load(measurement)
    for pane, name in (("fixed", "fixed"), ("followup", "warped")):
        shown = pixels(joint_page, pane)
        places = [(x, y) for x in range(4, ROI_PX, 8) for y in range(4, ROI_PX - 16, 8)]
        found = [at(shown, x, y)[0] for x, y in places]
        source = [float(arrays[name][y, x]) for x, y in places]
        assert np.corrcoef(found, source)[0, 1] > 0.97


def test_layers_carry_the_values_to_a_65535th_of_their_range(
    joint_page: Page, measurement: JointMeasurement
) -> None:
    arrays = artifacts.load(measurement)
    answer = joint_page.request.get(f"/measurements/{measurement.uuid}/layers")
    body = answer.body()
    start = 4 + int.from_bytes(body[:4], "little")
    head = json.loads(body[4:start])
    assert head["spacing_mm"] == pytest.approx(0.175)
    for name, layer in head["layers"].items():
        count = int(np.prod(layer["shape"]))
        found = np.frombuffer(body, layer["type"], count, start + layer["offset"]).reshape(layer["shape"])
        array = np.asarray(arrays[name], float)
        if "slope" in layer:
            assert np.abs(layer["slope"] * found + layer["intercept"] - array).max() <= np.ptp(array) / 65535
        else:
            np.testing.assert_array_equal(np.asarray(found, np.float32), array.astype(np.float32))
    assert "immutable" in answer.headers["cache-control"] and "private" in answer.headers["cache-control"]
    again = joint_page.request.get(answer.url, headers={"If-None-Match": answer.headers["etag"]})
    assert again.status == 304


def test_layers_and_pages_of_another_study_do_not_exist(world: World, measurement: JointMeasurement) -> None:
    stranger = Client()
    stranger.force_login(world.people["stranger"])
    address = f"/measurements/{measurement.uuid}/"
    for path in (address, address + "layers", f"/radiographs/{measurement.baseline.uuid}/preview.png"):
        assert stranger.get(path).status_code == 404
    etag = f'"{measurement.uuid}-1"'
    assert stranger.get(address + "layers", headers={"If-None-Match": etag}).status_code == 404
    assert Client().get(address + "layers").status_code == 302


def test_the_colours_of_the_loss_are_those_of_its_values_and_of_the_scale(
    joint_page: Page, measurement: JointMeasurement
) -> None:
    joint_page.get_by_label("Opacity").fill("100")
    shown = pixels(joint_page, "loss")
    masks = artifacts.load(measurement)
    bones = np.asarray(masks["upper"]) | np.asarray(masks["lower"])
    looked_at = 0
    for y in range(BLOCK // 2, ROI_PX - 2 * BLOCK, BLOCK):
        for x in range(BLOCK // 2, ROI_PX, BLOCK):
            if bones[y - 3 : y + 4, x - 3 : x + 4].all():
                assert np.abs(at(shown, x, y) - inferno(min(1, loss_at(x, y)))).max() <= 2, (x, y)
                looked_at += 1
    assert looked_at > 40
    script = (
        "document.querySelector('canvas[data-legend=loss]').getContext('2d').getImageData(0, 0, 256, 1).data"
    )
    legend = np.array(list(joint_page.evaluate(f"[...{script}]"))).reshape(256, 4)[:, :3]
    for value in (0.0, 0.2, 0.5, 0.8, 1.0):
        assert np.abs(legend[round(255 * value)] - inferno(value)).max() <= 2


def test_the_loss_of_each_bone_is_taken_away_and_brought_back(
    joint_page: Page, measurement: JointMeasurement
) -> None:
    joint_page.get_by_label("Opacity").fill("100")
    above, below = (ROI_PX // 2 + 4, 3 * BLOCK + 4), (ROI_PX // 2 + 4, 11 * BLOCK + 4)

    def coloured(place: tuple[int, int]) -> bool:
        colour = at(pixels(joint_page, "loss"), *place)
        return bool(colour.max() - colour.min() > 20)

    assert coloured(above) and coloured(below)
    joint_page.keyboard.press("u")
    assert not coloured(above) and coloured(below)
    joint_page.keyboard.press("l")
    assert not coloured(above) and not coloured(below)
    joint_page.keyboard.press("u")
    assert coloured(above) and "bones=upper" in joint_page.url


def test_the_difference_is_grey_in_standard_deviations_of_the_baseline(world: World, page_of: PageOf) -> None:
    made = known_result()
    deviation = made.fixed[made.masks.upper | made.masks.lower].std()
    warped = made.fixed.copy()
    warped[:, :40] += 0.5 * deviation
    warped[:, 90:] -= 0.25 * deviation
    page = opened(page_of, known_joint(world, replace(made, warped=warped)))
    page.keyboard.press("d")
    shown = pixels(page, "loss")
    for x, expected in ((20, 191), (64, 128), (110, 96)):
        for y in (20, 60, 90):
            colour = at(shown, x, y)
            assert np.ptp(colour) == 0 and abs(int(colour[0]) - expected) <= 2


def test_flickering_pictures_lie_on_each_other_within_half_a_pixel(joint_page: Page) -> None:
    joint_page.keyboard.press("x")
    joint_page.keyboard.press("Space")
    ready(joint_page)
    boxes = [joint_page.locator(f"canvas[data-pane={pane}]").bounding_box() for pane in ("fixed", "followup")]
    assert boxes[0] == boxes[1]
    shots = []
    for _ in range(2):
        shots.append(seen(joint_page, "fixed"))
        joint_page.keyboard.press("Space")
    registered = displacement(*shots)
    assert max(map(abs, registered)) < 0.5
    joint_page.keyboard.press("b")
    scale = pixels(joint_page, "fixed").shape[0] / ROI_PX
    as_taken = displacement(pixels(joint_page, "fixed"), pixels(joint_page, "followup"))
    assert as_taken == pytest.approx([scale * moved for moved in MOVED], abs=0.5)


def test_flicker_goes_by_itself_until_a_hand_takes_over(joint_page: Page) -> None:
    joint_page.keyboard.press("x")
    viewer = joint_page.locator(".viewer")
    for shown in ("followup", "fixed", "followup"):
        expect(viewer).to_have_attribute("data-shown", shown)
    joint_page.keyboard.press("Space")
    expect(joint_page.get_by_role("button", name="By itself")).to_have_attribute("aria-pressed", "false")
    by_hand = viewer.get_attribute("data-shown")
    joint_page.keyboard.press("Space")
    assert viewer.get_attribute("data-shown") != by_hand
    joint_page.keyboard.press("r")
    expect(joint_page.get_by_role("button", name="By itself")).to_have_attribute("aria-pressed", "true")


def test_with_reduced_motion_flicker_is_by_hand_only(page_of: PageOf, measurement: JointMeasurement) -> None:
    page = opened(page_of, measurement, "?mode=flicker", reduced_motion="reduce")
    expect(page.get_by_role("button", name="By itself")).to_be_hidden()
    assert page.get_by_role("button", name="Change by hand").is_visible()
    page.keyboard.press("Space")
    expect(page.locator(".viewer")).to_have_attribute("data-shown", "followup")


def test_swipe_shows_the_baseline_left_of_the_edge_and_the_follow_up_right_of_it(
    world: World, page_of: PageOf
) -> None:
    made = known_result()
    page = opened(page_of, known_joint(world, replace(made, warped=made.fixed[:, ::-1].copy())))
    page.keyboard.press("w")
    ready(page)
    first, second = (pixels(page, pane).astype(int) for pane in ("fixed", "followup"))
    for share in (50, 20):
        page.get_by_label("Swipe").last.fill(str(share))
        shown = seen(page, "fixed").astype(int)
        edge = shown.shape[1] * share // 100
        size = min(shown.shape[0], first.shape[0])
        left, right = slice(5, edge - 5), slice(edge + 18, size - 5)
        rows = slice(20, size - 60)
        assert np.abs(shown[rows, left] - first[rows, left]).mean() < 3
        assert np.abs(shown[rows, right] - second[rows, right]).mean() < 3
    box = page.locator("canvas[data-pane=fixed]").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 50, steps=3)
    page.mouse.up()
    assert float(page.get_by_label("Swipe").last.input_value()) == pytest.approx(70, abs=2)


def test_dragging_changes_window_and_level_of_all_and_reset_brings_them_back(joint_page: Page) -> None:
    before = {name: pixels(joint_page, name) for name in ("fixed", "followup")}
    drag(joint_page, "fixed", 0, 100)  # down: a higher level, a darker picture
    for name, was in before.items():
        assert pixels(joint_page, name).mean() < was.mean() - 10
    joint_page.keyboard.press("0")
    np.testing.assert_array_equal(pixels(joint_page, "fixed"), before["fixed"])


def test_presets_and_invert_change_the_greys(joint_page: Page) -> None:
    automatic = pixels(joint_page, "fixed").astype(int)
    for key, name in (("2", "bone"), ("3", "space"), ("4", "full")):
        joint_page.keyboard.press(f"Shift+{key}")
        assert np.abs(pixels(joint_page, "fixed").astype(int) - automatic).mean() > 1
        assert f"window={name}" in joint_page.url
    joint_page.keyboard.press("Shift+1")
    joint_page.keyboard.press("i")
    inverted = pixels(joint_page, "fixed").astype(int)
    top = slice(0, int(inverted.shape[0] * 0.8))  # the scale bar stays white
    assert np.abs(inverted[top] + automatic[top] - 255).mean() < 2


def test_zoom_and_place_are_the_same_in_all_panes(joint_page: Page) -> None:
    joint_page.keyboard.press("d")
    before = {name: pixels(joint_page, name) for name in ("fixed", "followup", "loss")}
    for _ in range(3):
        joint_page.keyboard.press("+")
    joint_page.keyboard.down("Shift")
    drag(joint_page, "loss", 15, 30)
    joint_page.keyboard.up("Shift")
    for name, was in before.items():
        assert (pixels(joint_page, name) != was).any()
    moved = displacement(pixels(joint_page, "fixed"), pixels(joint_page, "followup"))
    assert max(map(abs, moved)) < 0.5
    joint_page.locator("canvas[data-pane=fixed]").focus()
    place = pixels(joint_page, "followup")
    joint_page.keyboard.press("ArrowRight")
    assert (pixels(joint_page, "followup") != place).any()
    joint_page.keyboard.press("0")
    np.testing.assert_array_equal(pixels(joint_page, "followup"), before["followup"])


def test_two_fingers_zoom_and_a_double_tap_comes_closer(
    page_of: PageOf, measurement: JointMeasurement
) -> None:
    page = opened(page_of, measurement, viewport={"width": 820, "height": 1180}, has_touch=True)
    before = pixels(page, "loss")
    page.evaluate(
        """() => {
          const canvas = document.querySelector('canvas[data-pane=fixed]');
          canvas.setPointerCapture = () => {};
          const box = canvas.getBoundingClientRect();
          const point = (type, id, x, y) => canvas.dispatchEvent(new PointerEvent(type, {
            pointerId: id, pointerType: 'touch', bubbles: true, clientX: box.x + x, clientY: box.y + y, button: 0 }));
          point('pointerdown', 1, 80, 100); point('pointerdown', 2, 120, 100);
          point('pointermove', 2, 180, 100);
          point('pointerup', 1, 80, 100); point('pointerup', 2, 180, 100);
        }"""
    )
    assert np.abs(pixels(page, "loss").astype(int) - before).mean() > 1
    page.get_by_role("button", name="Reset").click()
    np.testing.assert_array_equal(pixels(page, "loss"), before)
    page.locator("canvas[data-pane=fixed]").dblclick(position={"x": 60, "y": 60})
    assert np.abs(pixels(page, "loss").astype(int) - before).mean() > 1


def test_the_magnifier_opens_at_the_joint_space_and_follows_a_drag(joint_page: Page) -> None:
    plain = pixels(joint_page, "fixed").astype(int)
    joint_page.keyboard.press("m")
    magnified = pixels(joint_page, "fixed").astype(int)
    side = plain.shape[0]
    y, x = np.mgrid[:side, :side]
    near = np.hypot(x - side / 2, y - side / 2) < 0.22 * side
    far = np.hypot(x - side / 2, y - side / 2) > 0.25 * side
    assert np.abs(magnified - plain)[near].mean() > 5 and (magnified == plain)[far].all()
    drag(joint_page, "fixed", 40, 40)
    assert (pixels(joint_page, "followup").astype(int) != magnified)[far].any()


def test_outlines_axis_and_motion_are_drawn_and_the_exaggeration_is_said(joint_page: Page) -> None:
    plain = pixels(joint_page, "fixed")

    def colours() -> tuple[int, int]:
        shown = pixels(joint_page, "fixed").astype(int)
        cyan, yellow = shown[..., 2] - shown[..., 0] > 60, shown[..., 0] - shown[..., 2] > 60
        return int(cyan.sum()), int(yellow.sum())

    for key in ("o", "v"):
        joint_page.keyboard.press(key)
        assert min(colours()) > 50, key
        if key == "v":
            assert int(joint_page.locator("[data-exaggeration]").inner_text()) in (1, 2, 5, 10, 20, 50, 100)
        joint_page.keyboard.press(key)
        np.testing.assert_array_equal(pixels(joint_page, "fixed"), plain)


def test_the_numbers_under_the_pointer_are_those_of_the_layers(
    joint_page: Page, measurement: JointMeasurement
) -> None:
    box = joint_page.locator("canvas[data-pane=loss]").bounding_box()
    assert box is not None
    x, y = 68, 28
    share = box["width"] / ROI_PX
    joint_page.mouse.move(box["x"] + (x + 0.5) * share, box["y"] + (y + 0.5) * share)
    expect(joint_page.locator("[data-probe-loss]")).to_have_text(f"{loss_at(x, y):.2g}")
    value = float(artifacts.load(measurement)["fixed"][y, x])
    assert float(joint_page.locator("[data-probe-fixed]").inner_text()) == pytest.approx(value, rel=1e-3)
    offset = joint_page.locator("[data-probe-x]").inner_text()
    assert float(offset) == pytest.approx((x + 0.5 - ROI_PX / 2) * 0.175, abs=0.06)


def test_the_way_of_looking_is_in_the_address_and_comes_back(joint_page: Page) -> None:
    for key in "xdov":
        joint_page.keyboard.press(key)
    for part in ("mode=flicker", "layer=difference", "show=outlines%2Cmotion"):
        assert part in joint_page.url
    joint_page.evaluate("sessionStorage.clear()")
    joint_page.reload()
    ready(joint_page)
    expect(joint_page.get_by_label("Flicker")).to_be_checked()
    expect(joint_page.get_by_role("radio", name="Difference")).to_be_checked()
    expect(joint_page.get_by_role("button", name="Outlines")).to_have_attribute("aria-pressed", "true")


def test_a_joint_that_was_not_found_says_so_and_leads_to_the_films(
    page_of: PageOf, measurement: JointMeasurement
) -> None:
    missing = measurement.run.measurements.get(joint="PIP3")
    page = page_of("reader", f"/measurements/{missing.uuid}/")
    expect(page.get_by_text("No pictures of this joint")).to_be_visible()
    expect(page.get_by_text("The joint was not found on both films.")).to_be_visible()
    expect(page.get_by_role("button", name="Accept", exact=True)).to_be_visible()


def test_where_registration_gave_nothing_the_films_are_shown_as_taken(world: World, page_of: PageOf) -> None:
    nothing = np.full((ROI_PX, ROI_PX), np.nan, np.float32)
    made = replace(known_result(), jsn_mm=float("nan"), warped=nothing, loss_map=nothing, loss_before=nothing)
    page = opened(page_of, known_joint(world, made))
    expect(page.get_by_text("Registration gave no result")).to_be_visible()
    assert pixels(page, "followup").std() > 20


def test_pictures_that_can_not_be_had_are_asked_for_again(
    page_of: PageOf, measurement: JointMeasurement
) -> None:
    page = page_of("reader", "/")
    page.route("**/layers", lambda route: route.fulfill(status=404))
    page.goto(f"/measurements/{measurement.uuid}/")
    expect(page.get_by_text("The pictures could not be loaded.")).to_be_visible()
    expect(page.get_by_text("+0.30 mm").first).to_be_visible()
    page.unroute("**/layers")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("The pictures could not be loaded.")).to_be_hidden()
    ready(page)
    assert pixels(page, "fixed").std() > 20


def test_keys_can_be_turned_off_for_good(joint_page: Page) -> None:
    joint_page.keyboard.press("?")
    joint_page.get_by_label("Single-key shortcuts").uncheck()
    joint_page.get_by_role("button", name="Close").click()
    joint_page.keyboard.press("x")
    expect(joint_page.get_by_label("Side by side")).to_be_checked()
    joint_page.reload()
    ready(joint_page)
    joint_page.keyboard.press("x")
    expect(joint_page.get_by_label("Side by side")).to_be_checked()


def test_other_timepoints_and_joints_are_one_key_away_without_a_new_page(
    page_of: PageOf, world: World
) -> None:
    patient = add_patient(world.sites[0], "BER-001", visits=3)
    fill(patient, world.people["nurse"], sides="R")
    page = opened(page_of, a_measurement(patient, "MCP2"), "?mode=swipe")
    page.evaluate("window.stayed = true")
    title, lead = page.get_by_role("heading", level=1), page.locator(".joint-head .lead")
    expect(title).to_have_text("MCP2, right hand")
    for key, joint, visit in (
        ("n", "MCP3", "month 12"),
        ("[", "MCP3", "month 6"),
        ("k", "MCP2", "month 6"),
        ("]", "MCP2", "month 12"),
        (",", "MCP2", "month 6"),
    ):
        page.keyboard.press(key)
        expect(title).to_have_text(f"{joint}, right hand")
        expect(lead).to_contain_text(f"to {visit}")
        ready(page)
        assert "mode=swipe" in page.url
    page.go_back()
    expect(lead).to_contain_text("to month 12")
    assert page.evaluate("window.stayed")


def test_the_next_joint_is_fetched_before_its_key_is_pressed(page_of: PageOf, world: World) -> None:
    patient = add_patient(world.sites[0], "BER-001", visits=2)
    fill(patient, world.people["nurse"], sides="R")
    page = opened(page_of, a_measurement(patient, "MCP2"))
    following = a_measurement(patient, "MCP3")
    wait_for(
        page,
        "id => performance.getEntriesByType('resource').filter(e => e.name.includes(id)).length >= 2",
        str(following.uuid),
    )
    page.wait_for_load_state("networkidle")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.keyboard.press("n")
    ready(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("MCP3, right hand")
    assert not [url for url in asked if str(following.uuid) in url]
