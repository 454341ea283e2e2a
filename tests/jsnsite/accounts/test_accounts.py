"""Signing in, tokens, roles."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.urls import reverse
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from jsnsite.accounts import queries, services
from jsnsite.accounts.models import ApiToken, Membership
from jsnsite.errors import DomainError
from jsnsite.scoping import Role


@pytest.fixture(autouse=True)
def no_rate_limit_left_over():
    cache.clear()


def authenticate(secret: str):
    from knox.auth import TokenAuthentication

    request = APIView().initialize_request(
        APIRequestFactory().get("/", headers={"Authorization": f"Token {secret}"})
    )
    return TokenAuthentication().authenticate(request)


def test_a_token_is_shown_once_and_only_its_hash_is_kept(world):
    token, secret = services.create_token(user=world.trial_one, name="statistics")
    assert secret.startswith("jsn_")
    row = ApiToken.objects.values().get()
    assert secret not in str(row)
    assert authenticate(secret) == (world.trial_one, token)


def test_a_revoked_token_or_one_of_someone_gone_opens_nothing(world):
    from rest_framework.exceptions import AuthenticationFailed

    token, secret = services.create_token(user=world.trial_one, name="a")
    services.revoke_token(user=world.staff_a, token_uuid=token.uuid)
    assert authenticate(secret)
    world.trial_one.is_active = False
    world.trial_one.save()
    with pytest.raises(AuthenticationFailed):
        authenticate(secret)
    world.trial_one.is_active = True
    world.trial_one.save()
    services.revoke_token(user=world.trial_one, token_uuid=token.uuid)
    with pytest.raises(AuthenticationFailed):
        authenticate(secret)


def test_an_expired_token_opens_nothing(world):
    from rest_framework.exceptions import AuthenticationFailed

    _, secret = services.create_token(user=world.trial_one, name="a", valid_for=timedelta(seconds=-1))
    with pytest.raises(AuthenticationFailed):
        authenticate(secret)


def test_a_token_needs_a_name_and_is_listed_for_its_owner_only(world):
    for name in ("", "  ", "x" * 81):
        with pytest.raises(DomainError):
            services.create_token(user=world.trial_one, name=name)
    services.create_token(user=world.trial_one, name="a")
    assert queries.tokens_of(world.trial_one).count() == 1
    assert queries.tokens_of(world.staff_a).count() == 0


def test_granting_twice_is_one_role_and_a_site_of_another_study_is_refused(world):
    before = Membership.objects.count()
    for _ in range(2):
        services.grant(user=world.outsider, role=Role.REVIEWER, study=world.one)
    assert Membership.objects.count() == before + 1
    with pytest.raises(ValidationError):
        services.grant(user=world.outsider, role=Role.SITE_STAFF, study=world.two, site=world.a)


def test_changes_of_roles_are_in_the_history(world):
    membership = Membership.objects.get(user=world.staff_a)
    membership.site = world.b
    membership.save()
    membership.delete()
    assert [row.history_type for row in Membership.history.filter(user=world.staff_a)] == ["-", "~", "+"]


def test_nobody_signs_up(client, db):
    response = client.get(reverse("account_signup"))
    assert b"password1" not in response.content


def test_guessing_passwords_is_slowed_down(client, world):
    world.staff_a.set_password("a-long-password")
    world.staff_a.save()
    url = reverse("account_login")
    for _ in range(6):
        client.post(url, {"login": "staff_a", "password": "wrong"})
    client.post(url, {"login": "staff_a", "password": "a-long-password"})
    assert "_auth_user_id" not in client.session
    cache.clear()
    client.post(url, {"login": "staff_a", "password": "a-long-password"})
    assert client.session["_auth_user_id"] == str(world.staff_a.pk)


def test_the_admin_signs_in_through_the_same_door(client, db):
    response = client.get("/admin/")
    assert response.status_code == 302
    assert client.get(response.url).url.startswith(reverse("account_login"))
