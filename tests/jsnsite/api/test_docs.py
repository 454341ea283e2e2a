"""The schema, and the page that shows it."""

from __future__ import annotations

import re

import pytest
import yaml
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from deploy.setup.chromium import find_chromium
from jsnsite.exports.schema import GUIDE
from jsnsite.measurements.api.serializers import MeasurementSerializer
from jsnsite.measurements.api.trends import CSV_FIELDS
from jsnsite.measurements.trending import NOT_CONNECTED, ONLY_DOUBTFUL_PAIRS


@pytest.fixture(scope="module")
def schema(tmp_path_factory):
    path = tmp_path_factory.mktemp("schema") / "schema.yml"
    call_command("spectacular", validate=True, fail_on_warn=True, file=str(path))
    return yaml.safe_load(path.read_text())


def test_the_schema_is_valid_and_names_every_address(schema):
    names = (
        "studies",
        "sites",
        "patients",
        "timepoints",
        "radiographs",
        "annotations",
        "outlines",
        "runs",
        "measurements",
        "trends",
        "reads",
    )
    assert set(schema["paths"]) >= {
        path for name in names for path in (f"/api/v1/{name}/", f"/api/v1/{name}/{{uuid}}/")
    }
    for name in ("measurements", "trends"):
        answers = schema["paths"][f"/api/v1/{name}/"]["get"]["responses"]["200"]["content"]
        assert set(answers) == {"application/json", "text/csv"}
    assert {"201", "422"} == set(schema["paths"]["/api/v1/radiographs/"]["post"]["responses"])


def test_the_schema_describes_the_fields_as_they_are_answered(schema):
    properties = schema["components"]["schemas"]["Measurement"]["properties"]
    assert list(properties) == MeasurementSerializer.Meta.fields
    assert all(
        re.search("(_mm|_deg|_scale)$", name)
        for name, it in properties.items()
        if it.get("format") == "double"
    )


def test_the_guide_for_statisticians_stands_at_its_head_and_names_only_what_exists(schema):
    guide = GUIDE.read_text()
    assert schema["info"]["description"] == guide
    named = set(re.findall(r"`([a-z]+(?:_[a-z0-9]+)+)`", guide))
    parameters = {
        it["name"] for path in schema["paths"].values() for it in path.get("get", {}).get("parameters", ())
    }
    fields = {name for it in schema["components"]["schemas"].values() for name in it.get("properties", ())}
    codes = {
        "spacing_source_differs",
        "spacing_value_differs",
        ONLY_DOUBTFUL_PAIRS,
        NOT_CONNECTED,
    }
    motion = {"dx_mm", "dy_mm", "rotation_deg"}
    assert named <= fields | parameters | {*CSV_FIELDS} | codes | motion


def test_schema_and_page_are_for_people_with_an_account(client, world):
    assert client.get("/api/schema/").status_code == 401
    page = client.get("/api/docs/")
    assert page.status_code == 302 and page.url.startswith(reverse("account_login"))
    client.force_login(world.trial_one)
    assert client.get("/api/schema/").status_code == 200
    assert client.get("/api/", follow=True).request["PATH_INFO"] == "/api/docs/"
    assert b"<script>" not in client.get("/api/docs/").content


def test_a_browser_shows_the_page_and_its_policy_blocks_nothing(live_server, world, measured):
    from playwright.sync_api import sync_playwright

    client = Client()
    client.force_login(world.reviewer_one)
    cookie = {"name": settings.SESSION_COOKIE_NAME, "url": live_server.url}
    cookie["value"] = client.cookies[settings.SESSION_COOKIE_NAME].value
    complaints: list[str] = []
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=find_chromium()) as browser,
    ):
        context = browser.new_context(base_url=live_server.url)
        context.add_cookies([cookie])
        page = context.new_page()
        page.on("console", lambda message: message.type == "error" and complaints.append(message.text))
        page.on("response", lambda response: response.ok or complaints.append(response.url))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto("/api/docs/")
        page.get_by_role("heading", name="Joint space narrowing, as data").wait_for()
        operation = page.locator("#operations-sites-sites_list")
        operation.locator(".opblock-summary-control").click()
        operation.get_by_role("button", name="Try it out").click()
        operation.get_by_role("button", name="Execute").click()
        operation.locator(".live-responses-table").get_by_text("200").first.wait_for()
        assert operation.locator(".live-responses-table").get_by_text('"study_code"').count()
    assert complaints == []
