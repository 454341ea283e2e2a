"""Pages come in the reader's language, with numbers and dates as that language writes them; data has no language."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from html import unescape

import pytest
from django.test import Client
from django.utils import translation
from django.utils.html import strip_tags

from jsnsite.accounts.models import User
from jsnsite.errors import DomainError
from jsnsite.measurements.models import JointMeasurement
from jsnsite.radiographs import intake
from jsnsite.radiographs.models import Radiograph, UploadRecord
from jsnsite.studies.models import Timepoint
from tests.frontend.world import World, a_measurement, add_film, add_patient, fill, make_world

GERMAN = {"Accept-Language": "de-AT,de;q=0.9,en;q=0.5"}


@pytest.fixture(autouse=True)
def english_afterwards() -> Iterator[None]:
    """A request leaves its language to the thread."""
    with translation.override("en"):
        yield


@pytest.fixture
def study(db: None, settings, tmp_path, monkeypatch: pytest.MonkeyPatch) -> World:
    """One patient with both hands measured at two follow-ups, and a film without spacing."""
    settings.MEDIA_ROOT = tmp_path / "private"
    monkeypatch.setattr("jsnsite.queue._send", lambda task, public_id: None)
    world = make_world()
    fill(add_patient(world.sites[0], "BER-001"), world.people["nurse"])
    other = add_patient(world.sites[0], "BER-002", visits=1)
    add_film(other.timepoints.get(), "R", world.people["nurse"], seed=99, spacing_mm=None)
    return world


@pytest.fixture
def measurement(study: World) -> JointMeasurement:
    return a_measurement(Timepoint.objects.filter(patient__code="BER-001")[0].patient)


def as_person(study: World, who: str, headers: dict[str, str]) -> Client:
    client = Client(headers=headers)
    client.force_login(study.people[who])
    return client


def text_of(client: Client, path: str) -> str:
    page = client.get(path)
    assert page.status_code == 200
    return " ".join(unescape(strip_tags(page.content.decode())).split())


def addresses(measurement: JointMeasurement) -> dict[str, str]:
    followup = measurement.run.followup
    patient = followup.timepoint.patient
    waiting = Radiograph.objects.get(state="needs_spacing")
    return {
        "overview": "/",
        "patients": f"/studies/{patient.study.uuid}/patients/",
        "patient": f"/patients/{patient.uuid}/",
        "report": f"/patients/{patient.uuid}/report/",
        "visit": f"/timepoints/{waiting.timepoint.uuid}/",
        "joint": f"/measurements/{measurement.uuid}/",
        "film": f"/radiographs/{followup.uuid}/?joint=MCP2",
        "worklist": "/worklist/",
        "profile": "/profile/",
    }


def test_every_page_is_german_for_a_german_browser(study: World, measurement: JointMeasurement) -> None:
    said = {
        "overview": ("Aufnahmen nach Prüfzentrum und Visite", "Gemessene Aufnahmepaare"),
        "patients": ("Patienten", "zuverlässig"),
        "patient": ("Mittel über die Gelenke", "mm pro Jahr", "Rechte Hand: JSN im Verlauf"),
        "report": ("Gelenkspaltverschmälerung von BER-001", "So wird er gelesen."),
        "visit": ("wie groß ein Pixel ist", "noch keine Aufnahme", "die Basisvisite dieses Patienten"),
        "joint": ("Gelenkspaltverschmälerung (JSN)", "Basisaufnahme", "Fingergrundgelenk (MCP), Zeigefinger"),
        "film": ("Röntgenaufnahme", "Knochenkonturen", "Zu dieser Aufnahme"),
        "worklist": ("Arbeitsliste", "Die beiden Knochen überlagern sich in der Projektion."),
        "profile": ("API-Token", "Befunder"),
    }
    client = as_person(study, "reader", GERMAN)
    for name, path in addresses(measurement).items():
        page = client.get(path).content.decode()
        assert '<html lang="de"' in page
        for words in said[name]:
            assert words in unescape(page), (name, words)


def test_a_study_administrator_shares_patients_in_german(study: World) -> None:
    page = text_of(as_person(study, "admin", GERMAN), f"/studies/{study.study.uuid}/readers/")
    assert "Patienten gleichmäßig verteilen" in page and "Befunder" in page


def test_numbers_and_dates_are_written_as_the_language_does(
    study: World, measurement: JointMeasurement
) -> None:
    places = addresses(measurement)
    german, english = as_person(study, "reader", GERMAN), as_person(study, "reader", {})
    for name in ("patient", "report", "joint", "worklist", "film"):
        assert re.search(r"[+−]\d,\d\d", text_of(german, places[name])), name
        assert not re.search(r"\d\.\d\d(?!\.?\d)", _shown(german, places[name])), name
        assert re.search(r"[+−]\d\.\d\d", text_of(english, places[name])), name
    visit = measurement.run.baseline.timepoint
    baseline = f"/timepoints/{visit.uuid}/"
    assert visit.date == date(2024, 3, 4)
    assert "04.03.2024" in text_of(german, places["patient"])
    assert "2024-03-04" in text_of(english, places["patient"])
    assert "4. März 2024" in text_of(german, baseline)
    assert "4 March 2024" in text_of(english, baseline)


def _shown(client: Client, path: str) -> str:
    """A page's text without the JSON that it carries for scripts, dates and versions."""
    page = client.get(path).content.decode()
    page = re.sub(r"<script.*?</script>|<code>.*?</code>", "", page, flags=re.DOTALL)
    return re.sub(r"\d\d\.\d\d\.\d{4}|\d\.\d\.\d\+test", "", strip_tags(page))


MACHINE_VALUES = re.compile(
    r"\s(?:d|points|x|x1|x2|y|y1|y2|cx|cy|r|transform|viewBox|width|height|data-low|data-high|data-step|data-motion"
    r'|value|min|max|step|datetime|href|data-layers|data-pixels|hx-get)="([^"]*)"'
)


@pytest.mark.parametrize("name", ["overview", "patients", "patient", "report", "joint", "film"])
def test_what_a_machine_reads_is_the_same_in_every_language(
    study: World, measurement: JointMeasurement, name: str
) -> None:
    path = addresses(measurement)[name]
    pages = [as_person(study, "admin", headers).get(path).content.decode() for headers in (GERMAN, {})]
    german, english = (
        [each for each in MACHINE_VALUES.findall(page) if not re.fullmatch(r"\w{64}", each)] for page in pages
    )  # CSRF tokens differ
    assert german == english
    charts = [re.findall(r'<script id="(?:trend-data|film-frame)".*?</script>', page) for page in pages]
    assert charts[0] == charts[1]


def test_rest_and_csv_have_no_language(study: World, measurement: JointMeasurement) -> None:
    german, english = as_person(study, "trial", GERMAN), as_person(study, "trial", {})
    german.cookies["django_language"] = "de"
    for path in (
        "/api/v1/measurements/",
        "/api/v1/measurements/?format=csv",
        "/api/v1/trends/",
        "/api/v1/radiographs/",
        "/api/v1/measurements/?no_such_filter=1",
        "/api/v1/measurements/00000000-0000-0000-0000-000000000000/",
        "/api/schema/",
    ):
        ours, theirs = german.get(path), english.get(path)
        assert ours.status_code == theirs.status_code
        assert ours.getvalue() == theirs.getvalue(), path
        assert "Accept-Language" not in ours.headers.get("Vary", "")


def test_a_choice_counts_more_than_the_browser_and_leads_back(study: World) -> None:
    client = as_person(study, "reader", GERMAN)
    answer = client.post("/language/", {"language": "en", "next": "/worklist/?status=all"})
    assert answer.status_code == 302 and answer.headers["Location"] == "/worklist/?status=all"
    assert '<html lang="en"' in client.get("/worklist/").content.decode()
    outside = client.post("/language/", {"language": "de", "next": "https://example.org/"})
    assert outside.headers["Location"] == "/"
    assert '<html lang="de"' in client.get("/worklist/").content.decode()


@pytest.mark.parametrize("path", ["/accounts/login/", "/nowhere/"])
def test_who_is_not_signed_in_is_spoken_to_in_their_language(db: None, path: str) -> None:
    assert 'lang="de"' in Client(headers=GERMAN).get(path).content.decode()
    french = Client(headers={"Accept-Language": "fr"}).get(path).content.decode()
    assert '<html lang="en"' in french
    for name in ("English", "Deutsch"):
        assert f">{name}</button>" in french


def test_an_upload_is_recorded_in_english_and_shown_in_german(study: World) -> None:
    record = UploadRecord.objects.get(timepoint__patient__code="BER-002")
    assert record.message == intake.NO_SPACING[1]
    client = as_person(study, "nurse", GERMAN)
    film = Radiograph.objects.filter(timepoint__patient__code="BER-001").first()
    assert film is not None
    with film.file.open("rb") as file:
        file.name = "again.dcm"
        path = f"/timepoints/{record.timepoint.uuid}/upload/"
        page = client.post(path, {"file": file, "laterality": ""}, headers={"HX-Request": "true"})
    assert "Dieses Bild ist schon in der Studie: BER-001 bei baseline, Hand" in page.content.decode()
    assert UploadRecord.objects.latest("pk").message.startswith("This image is in the study already: BER-001")


def test_a_refusal_is_english_for_programs_and_german_for_people() -> None:
    refusal = DomainError("patient_code_taken", "This subject code is in use in the study. Check the code.")
    low = DomainError(
        "timepoint_ordinal", "Timepoint %(ordinal)s exists already or is not a valid number.", ordinal=3
    )
    with translation.override("de"):
        assert str(refusal) == "Dieses Pseudonym wird in der Studie schon benutzt. Prüfen Sie es."
        assert refusal.message == "This subject code is in use in the study. Check the code."
        assert str(low) == "Visite 3 gibt es schon, oder die Zahl ist nicht gültig."
        assert low.message == "Timepoint 3 exists already or is not a valid number."


def test_the_administration_names_things_in_german(study: World) -> None:
    study.people["root"] = User.objects.create_superuser("root")
    client = as_person(study, "root", GERMAN)
    index = text_of(client, "/admin/")
    for name in (
        "Konten und Rollen",
        "Prüfzentren",
        "Visiten",
        "Röntgenaufnahmen",
        "Gelenkmessungen",
        "Befunde",
    ):
        assert name in index
    form = text_of(client, "/admin/studies/timepoint/add/")
    for name in ("Ordnungszahl:", "Datum:", "Bezeichnung:"):
        assert name in form


def test_the_browser_may_still_run_no_inline_script(client: Client, db: None) -> None:
    policy = client.get("/accounts/login/", headers=GERMAN).headers["Content-Security-Policy"]
    assert "unsafe" not in policy
