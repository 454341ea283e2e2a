"""Reads about accounts."""

from __future__ import annotations

from django.db.models import QuerySet

from jsnsite.accounts.models import ApiToken, Membership, User


def tokens_of(user: User) -> QuerySet[ApiToken]:
    """``user``'s own tokens, newest first."""
    return ApiToken.objects.filter(user=user)


def roles_of(user: User) -> QuerySet[Membership]:
    """``user``'s memberships with study and site."""
    return Membership.objects.filter(user=user).select_related("study", "site")
