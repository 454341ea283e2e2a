"""Verbs on accounts: API tokens and memberships."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.db import transaction

from jsnsite.accounts.models import ApiToken, Membership, User
from jsnsite.errors import DomainError
from jsnsite.scoping import Role
from jsnsite.studies.models import Site, Study


@transaction.atomic
def create_token(
    *, user: User, name: str, valid_for: timedelta = timedelta(days=365)
) -> tuple[ApiToken, str]:
    """A new API token and its secret, which is not kept: show it once."""
    name = name.strip()
    if not name or len(name) > 80:
        raise DomainError(
            "token_name", "Give the token a name of up to 80 characters that says what uses it."
        )
    # knox's manager takes a duration and gives the secret beside the row.
    token, secret = ApiToken.objects.create(user=user, expiry=valid_for, name=name)  # type: ignore[misc]
    return token, secret


@transaction.atomic
def revoke_token(*, user: User, token_uuid: UUID) -> None:
    """End one of ``user``'s own tokens at once. Revoking it again does nothing."""
    ApiToken.objects.filter(user=user, uuid=token_uuid).delete()


@transaction.atomic
def grant(*, user: User, role: Role, study: Study, site: Site | None = None) -> Membership:
    """Give ``user`` a role in ``study`` or at ``site``; the same grant twice is one."""
    existing = Membership.objects.filter(user=user, role=role, study=study, site=site).first()
    if existing:
        return existing
    membership = Membership(user=user, role=role, study=study, site=site)
    membership.full_clean()
    membership.save()
    return membership
