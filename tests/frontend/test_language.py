"""German in the browser: chosen by keyboard, the same charts, and long words that stay on a narrow screen."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from jsnsite.studies.models import Patient
from tests.frontend.films import dicom_bytes
from tests.frontend.world import World, a_measurement, add_film, add_patient, fill

PageOf = Callable[..., Page]


@pytest.fixture
def patient(world: World) -> Patient:
    found = add_patient(world.sites[0], "BER-001")
    fill(found, world.people["nurse"])
    return found


def test_the_language_is_chosen_by_keyboard_and_stays(page_of: PageOf, world: World) -> None:
    page = page_of(None, "/accounts/login/?next=/worklist/", locale="en-GB")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "Deutsch":
            break
    page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    assert page.url.endswith("/accounts/login/?next=/worklist/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Anmelden")
    expect(page.get_by_role("button", name="Deutsch")).to_have_attribute("aria-current", "true")
    page.get_by_label("Anmeldung").fill("reader")
    page.get_by_label("Passwort").fill("correct horse battery staple")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Arbeitsliste")


def test_a_german_page_draws_the_same_chart_with_commas(
    page_of: PageOf, world: World, patient: Patient
) -> None:
    charts = {}
    for locale in ("en-GB", "de-DE"):
        page = page_of("reader", f"/patients/{patient.uuid}/?side=R&joint=MCP2", locale=locale)
        chart = page.locator(".trend-chart")
        expect(chart.locator("svg text").first).to_be_visible()
        paths = chart.locator("svg path").evaluate_all("found => found.map(path => path.getAttribute('d'))")
        charts[locale] = paths, chart.locator("svg text").all_text_contents()
    (english, english_words), (german, german_words) = charts["en-GB"], charts["de-DE"]
    assert "+0.2" in english_words and "+0,2" in german_words
    numbers = [
        [float(n) for d in paths for n in re.findall(r"-?\d+\.?\d*", d)] for paths in (english, german)
    ]
    assert len(english) == len(german) > 5
    # names of months are not equally wide, and the chart leaves them room
    assert numbers[1] == pytest.approx(numbers[0], abs=8)


def test_a_german_film_page_fills_its_number_fields(page_of: PageOf, world: World, patient: Patient) -> None:
    film = a_measurement(patient).run.followup
    page = page_of("reader", f"/radiographs/{film.uuid}/?joint=MCP2", locale="de-DE")
    fields = page.locator("[data-region-form] input[type=number]")
    assert fields.evaluate_all("found => found.map(field => field.valueAsNumber)") == [100, 100, 0, 22.4]
    expect(page.locator(".stage.ready")).to_be_visible()
    page.get_by_role("button", name="Auf der Aufnahme ändern").click()
    page.keyboard.press("ArrowRight")
    expect(page.locator("[data-say]")).to_contain_text("22,4 mm")
    page.get_by_role("button", name="Region speichern").click()
    expect(page.get_by_text("Gespeichert: MCP2, Version 2.")).to_be_visible()


def test_films_are_received_in_german(page_of: PageOf, world: World, complaints: list[str]) -> None:
    visit = add_patient(world.sites[0], "BER-003").timepoints.first()
    page = page_of("nurse", f"/timepoints/{visit.uuid}/", locale="de-DE")
    page.locator("form[data-mounted=ready] input[type=file]").set_input_files(
        [
            {"name": name, "mimeType": "application/dicom", "buffer": body}
            for name, body in {"right.dcm": dicom_bytes("R", seed=1), "notes.dcm": b"no film"}.items()
        ]
    )
    expect(page.get_by_text("2 von 2 Dateien geprüft")).to_be_visible()
    verdicts = page.locator("#verdicts > li")
    expect(verdicts.filter(has_text="right.dcm").locator(".badge")).to_have_text("angenommen")
    expect(verdicts.filter(has_text="notes.dcm")).to_contain_text("Dies ist keine DICOM-Datei.")
    page.route("**/upload/", lambda route: route.abort())
    page.locator("input[type=file]").set_input_files(
        {"name": "lost.dcm", "mimeType": "application/dicom", "buffer": b"x"}
    )
    expect(verdicts.filter(has_text="lost.dcm")).to_contain_text(
        "Nicht hochgeladen: Die Verbindung ist abgebrochen."
    )
    assert complaints == ["Failed to load resource: net::ERR_FAILED"]
    complaints.clear()


@pytest.mark.parametrize("width", [1280, 390])
def test_long_german_words_stay_on_the_screen(
    page_of: PageOf, world: World, patient: Patient, width: int
) -> None:
    waiting = add_patient(world.sites[0], "BER-002", visits=1).timepoints.get()
    add_film(waiting, "R", world.people["nurse"], seed=99, spacing_mm=None)
    measurement = a_measurement(patient)
    viewport = {"width": width, "height": 900}
    page = page_of("admin", f"/studies/{world.study.uuid}/readers/", locale="de-DE", viewport=viewport)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page = page_of("reader", "/", locale="de-DE", viewport=viewport)
    for path in (
        "/",
        "/worklist/",
        f"/patients/{patient.uuid}/",
        f"/patients/{patient.uuid}/report/",
        f"/measurements/{measurement.uuid}/",
        f"/radiographs/{measurement.run.followup.uuid}/?joint=MCP2",
        f"/timepoints/{waiting.uuid}/",
        "/profile/",
    ):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_the_german_report_fits_on_one_page_of_paper(page_of: PageOf, world: World, patient: Patient) -> None:
    page = page_of("trial", f"/patients/{patient.uuid}/report/", locale="de-DE")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Gelenkspaltverschmälerung")
    pdf = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 1
    page.emulate_media(media="print")
    expect(page.get_by_role("button", name="English")).to_be_hidden()
