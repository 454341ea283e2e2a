"""Permissions of the REST interface. Scope itself is the queryset's: ``restrict(user, Action.EXPORT)``."""

from typing import Any

from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request

__all__ = ["DenyAll", "IsAuthenticated"]


class DenyAll(BasePermission):
    """The default: a view that names no permission refuses everyone."""

    message = "This address names no permission, so it is closed."

    def has_permission(self, request: Request, view: Any) -> bool:
        return False
