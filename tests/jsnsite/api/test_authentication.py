"""Who gets in, how, and how often."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from rest_framework.test import APIClient, APIRequestFactory
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView

from jsnsite.accounts.services import create_token, revoke_token
from jsnsite.scoping import Role
from tests.jsnsite.api.conftest import V1
from tests.jsnsite.factories import member

PATH = f"{V1}measurements/"


def get(secret: str, scheme: str = "Token", path: str = PATH):
    return APIClient().get(path, headers={"Authorization": f"{scheme} {secret}"})


@pytest.mark.parametrize("scheme", ["Token", "token", "Bearer", "BEARER"])
def test_a_token_opens_what_its_owner_may_see(world, measured, scheme):
    _, secret = create_token(user=world.staff_a, name="script")
    rows = get(secret, scheme).json()["results"]
    assert [row["site_code"] for row in rows] == ["a"]


@pytest.mark.parametrize(
    "secret", ["", "x", "jsn_" + "0" * 64, "a b", "\xff\xfe", "jsn_\x7f", "é" * 20, "x" * 5000]
)
def test_a_token_that_is_none_opens_nothing(world, secret):
    create_token(user=world.staff_a, name="script")
    response = get(secret)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Token"


def test_a_token_ends_by_time_by_hand_and_with_its_owner(world):
    token, revoked = create_token(user=world.staff_a, name="a")
    assert get(revoked).status_code == 200
    revoke_token(user=world.staff_a, token_uuid=token.uuid)
    assert get(revoked).status_code == 401
    _, expired = create_token(user=world.staff_a, name="b", valid_for=timedelta(seconds=-1))
    assert get(expired).status_code == 401
    _, of_someone_gone = create_token(user=world.staff_a, name="c")
    world.staff_a.is_active = False
    world.staff_a.save()
    assert get(of_someone_gone).status_code == 401


def test_a_role_that_is_taken_away_takes_its_rows_along(world, measured):
    user = member(Role.TRIAL, world.one)
    _, secret = create_token(user=user, name="a")
    assert len(get(secret).json()["results"]) == 2
    user.membership_set.all().delete()
    assert get(secret).json()["results"] == []


def test_a_session_reads_and_writes_only_with_the_page_s_own_token(world, measured):
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(world.reviewer_one)
    assert client.get(PATH).status_code == 200
    body = {"measurement": str(measured["a"].uuid), "verdict": "accepted"}
    assert client.post(f"{V1}reads/", body, format="json").status_code == 403
    page = client.get(reverse("exports:docs"))
    headers = {"X-CSRFToken": str(page.context["csrf_token"])}
    assert client.post(f"{V1}reads/", body, format="json", headers=headers).status_code == 201


def test_a_view_that_names_no_permission_refuses_everyone(world):
    class Forgotten(APIView):
        def get(self, request):
            raise AssertionError

    request = APIRequestFactory().get("/")
    request.user = world.superuser
    response = Forgotten.as_view()(request)
    assert response.status_code in (401, 403)


@pytest.mark.parametrize(("scope", "query"), [("user", {}), ("export", {"format": "csv"})])
def test_who_asks_too_often_is_told_to_wait(world, client_of, monkeypatch, scope, query):
    monkeypatch.setitem(SimpleRateThrottle.THROTTLE_RATES, scope, "2/min")
    client = client_of("trial_one")
    answers = [client.get(PATH, query) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[2].headers["Retry-After"]) > 0
    assert client_of("staff_a").get(PATH, query).status_code == 200
