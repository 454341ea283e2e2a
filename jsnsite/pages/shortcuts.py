"""Small helpers that keep views to a few lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from jsnsite.accounts.models import User
from jsnsite.errors import DomainError
from jsnsite.radiographs.models import UploadRecord


class SignedInRequest(HttpRequest):
    """A request behind ``login_required``, with what the middleware adds."""

    user: User
    htmx: HtmxDetails


@contextmanager
def refusals_as_messages(request: HttpRequest) -> Iterator[None]:
    """A rule that refuses becomes a message on the next page, in its own words."""
    try:
        yield
    except DomainError as refusal:
        messages.error(request, str(refusal))


def page_of(request: HttpRequest, items: QuerySet[Any] | Sequence[Any], size: int = 25) -> Page[Any]:
    """The page of ``items`` that ``?page=`` asks for; the nearest one where it asks for nonsense."""
    return Paginator(items, size).get_page(request.GET.get("page"))


def with_names(records: Iterable[UploadRecord], user: User) -> list[tuple[UploadRecord, str]]:
    """Uploads with the file names that ``user`` may see: their own."""
    return [(record, record.name_for(user)) for record in records]
