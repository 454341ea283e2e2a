"""Accepting and flagging over REST."""

from __future__ import annotations

import pytest

from tests.jsnsite.api.conftest import V1, all_rows

PATH = f"{V1}reads/"


@pytest.fixture
def read(client_of):
    """Send a verdict as somebody."""

    def send(who, measurement, verdict, **given):
        body = {"measurement": str(measurement.uuid), "verdict": verdict} | given
        return client_of(who).post(PATH, body, format="json")

    return send


def test_a_flag_over_rest_is_seen_in_the_measurement(measured, client_of, read):
    response = read("reviewer_one", measured["a"], "flagged", reason_code="out_of_plane", comment="turned")
    assert response.status_code == 201
    assert response.json()["standing"] is True and response.json()["verdict"] == "flagged"
    row = client_of("trial_one").get(f"{V1}measurements/{measured['a'].uuid}/").json()
    assert row["flagged"] is True and row["flag_reasons"] == ["out_of_plane"]
    flagged = all_rows(client_of("trial_one"), f"{V1}measurements/", flagged="true")
    assert [found["uuid"] for found in flagged] == [str(measured["a"].uuid)]


def test_a_change_of_mind_is_a_newer_read_and_the_older_one_stays(measured, client_of, read):
    for verdict in ("accepted", "withdrawn", "accepted"):
        assert read("reviewer_one", measured["a"], verdict).status_code == 201
    client = client_of("reviewer_one")
    assert [row["verdict"] for row in all_rows(client, PATH)] == ["accepted"]
    assert len(all_rows(client, PATH, all="true")) == 3


def test_there_must_be_something_to_withdraw(measured, read):
    response = read("reviewer_one", measured["a"], "withdrawn")
    assert response.status_code == 409
    assert response.json()["code"] == "nothing_to_withdraw"


@pytest.mark.parametrize("who", ["staff_a", "trial_one", "admin_one"])
def test_only_reviewers_read(measured, read, who):
    response = read(who, measured["a"], "accepted")
    assert response.status_code == 403 and response.json()["code"] == "not_allowed"


def test_a_measurement_out_of_scope_cannot_be_read(measured, read):
    for who, site in (("reviewer_b", "a"), ("reviewer_one", "c"), ("outsider", "a")):
        assert read(who, measured[site], "accepted").status_code == 404


@pytest.mark.parametrize(
    "given",
    [
        {"verdict": "flagged"},
        {"verdict": "flagged", "reason_code": ""},
        {"verdict": "flagged", "reason_code": "ugly"},
        {"verdict": "accepted", "reason_code": "overlap"},
        {"verdict": "perhaps"},
        {"verdict": None},
        {"verdict": "accepted", "comment": "x" * 2001},
        {"verdict": "accepted", "comment": "a\x00b"},
        {"verdict": "accepted", "measurement": "1"},
        {"verdict": ["accepted"]},
    ],
)
def test_an_incomplete_or_unknown_verdict_is_refused(measured, client_of, given):
    body = {"measurement": str(measured["a"].uuid)} | given
    response = client_of("reviewer_one").post(PATH, body, format="json")
    assert response.status_code == 400


def test_another_reason_needs_words(measured, read):
    response = read("reviewer_one", measured["a"], "flagged", reason_code="other")
    assert response.status_code == 409 and response.json()["code"] == "comment_missing"


@pytest.mark.parametrize("body", ["", "[]", "null", "{", '{"a":' + "[" * 100_000, '"\\ud800"', "NaN", "\xff"])
def test_a_body_that_is_no_verdict_is_refused(measured, client_of, body):
    response = client_of("reviewer_one").post(PATH, body.encode("latin-1"), content_type="application/json")
    assert response.status_code == 400


def test_a_body_has_a_bound(measured, client_of, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    response = client_of("reviewer_one").post(PATH, {"comment": "x" * 1000}, format="json")
    assert response.status_code == 413


def test_reads_are_filtered(measured, client_of, read):
    read("reviewer_one", measured["a"], "flagged", reason_code="overlap")
    read("reviewer_b", measured["b"], "accepted")
    client = client_of("trial_one")
    for query, sites in (
        ({"verdict": "flagged"}, "a"),
        ({"reason_code": "overlap"}, "a"),
        ({"site": "b"}, "b"),
        ({"measurement": measured["b"].uuid}, "b"),
        ({"joint": "PIP5"}, ""),
        ({"verdict": ["flagged", "accepted"]}, "ab"),
    ):
        assert {row["site_code"] for row in all_rows(client, PATH, **query)} == set(sites), query
