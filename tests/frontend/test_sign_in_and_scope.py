"""Who gets in, and what they find."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from jsnsite.accounts.models import ApiToken
from jsnsite.measurements.models import Run
from tests.frontend.world import PASSWORD, World, add_film, add_patient, make_ready, measure

PageOf = Callable[..., Page]


def test_a_person_signs_in_and_out_and_a_wrong_password_says_so(page_of: PageOf, world: World) -> None:
    page = page_of(None, "/")
    expect(page).to_have_title("Sign in · JSN")
    page.get_by_label("Login").fill("nurse")
    page.get_by_label("Password").fill("not this one")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("not correct")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("HARMONY-RA")
    page.get_by_text("Nora Nurse").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_title("Sign in · JSN")


def test_site_staff_see_their_own_site_and_nothing_else(page_of: PageOf, world: World) -> None:
    add_patient(world.sites[0], "BER-001")
    hidden = add_patient(world.sites[1], "SAP-001")
    page = page_of("nurse", "/")
    expect(page.get_by_role("rowheader", name="BER")).to_be_visible()
    expect(page.get_by_text("Sapporo")).to_have_count(0)
    page.get_by_role("link", name="Patients").click()
    expect(page.get_by_role("rowheader")).to_have_text(["BER-001"])
    for address in (
        f"/patients/{hidden.uuid}/",
        f"/timepoints/{hidden.timepoints.first().uuid}/",  # type: ignore[union-attr]
        f"/studies/{world.other_study.uuid}/",
    ):
        answer = page.goto(address)
        assert answer and answer.status == 404
        expect(page.get_by_role("heading", level=1)).to_have_text("Nothing to see here")


def test_the_overview_counts_what_is_there_and_moves_by_itself(page_of: PageOf, world: World) -> None:
    patient = add_patient(world.sites[0], "BER-001", visits=2)
    first, second = patient.timepoints.all()
    films = [add_film(visit, "R", world.people["nurse"], seed=visit.ordinal) for visit in (first, second)]
    page = page_of("reader", "/")
    expect(page.get_by_text("0 of 2")).to_be_visible()
    for film in films:
        make_ready(film)
    measure(Run.objects.get())
    expect(page.get_by_text("2 of 2")).to_be_visible(timeout=15_000)
    expect(page.get_by_text("10 joint measurements")).to_be_visible()


def test_what_waits_comes_first_on_a_small_screen_and_stands_aside_on_a_wide_one(
    page_of: PageOf, world: World
) -> None:
    visit = add_patient(world.sites[0], "BER-001", visits=1).timepoints.get()
    add_film(visit, "R", world.people["nurse"])
    page = page_of("nurse", "/", viewport={"width": 820, "height": 1180})
    waits, processing = page.locator(".attention"), page.locator("#progress")
    expect(waits).to_contain_text("BER-001, baseline")
    expect(waits).to_contain_text("The film of the left hand is missing.")
    (first, second) = (each.bounding_box() for each in (waits, processing))
    assert first and second and first["y"] + first["height"] <= second["y"]
    page.set_viewport_size({"width": 1440, "height": 900})
    (first, second) = (each.bounding_box() for each in (waits, processing))
    assert first and second and second["x"] + second["width"] <= first["x"]


def test_a_patient_and_a_visit_are_added_by_site_staff(page_of: PageOf, world: World) -> None:
    page = page_of("nurse", f"/studies/{world.study.uuid}/patients/")
    expect(page.get_by_text("No patients yet")).to_be_visible()
    page.get_by_text("Add a patient").click()
    page.get_by_label("Subject code").fill("BER-777")
    page.get_by_role("button", name="Add the patient").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("BER-777")
    page.get_by_text("Add a visit", exact=True).click()
    page.get_by_label("Date of the visit").fill("2025-01-31")
    page.get_by_label("Name of the visit").fill("baseline")
    page.get_by_role("button", name="Add the visit").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("BER-777, baseline")


def test_an_api_token_is_shown_once_and_can_be_revoked(page_of: PageOf, world: World) -> None:
    page = page_of("trial", "/profile/")
    page.get_by_label("What will use it").fill("monthly statistics")
    page.get_by_role("button", name="Make a token").click()
    secret = page.locator("#secret").inner_text()
    assert secret.startswith("jsn_") and ApiToken.objects.filter(user=world.people["trial"]).count() == 1
    page.goto("/profile/")
    expect(page.get_by_text(secret)).to_have_count(0)
    page.get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("You have no tokens.")).to_be_visible()


def test_the_theme_button_changes_the_theme_and_the_choice_lasts(page_of: PageOf, world: World) -> None:
    page = page_of("reader", "/", color_scheme="light")
    background = "getComputedStyle(document.body.parentElement).backgroundColor"
    light = page.evaluate(background)
    page.get_by_role("button", name="Change between light and dark").click()
    dark = page.evaluate(background)
    page.reload()
    assert light != dark == page.evaluate(background)
