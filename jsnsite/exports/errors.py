"""Refusals as answers: a rule of the domain keeps its own words and status."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import RequestDataTooBig
from rest_framework import status
from rest_framework.response import Response
from rest_framework.views import exception_handler

from jsnsite.errors import DomainError


def answer(exc: Exception, context: dict[str, Any]) -> Response | None:
    """``{"detail", "code"}`` for a ``DomainError``; everything else as REST framework does it."""
    if isinstance(exc, DomainError):
        return Response({"detail": exc.message, "code": exc.code}, status=exc.http_status)
    if isinstance(exc, RequestDataTooBig):
        return Response(
            {"detail": "The request is too large."}, status=status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
        )
    return exception_handler(exc, context)
