"""Small helpers that keep views to a few lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest

from jsnsite.errors import DomainError


@contextmanager
def refusals_as_messages(request: HttpRequest) -> Iterator[None]:
    """A rule that refuses becomes a message on the next page, in its own words."""
    try:
        yield
    except DomainError as refusal:
        messages.error(request, refusal.message)


def page_of(request: HttpRequest, items: QuerySet[Any] | Sequence[Any], size: int = 25) -> Page[Any]:
    """The page of ``items`` that ``?page=`` asks for; the nearest one where it asks for nonsense."""
    return Paginator(items, size).get_page(request.GET.get("page"))
