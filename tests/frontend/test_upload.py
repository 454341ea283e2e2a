"""From dropped files to verdicts and films."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from jsnsite.radiographs.models import Radiograph, UploadRecord
from jsnsite.studies.models import Timepoint
from jsnsite.throttling import PageWriteThrottle
from tests.frontend.films import dicom_bytes
from tests.frontend.world import World, add_patient, make_ready

PageOf = Callable[..., Page]


def files() -> list[Any]:
    good = dicom_bytes("R", seed=1)
    bodies = {
        "right.dcm": good,
        "notes.dcm": b"not a film at all",
        "cut.dcm": good[:60_000],
        "left without spacing.dcm": dicom_bytes("L", seed=2, spacing_mm=None),
        "empty.dcm": b"",
    }
    return [{"name": name, "mimeType": "application/dicom", "buffer": body} for name, body in bodies.items()]


def first_visit(world: World) -> Timepoint:
    visit = add_patient(world.sites[0], "BER-001").timepoints.first()
    assert visit is not None
    return visit


def test_each_file_gets_its_own_verdict_in_one_list_and_films_appear(page_of: PageOf, world: World) -> None:
    visit = first_visit(world)
    page = page_of("nurse", f"/timepoints/{visit.uuid}/")
    page.locator("form[data-mounted=ready] input[type=file]").set_input_files(files())
    expect(page.get_by_text("5 of 5 files checked")).to_be_visible()
    verdicts = {item.locator("strong").inner_text(): item for item in page.locator("#verdicts > li").all()}
    expect(verdicts["right.dcm"].locator(".badge")).to_have_text("accepted")
    expect(verdicts["left without spacing.dcm"].locator(".badge")).to_have_text("accepted, please check")
    for bad in ("notes.dcm", "cut.dcm", "empty.dcm"):
        expect(verdicts[bad].locator(".badge")).to_have_text("not accepted")
        assert len(verdicts[bad].locator("p").inner_text()) > 20
    assert UploadRecord.objects.filter(timepoint=visit).count() == 5

    left = page.get_by_role("article", name="Left hand")
    left.get_by_label("Pixel spacing, mm per pixel").fill("0.143")
    left.get_by_role("button", name="Save the spacing").click()
    expect(page.get_by_role("article", name="Left hand").get_by_text("entered by hand")).to_be_visible()
    preview = page.get_by_role("img", name="Radiograph of the right hand")
    assert preview.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100


def test_more_files_than_the_rate_allows_wait_and_none_is_lost(
    page_of: PageOf, world: World, complaints: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PageWriteThrottle, "rate", "2/s", raising=False)
    visit = first_visit(world)
    page = page_of("nurse", f"/timepoints/{visit.uuid}/")
    refused = []
    page.on("response", lambda answer: refused.append(answer.status == 429))
    bodies = [{**files()[1], "name": f"{n}.dcm"} for n in range(9)]
    page.locator("form[data-mounted=ready] input[type=file]").set_input_files(bodies)
    expect(page.get_by_text("9 of 9 files checked")).to_be_visible(timeout=30_000)
    assert any(refused)
    assert UploadRecord.objects.filter(timepoint=visit).count() == 9
    expect(page.locator("#verdicts > li .badge")).to_have_count(9)
    complaints[:] = [each for each in complaints if "status of 429" not in each]  # they are meant


def test_films_change_state_on_the_page_while_the_worker_works(page_of: PageOf, world: World) -> None:
    visit = first_visit(world)
    page = page_of("nurse", f"/timepoints/{visit.uuid}/")
    page.locator("form[data-mounted=ready] input[type=file]").set_input_files(files()[:1])
    right = page.get_by_role("article", name="Right hand")
    expect(right.locator(".badge")).to_have_text("queued")
    make_ready(Radiograph.objects.get(timepoint=visit))
    expect(page.get_by_role("article", name="Right hand").locator(".badge")).to_have_text("ready")


def test_uploading_works_without_script(page_of: PageOf, world: World) -> None:
    visit = first_visit(world)
    page = page_of("nurse", f"/timepoints/{visit.uuid}/", java_script_enabled=False)
    page.locator("input[type=file]").set_input_files(files()[:2])
    page.get_by_role("button", name="Upload").click()
    expect(page.locator("#verdicts > li .badge")).to_have_text(["not accepted", "accepted"])


def test_a_reviewer_is_offered_no_upload_and_is_refused_one(page_of: PageOf, world: World) -> None:
    visit = first_visit(world)
    page = page_of("reader", f"/timepoints/{visit.uuid}/")
    expect(page.locator("input[type=file]")).to_have_count(0)
    token = page.locator("[name=csrfmiddlewaretoken]").first.get_attribute("value")
    answer = page.request.post(
        f"/timepoints/{visit.uuid}/upload/",
        multipart={"csrfmiddlewaretoken": token or "", "file": files()[0]},
        headers={"Referer": page.url},
    )
    assert answer.status == 403 and not UploadRecord.objects.exists()
