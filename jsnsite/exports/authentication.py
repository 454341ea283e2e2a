"""Who asks over REST: a token of ``accounts`` in the Authorization header."""

from __future__ import annotations

import re

from knox.auth import TokenAuthentication as KnoxTokenAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from jsnsite.accounts.models import ApiToken, User

SCHEMES = ("token", "bearer")
_PRINTABLE = re.compile(r"[\x21-\x7e]{1,200}")


class TokenAuthentication(KnoxTokenAuthentication):
    """``Authorization: Token jsn_…``, or ``Bearer jsn_…`` for clients that speak only that."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """The token's owner and the token; None where the header is for another scheme.

        Raises ``AuthenticationFailed`` (401) for a token that is malformed, unknown, expired or revoked.
        """
        scheme, _, secret = request.META.get("HTTP_AUTHORIZATION", "").strip().partition(" ")
        if scheme.lower() not in SCHEMES:
            return None
        if not _PRINTABLE.fullmatch(secret.strip()):
            raise AuthenticationFailed("Send the header as “Authorization: Token <your token>”.")
        user, token = self.authenticate_credentials(secret.strip().encode())
        return user, token
