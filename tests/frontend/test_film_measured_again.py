"""Corrections with the real models behind them: what is saved is measured again, with what was drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from deploy.demo import films, protocol
from jsnsite.measurements import artifacts
from jsnsite.measurements.models import JointMeasurement, Run
from jsnsite.queue import LOCATE_JOINTS
from jsnsite.radiographs.models import BoneOutline, Radiograph
from jsnsite.radiographs.services import receive
from tests.frontend.world import World, add_patient
from workers.tasks import locate_joints, quantify_pair

PageOf = Callable[..., Page]
JOINTS = ["MCP2", "PIP3"]


@pytest.fixture(scope="module")
def hand() -> films.Series:
    """Baseline and last visit of a left hand."""
    plan = next(plan for plan in protocol.series() if plan.key == "N-101-L")
    return films.take(replace(plan, films=(plan.films[0], plan.films[-1])))


@pytest.fixture
def measured(
    hand: films.Series, world: World, no_queue: None, monkeypatch: pytest.MonkeyPatch
) -> list[Radiograph]:
    """Both films filed, located and measured; whatever is sent is done at once, by the models in this process."""

    def work(task: str, public_id: object) -> None:
        (locate_joints if task == LOCATE_JOINTS else quantify_pair).apply((str(public_id),))

    monkeypatch.setattr("jsnsite.queue._send", work)
    world.study.joints = JOINTS
    world.study.save()
    patient = add_patient(world.sites[0], "BER-001", visits=2)
    received = []
    for timepoint, content in zip(patient.timepoints.order_by("ordinal"), hand.files, strict=True):
        record = receive(
            file=BytesIO(content),
            name="x.dcm",
            timepoint=timepoint,
            laterality="L",
            user=world.people["nurse"],
        )
        assert record.radiograph is not None, record.message
        received.append(Radiograph.objects.get(pk=record.radiograph.pk))
    assert Run.objects.get().state == "done"
    return received


@pytest.mark.timeout(600)
def test_a_moved_region_and_a_drawn_bone_are_measured_again_and_the_past_stays(
    page_of: PageOf, measured: list[Radiograph]
) -> None:
    page = page_of("reader", f"/radiographs/{measured[1].uuid}/?joint=MCP2")
    page.set_default_timeout(60_000)
    expect(page.locator(".stage.ready")).to_be_visible(timeout=60_000)

    page.keyboard.press("m")
    page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Saved: MCP2, version 2.")).to_be_visible(timeout=60_000)
    expect(page.locator(".results li")).to_have_count(2)
    first, second = Run.objects.order_by("attempt")
    assert (second.state, second.joints) == ("done", ["MCP2"])
    before, after = (run.measurements.get(joint="MCP2") for run in (first, second))
    assert after.jsn_mm == pytest.approx(
        before.jsn_mm, abs=0.1
    )  # the joint is the same, wherever it is cropped
    assert set(JointMeasurement.objects.current()) == {after, first.measurements.get(joint="PIP3")}

    expect(page.locator(".stage.ready")).to_be_visible(timeout=60_000)
    page.keyboard.press("u")
    corners = page.locator(".outline-editor .corner")
    expect(corners.first).to_be_attached(timeout=60_000)
    assert corners.count() > 12, "drawing does not start from the model's outline"
    expect(page.locator("[data-drawing-note]")).to_be_hidden()
    page.keyboard.press("Shift+ArrowUp")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Saved: outline of the upper (distal) bone of MCP2")).to_be_visible(
        timeout=60_000
    )
    outline, third = BoneOutline.objects.get(), Run.objects.order_by("attempt").last()
    assert third is not None and third.state == "done"
    assert third.input_digests["followup"]["outlines"] == {"MCP2": {"upper": 1}}
    with_drawn, with_model = (artifacts.load(run.measurements.get(joint="MCP2")) for run in (third, second))
    np.testing.assert_array_equal(with_drawn["moving_lower"], with_model["moving_lower"])
    changed = (with_drawn["moving_upper"] != with_model["moving_upper"]).mean()
    assert 0 < changed < 0.03, "the drawn bone is not what was measured with"
    assert outline.annotation.version == 2
    expect(page.locator(".results li")).to_have_count(3)
    expect(page.locator("table tbody tr")).to_have_count(2)
