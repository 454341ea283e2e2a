"""The joint page: pictures that are really drawn, and a read that is really kept."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from django.test import Client
from PIL import Image
from playwright.sync_api import Page, expect

from jsnsite.measurements import artifacts
from jsnsite.measurements.models import JointMeasurement
from jsnsite.reviews.models import Read
from tests.frontend.world import World, a_measurement, add_patient, fill

PageOf = Callable[..., Page]


@pytest.fixture
def measurement(world: World) -> JointMeasurement:
    patient = add_patient(world.sites[0], "BER-001", visits=2)
    fill(patient, world.people["nurse"], sides="R")
    return a_measurement(patient, "MCP2")


@pytest.fixture
def joint_page(page_of: PageOf, measurement: JointMeasurement) -> Page:
    page = page_of("reader", f"/measurements/{measurement.uuid}/", viewport={"width": 1024, "height": 768})
    page.wait_for_selector(".viewer[data-mounted=ready]")
    return page


def pixels(page: Page, pane: str) -> np.ndarray[Any, Any]:
    """What a pane's canvas shows, (H, W, 3) uint8."""
    address = page.evaluate("pane => document.querySelector(`canvas[data-pane=${pane}]`).toDataURL()", pane)
    return np.asarray(Image.open(BytesIO(b64decode(address.partition(",")[2]))).convert("RGB"))


def test_the_panes_show_the_arrays_of_the_measurement(
    joint_page: Page, measurement: JointMeasurement
) -> None:
    fixed = np.asarray(artifacts.load(measurement)["fixed"], float)
    shown = pixels(joint_page, "fixed")
    assert (shown[..., 0] == shown[..., 1]).mean() > 0.99  # grey
    rows = np.linspace(0, shown.shape[0] - 1, 64).round().astype(int)
    seen = shown[np.ix_(rows, rows)][..., 0].astype(float)
    source = np.linspace(0, fixed.shape[0] - 1, 64).round().astype(int)
    assert np.corrcoef(seen.ravel(), fixed[np.ix_(source, source)].ravel())[0, 1] > 0.95
    assert pixels(joint_page, "followup").std() > 20


def test_layers_carry_the_values_to_a_65535th_of_their_range(
    joint_page: Page, measurement: JointMeasurement
) -> None:
    arrays = artifacts.load(measurement)
    address = f"/measurements/{measurement.uuid}/layers/"
    answer = joint_page.request.get(address + "warped")
    slope, intercept = map(float, answer.headers["x-scale"].split(","))
    warped = np.frombuffer(answer.body(), "<u2").reshape(128, 128) * slope + intercept
    np.testing.assert_allclose(warped, arrays["warped"], atol=0.51 * slope)
    loss = np.frombuffer(joint_page.request.get(address + "loss_map").body(), "<f4").reshape(128, 128)
    np.testing.assert_array_equal(loss, arrays["loss_map"])
    assert "immutable" in answer.headers["cache-control"] and "private" in answer.headers["cache-control"]
    again = joint_page.request.get(address + "warped", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status == 304
    assert joint_page.request.get(address + "nothing").status == 404


def test_layers_and_pages_of_another_study_do_not_exist(world: World, measurement: JointMeasurement) -> None:
    stranger = Client()
    stranger.force_login(world.people["stranger"])
    address = f"/measurements/{measurement.uuid}/"
    for path in (address, address + "layers/fixed", f"/radiographs/{measurement.baseline.uuid}/preview.png"):
        assert stranger.get(path).status_code == 404
    etag = f'"{measurement.uuid}-fixed"'
    assert stranger.get(address + "layers/fixed", headers={"If-None-Match": etag}).status_code == 404
    assert Client().get(address + "layers/fixed").status_code == 302


def test_dragging_on_a_picture_changes_window_and_level_of_all(joint_page: Page) -> None:
    before = {name: pixels(joint_page, name) for name in ("fixed", "followup")}
    canvas = joint_page.locator("canvas[data-pane=fixed]")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    joint_page.mouse.move(box["x"] + 60, box["y"] + 60)
    joint_page.mouse.down()
    joint_page.mouse.move(box["x"] + 60, box["y"] + 160, steps=4)  # down: a higher level, a darker picture
    joint_page.mouse.up()
    for name, was in before.items():
        assert pixels(joint_page, name).mean() < was.mean() - 10
    joint_page.keyboard.press("0")
    np.testing.assert_array_equal(pixels(joint_page, "fixed"), before["fixed"])


def test_the_loss_is_coloured_in_the_bones_and_opacity_takes_it_away(joint_page: Page) -> None:
    def colour(page: Page) -> float:
        shown = pixels(page, "loss").astype(int)
        return float((shown.max(axis=2) - shown.min(axis=2)).mean())

    coloured = colour(joint_page)
    assert coloured > 1
    joint_page.get_by_label("Loss opacity").fill("0")
    assert colour(joint_page) == 0
    joint_page.get_by_label("Loss opacity").fill("100")
    assert colour(joint_page) > coloured


def test_flicker_swipe_and_outlines_show_what_they_say(joint_page: Page) -> None:
    plain = pixels(joint_page, "fixed")
    joint_page.keyboard.press("o")
    outlined = pixels(joint_page, "fixed").astype(int)
    assert ((outlined[..., 2] - outlined[..., 0]) > 60).any(), "no cyan outline of the upper bone"
    assert ((outlined[..., 0] - outlined[..., 2]) > 60).any(), "no yellow outline of the lower bone"
    joint_page.keyboard.press("o")
    np.testing.assert_array_equal(pixels(joint_page, "fixed"), plain)
    joint_page.keyboard.press("x")
    joint_page.keyboard.press("Space")  # from here on by hand
    first, label = pixels(joint_page, "compare"), joint_page.locator("[data-compare-label]").inner_text()
    joint_page.keyboard.press("Space")
    assert (pixels(joint_page, "compare") != first).any()
    assert joint_page.locator("[data-compare-label]").inner_text() != label
    joint_page.keyboard.press("w")
    expect(joint_page.get_by_label("Swipe").last).to_be_visible()


def test_a_reader_flags_by_keyboard_and_takes_it_back(
    joint_page: Page, measurement: JointMeasurement
) -> None:
    joint_page.keyboard.press("f")
    joint_page.keyboard.press("4")
    joint_page.keyboard.press("Enter")
    expect(joint_page.get_by_text("Flagged. The trend and the export show it at once.")).to_be_visible()
    read = Read.objects.get(measurement=measurement)
    assert (read.verdict, read.reason_code) == ("flagged", "overlap")
    expect(joint_page.get_by_text("you flagged this")).to_be_visible()
    joint_page.get_by_role("button", name="Withdraw my read").click()
    expect(joint_page.get_by_text("Your verdict is withdrawn")).to_be_visible()
    joint_page.wait_for_load_state()
    joint_page.keyboard.press("a")
    expect(joint_page.get_by_text("you accepted this")).to_be_visible()
    assert list(Read.objects.values_list("verdict", flat=True)) == ["accepted", "withdrawn", "flagged"]


def test_other_needs_a_comment_and_the_page_says_so(joint_page: Page) -> None:
    joint_page.get_by_text("Flag with a reason").click()
    joint_page.get_by_label("Other (say what)").check()
    joint_page.get_by_role("button", name="Flag", exact=True).click()
    expect(joint_page.get_by_text("Say in the comment what you doubt.")).to_be_visible()
    assert not Read.objects.exists()


def test_keys_walk_through_the_joints_of_the_hand(joint_page: Page) -> None:
    expect(joint_page.get_by_role("heading", level=1)).to_have_text("MCP2, right hand")
    joint_page.keyboard.press("n")
    expect(joint_page.get_by_role("heading", level=1)).to_have_text("MCP3, right hand")
    joint_page.keyboard.press("p")
    expect(joint_page.get_by_role("heading", level=1)).to_have_text("MCP2, right hand")


def test_site_staff_look_but_are_not_offered_a_verdict(
    page_of: PageOf, measurement: JointMeasurement
) -> None:
    page = page_of("nurse", f"/measurements/{measurement.uuid}/")
    expect(page.get_by_text("Your role only looks.")).to_be_visible()
    expect(page.get_by_role("button", name="Accept")).to_have_count(0)


def test_a_worklist_joint_leaves_the_list_once_it_is_read(
    page_of: PageOf, measurement: JointMeasurement
) -> None:
    page = page_of("reader", "/worklist/?reliability=unreliable")
    rows = page.locator("tbody tr")
    count = rows.count()
    assert count >= 1
    rows.first.get_by_role("link").click()
    page.get_by_role("button", name="Accept").click()
    expect(page.get_by_text("Accepted.")).to_be_visible()
    page.goto("/worklist/?reliability=unreliable")
    expect(page.locator("tbody tr")).to_have_count(count - 1)
