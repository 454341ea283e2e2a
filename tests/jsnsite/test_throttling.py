"""Writing on pages has a limit for each person, which no honest work meets."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from jsnsite.throttling import PageWriteThrottle


@pytest.fixture(autouse=True)
def fresh_counts():
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def three_a_minute(monkeypatch):
    monkeypatch.setattr(PageWriteThrottle, "rate", "3/min", raising=False)


def signed_in(user, **options) -> Client:
    client = Client(**options)
    client.force_login(user)
    return client


def accept(client: Client, measurement, **headers):
    address = reverse("reviews:read", args=[measurement.uuid])
    return client.post(address, {"verdict": "accepted"}, headers=headers)


def test_a_thousand_films_or_verdicts_within_a_minute_are_not_too_many(rf, world):
    request = rf.post("/")
    request.user = world.staff_a
    assert all(PageWriteThrottle().allow_request(request, None) for _ in range(1000))


def test_who_writes_too_fast_gets_a_page_that_says_when_to_come_back(world, measured, three_a_minute):
    client = signed_in(world.reviewer_one)
    assert [accept(client, measured["a"]).status_code for _ in range(4)] == [302, 302, 302, 429]
    answer = accept(client, measured["a"])
    assert 0 < int(answer.headers["Retry-After"]) <= 60
    assert "429.html" in [template.name for template in answer.templates]
    assert b"Nothing was saved" in answer.content and b"To the start page" in answer.content
    assert measured["a"].reads.count() == 3


def test_a_script_gets_the_sentence_as_json(world, measured, three_a_minute):
    client = signed_in(world.reviewer_one)
    answers = [accept(client, measured["a"], accept="application/json") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert "Nothing was saved" in answers[-1].json()["message"]
    assert answers[-1].headers["Retry-After"]


def test_the_limit_is_each_persons_own_and_holds_over_all_their_sessions(world, measured, three_a_minute):
    for _ in range(3):
        accept(signed_in(world.reviewer_one), measured["b"])
    assert accept(signed_in(world.reviewer_one), measured["b"]).status_code == 429
    assert accept(signed_in(world.reviewer_b), measured["b"]).status_code == 302


def test_looking_signing_out_and_rest_are_not_counted_as_writing(world, measured, three_a_minute):
    client = signed_in(world.reviewer_one)
    for _ in range(5):
        assert client.get("/worklist/").status_code == 200
        assert client.post("/api/v1/reads/", {}, content_type="application/json").status_code != 429
    assert [accept(client, measured["a"]).status_code for _ in range(4)] == [302, 302, 302, 429]
    assert client.get("/worklist/").status_code == 200
    assert client.post(reverse("account_logout")).status_code == 302


def test_forged_forms_do_not_use_up_a_persons_limit(world, measured, three_a_minute):
    forged = signed_in(world.reviewer_one, enforce_csrf_checks=True)
    assert {accept(forged, measured["a"]).status_code for _ in range(5)} == {403}
    assert accept(signed_in(world.reviewer_one), measured["a"]).status_code == 302


def test_uploads_are_counted_one_by_one(world, three_a_minute):
    client = signed_in(world.staff_a)
    address = reverse("radiographs:upload", args=[world.timepoints(world.a)[0].uuid])
    assert [client.post(address).status_code for _ in range(4)] == [302, 302, 302, 429]
