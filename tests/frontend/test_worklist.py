"""The worklist and the verdicts given along it: most doubtful first, by keyboard, and blind to other readers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from playwright.sync_api import Page, expect

from jsnsite.accounts.models import User
from jsnsite.measurements.current import doubt_key
from jsnsite.measurements.models import JointMeasurement
from jsnsite.reviews import queries, services
from jsnsite.reviews.models import Read
from jsnsite.scoping import Role
from jsnsite.studies.models import Site
from tests.frontend.world import World, add_patient, fill, person

PageOf = Callable[..., Page]
WINDOW = {"width": 1280, "height": 900}


@pytest.fixture
def doubtful(world: World) -> list[JointMeasurement]:
    """The reader's list: four joints in doubt at one site, in its order."""
    patient = add_patient(world.sites[0], "BER-001", visits=3)
    fill(patient, world.people["nurse"], sides="R")
    return [row.measurement for row in queries.worklist(world.people["reader"])]


@pytest.fixture
def second_reader(world: World) -> User:
    return person("second", "Sam Second", Role.REVIEWER, world.study)


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page_text(client: Client, address: str) -> str:
    """A page without what is random in it."""
    return re.sub(r"[\w-]{64}", "", client.get(address).content.decode())


def opened(page_of: PageOf, address: str, who: str = "reader") -> Page:
    page = page_of(who, address, viewport=WINDOW)
    expect(page.locator("[data-island]:not([data-mounted=ready])")).to_have_count(0)
    return page


def joint_of(page: Page) -> str:
    """The id of the joint that the page shows."""
    found = re.search(r"/measurements/([\w-]{36})/", page.url)
    assert found
    return found[1]


def expect_joint(page: Page, measurement: JointMeasurement) -> None:
    expect(page).to_have_url(re.compile(str(measurement.uuid)))
    expect(page.locator(".joint-grid[data-mounted=ready][data-armed]")).to_be_visible()


def test_the_most_doubtful_come_first(doubtful: list[JointMeasurement]) -> None:
    assert len(doubtful) == 4
    order = [(m.reliability != "unreliable", -(m.jsn_sigma_mm or 0)) for m in doubtful]
    assert order == sorted(order)
    keys = [doubt_key(measurement) for measurement in doubtful]
    assert keys == sorted(keys)


def test_filters_live_in_the_address_and_show_only_what_they_say(
    page_of: PageOf, doubtful: list[JointMeasurement]
) -> None:
    page = opened(page_of, "/worklist/")
    expect(page.locator("tbody tr")).to_have_count(4)
    page.get_by_label("Reliability").select_option("unreliable")
    page.get_by_role("button", name="Show").click()
    assert "reliability=unreliable" in page.url
    unreliable = [m for m in doubtful if m.reliability == "unreliable"]
    expect(page.locator("tbody tr")).to_have_count(len(unreliable))
    page.goto("/worklist/?reason=poor_match_upper")
    expect(page.locator("tbody tr")).to_have_count(4 - len(unreliable))
    page.goto(f"/worklist/?joint={doubtful[0].joint}&reliability=any")
    assert page.locator("tbody tr").count() >= 2
    page.goto("/worklist/?reason=beyond_film")
    expect(page.get_by_text("Nothing matches these filters")).to_be_visible()
    page.get_by_role("link", name="Clear filters").last.click()
    expect(page.locator("tbody tr")).to_have_count(4)


def test_nonsense_in_the_address_filters_nothing(world: World, doubtful: list[JointMeasurement]) -> None:
    client = client_of(world.people["reader"])
    for query in ("joint=X", "site=nonsense", "status=foo", "reliability=%00", "reason='", "page=-3"):
        answer = client.get(f"/worklist/?{query}")
        assert answer.status_code == 200 and answer.context["progress"].total == 4, query
        assert client.get(f"/measurements/{doubtful[0].uuid}/?list=worklist&{query}").status_code == 200


def test_rows_are_walked_and_opened_by_keyboard(page_of: PageOf, doubtful: list[JointMeasurement]) -> None:
    page = opened(page_of, "/worklist/")
    for key in "jjk":
        page.keyboard.press(key)
    page.keyboard.press("ArrowDown")
    expect(page.locator(".row-link").nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    expect_joint(page, doubtful[1])
    page.keyboard.press("k")
    expect_joint(page, doubtful[0])


def test_help_is_on_the_question_mark_and_the_first_joint_on_s(
    page_of: PageOf, doubtful: list[JointMeasurement]
) -> None:
    page = opened(page_of, "/worklist/")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys on this page")).to_be_visible()
    page.keyboard.press("s")  # only the help answers while it is open
    expect(page).to_have_url(re.compile("/worklist/$"))
    page.keyboard.press("?")
    page.keyboard.press("s")
    expect_joint(page, doubtful[0])


def test_one_patient_is_one_press_away(
    page_of: PageOf, world: World, doubtful: list[JointMeasurement]
) -> None:
    other = add_patient(world.sites[1], "SAP-001", visits=3)
    fill(other, world.people["admin"], sides="R", seed=3)
    page = opened(page_of, "/worklist/")
    page.get_by_role("link", name="SAP-001 – only this patient").first.click()
    expect(page).to_have_url(re.compile("patient=SAP-001"))
    patients = page.locator(".only-this").all_text_contents()
    assert patients and set(patients) == {"SAP-001 – only this patient"}


@pytest.mark.parametrize("verdict", ["Accept", "Flag"])
def test_on_a_tablet_number_and_verdict_stay_at_hand(
    page_of: PageOf, doubtful: list[JointMeasurement], verdict: str
) -> None:
    page = page_of(
        "reader",
        f"/measurements/{doubtful[0].uuid}/?list=worklist",
        viewport={"width": 1024, "height": 768},
        has_touch=True,
    )
    expect_joint(page, doubtful[0])
    bar = page.get_by_role("group", name="Number and verdict")
    expect(bar).to_be_in_viewport(ratio=1)
    expect(bar).to_contain_text(f"{doubtful[0].jsn_mm:.2f}".lstrip("-"))
    if verdict == "Accept":
        bar.get_by_role("button", name="Accept").tap()
    else:
        bar.get_by_role("link", name="Flag").tap()
        page.get_by_label("Locked onto the wrong place").check()
        page.locator(".flag").get_by_role("button", name="Flag").tap()
    expect_joint(page, doubtful[1])
    assert Read.objects.get().verdict == {"Accept": "accepted", "Flag": "flagged"}[verdict]


def test_a_verdict_is_kept_and_the_next_joint_comes(
    page_of: PageOf, doubtful: list[JointMeasurement]
) -> None:
    page = opened(page_of, f"/measurements/{doubtful[0].uuid}/?list=worklist")
    progress = page.locator("[data-progress]")
    expect(progress).to_have_text("0 of 4")
    page.keyboard.press("a")
    expect_joint(page, doubtful[1])
    expect(progress).to_have_text("1 of 4")
    page.keyboard.press("4")
    expect(page.get_by_label("Bones overlap")).to_be_checked()
    page.keyboard.press("Enter")
    expect_joint(page, doubtful[2])
    expect(progress).to_have_text("2 of 4")
    said = Read.objects.order_by("pk").values_list("measurement__uuid", "verdict", "reason_code")
    assert list(said) == [(doubtful[0].uuid, "accepted", ""), (doubtful[1].uuid, "flagged", "overlap")]


def test_a_key_struck_twice_or_held_judges_no_joint_unseen(
    page_of: PageOf, doubtful: list[JointMeasurement]
) -> None:
    page = opened(page_of, f"/measurements/{doubtful[0].uuid}/?list=worklist")
    page.keyboard.down("a")
    for _ in range(5):
        page.keyboard.down("a")  # as a held key repeats
    page.keyboard.up("a")
    expect(page).to_have_url(re.compile(str(doubtful[1].uuid)))
    page.keyboard.press("a")
    expect_joint(page, doubtful[1])
    assert Read.objects.count() == 1


def test_undo_is_a_new_entry_and_leads_back(page_of: PageOf, doubtful: list[JointMeasurement]) -> None:
    page = opened(page_of, f"/measurements/{doubtful[0].uuid}/?list=worklist")
    page.keyboard.press("a")
    expect_joint(page, doubtful[1])
    expect(page.locator("[data-last]")).to_contain_text("Accepted")
    page.keyboard.press("z")
    expect_joint(page, doubtful[0])
    expect(page.get_by_text("Your verdict is withdrawn")).to_be_visible()
    expect(page.locator("[data-progress]")).to_have_text("0 of 4")
    assert list(Read.objects.order_by("pk").values_list("verdict", flat=True)) == ["accepted", "withdrawn"]


def test_the_list_ends_when_all_is_read_and_skipped_joints_come_again(
    page_of: PageOf, world: World, doubtful: list[JointMeasurement]
) -> None:
    for measurement in doubtful[2:]:
        services.accept(measurement=measurement, reader=world.people["reader"])
    page = opened(page_of, f"/measurements/{doubtful[0].uuid}/?list=worklist")
    page.keyboard.press("j")  # skipped for now
    expect_joint(page, doubtful[1])
    page.keyboard.press("a")
    expect_joint(page, doubtful[0])
    expect(page.locator("[data-progress]")).to_have_text("3 of 4")
    page.keyboard.press("a")
    expect(page.get_by_text("All read")).to_be_visible()
    expect(page.get_by_text("You have judged all 4 joints in doubt.")).to_be_visible()


def test_along_a_hand_the_joint_stays_and_shows_what_was_said(
    page_of: PageOf, doubtful: list[JointMeasurement]
) -> None:
    page = opened(page_of, f"/measurements/{doubtful[0].uuid}/")
    page.keyboard.press("f")
    page.keyboard.press("4")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Flagged. The trend and the export show it at once.")).to_be_visible()
    expect(page.get_by_text("you flagged this")).to_be_visible()
    page.keyboard.press("z")
    expect(page.get_by_text("Your verdict is withdrawn")).to_be_visible()
    page.keyboard.press("c")
    page.keyboard.type("clear on both films")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("you accepted this")).to_be_visible()
    newest = Read.objects.latest("pk")
    assert (newest.verdict, newest.comment) == ("accepted", "clear on both films")
    assert Read.objects.count() == 3


def test_other_needs_a_comment_and_the_page_says_so(
    page_of: PageOf, doubtful: list[JointMeasurement]
) -> None:
    page = opened(page_of, f"/measurements/{doubtful[0].uuid}/")
    page.get_by_text("Flag with a reason").click()
    page.get_by_label("Other (say what)").check()
    page.get_by_role("button", name="Flag", exact=True).click()
    expect(page.get_by_role("alert")).to_have_text("Say in the comment what you doubt.")
    assert not Read.objects.exists()
    page.get_by_label("Other (say what)").focus()
    page.keyboard.press("c")
    page.keyboard.type("a ring over the joint")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("you flagged this")).to_be_visible()


def test_a_verdict_that_was_not_kept_is_said_so(
    page_of: PageOf, doubtful: list[JointMeasurement], complaints: list[str]
) -> None:
    page = opened(page_of, f"/measurements/{doubtful[0].uuid}/?list=worklist")
    page.context.set_offline(True)
    page.keyboard.press("a")
    expect(page.get_by_role("alert")).to_contain_text("Not saved")
    page.context.set_offline(False)
    page.context.clear_cookies(name="sessionid")
    page.keyboard.press("a")
    expect(page.get_by_role("alert")).to_contain_text("Not saved")
    assert joint_of(page) == str(doubtful[0].uuid) and not Read.objects.exists()
    complaints[:] = [line for line in complaints if "Failed to load resource" not in line]


def test_without_script_verdicts_are_plain_forms(world: World, doubtful: list[JointMeasurement]) -> None:
    client = client_of(world.people["reader"])
    address = f"/measurements/{doubtful[0].uuid}/reads/?list=worklist"
    following = f"/measurements/{doubtful[1].uuid}/?list=worklist"
    answer = client.post(address, {"verdict": "accepted", "next": following})
    assert answer.status_code == 302 and answer.url == following
    elsewhere = client.post(address, {"verdict": "withdrawn", "next": "https://example.org/"})
    assert elsewhere.url == f"/measurements/{doubtful[0].uuid}/"


def test_a_reader_can_infer_nothing_of_other_readers(
    world: World, doubtful: list[JointMeasurement], second_reader: User
) -> None:
    client = client_of(world.people["reader"])
    addresses = ["/worklist/", "/worklist/?status=all&reliability=any", "/worklist/?status=flagged"]
    addresses += [f"/measurements/{m.uuid}/?list=worklist" for m in doubtful[:2]]
    addresses += [f"/measurements/{doubtful[0].uuid}/"]
    before = [page_text(client, address) for address in addresses]
    services.flag(measurement=doubtful[0], reader=second_reader, reason_code="mismatch")
    services.accept(measurement=doubtful[1], reader=second_reader, comment="fine by me")
    assert [page_text(client, address) for address in addresses] == before
    overseer = client_of(world.people["admin"]).get(f"/measurements/{doubtful[0].uuid}/").content.decode()
    assert "Sam Second" in overseer and "Flagged by a reader" in overseer


def test_a_reader_of_one_site_sees_only_that_site(world: World, doubtful: list[JointMeasurement]) -> None:
    elsewhere = add_patient(world.sites[1], "SAP-001", visits=2)
    fill(elsewhere, world.people["admin"], seed=5, sides="R")
    local = client_of(person("local", "Lea Local", Role.REVIEWER, world.study, world.sites[1]))
    answer = local.get("/worklist/?status=all&reliability=any").content.decode()
    assert "SAP-001" in answer and "BER" not in answer
    assert local.get(f"/measurements/{doubtful[0].uuid}/?list=worklist").status_code == 404
    assert local.post(f"/measurements/{doubtful[0].uuid}/reads/", {"verdict": "accepted"}).status_code == 404


def test_those_who_do_not_read_are_told_so(page_of: PageOf, doubtful: list[JointMeasurement]) -> None:
    page = page_of("nurse", "/worklist/")
    expect(page.get_by_text("Your role does not read joints")).to_be_visible()
    page.goto(f"/measurements/{doubtful[0].uuid}/")
    expect(page.get_by_text("Your role only looks.")).to_be_visible()
    expect(page.get_by_role("button", name="Accept")).to_have_count(0)
    address = f"/measurements/{doubtful[0].uuid}/reads/"
    answer = page.request.post(address, headers={"Accept": "application/json"}, form={"verdict": "accepted"})
    assert answer.status == 403


def counted(client: Client, address: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert client.get(address).status_code == 200
    return len(captured)


@pytest.mark.parametrize("address", ["/worklist/", "/worklist/?status=all&reliability=any", "joint", "hand"])
def test_queries_do_not_grow_with_the_study(
    world: World, doubtful: list[JointMeasurement], address: str
) -> None:
    address = {
        "joint": f"/measurements/{doubtful[1].uuid}/?list=worklist",
        "hand": f"/measurements/{doubtful[1].uuid}/",
    }.get(address, address)
    client = client_of(world.people["reader"])
    few = counted(client, address)
    for number in range(2):
        site = Site.objects.create(study=world.study, code=f"NEW-{number}", name="Newly opened")
        fill(add_patient(site, f"MORE-{number}"), world.people["admin"], seed=number + 1, sides="R")
    assert counted(client, address) == few <= 20


def test_long_lists_come_in_pages(world: World, page_of: PageOf) -> None:
    patient = add_patient(world.sites[0], "BER-002", visits=4)
    fill(patient, world.people["nurse"])
    page = opened(page_of, "/worklist/?reliability=any&status=all")
    expect(page.locator("tbody tr")).to_have_count(25)
    page.get_by_role("link", name="Next").click()
    assert "page=2" in page.url and "reliability=any" in page.url
    expect(page.get_by_text("26–50 of 60")).to_be_visible()


def test_the_list_leads_on_from_where_a_joint_stands_even_if_it_is_not_in_it(
    world: World, doubtful: list[JointMeasurement]
) -> None:
    client = client_of(world.people["reader"])
    outside = JointMeasurement.objects.current().filter(reliability="reliable")[0]
    way: Any = client.get(f"/measurements/{outside.uuid}/?list=worklist").context["way"]
    assert way.previous == doubtful[-1] and way.next == doubtful[0]
