"""The base of every viewset: scope, filters, pages and caching, once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, TypeVar

from django.db.models import Model, QuerySet
from django.http import StreamingHttpResponse
from django.utils.cache import add_never_cache_headers
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from jsnsite.exports.csv_stream import CsvRenderer, streamed
from jsnsite.exports.filters import StrictFilterBackend
from jsnsite.exports.pagination import UuidCursorPagination
from jsnsite.scoping import Action

ModelT = TypeVar("ModelT", bound=Model)

ROWS_PER_FETCH = 500


class ScopedViewSet(ListModelMixin, RetrieveModelMixin, GenericViewSet[ModelT]):
    """List and detail of what the person may fetch; everything else is 404. Subclasses set ``queryset`` (a
    ``ScopedQuerySet``), ``serializer_class`` and ``filterset_class``.
    """

    #: What the person must be allowed to do with a row to see it here.
    scope = Action.EXPORT
    permission_classes = [IsAuthenticated]
    filter_backends = [StrictFilterBackend]
    pagination_class = UuidCursorPagination
    lookup_field = "uuid"
    lookup_value_converter = "uuid"

    def get_queryset(self) -> QuerySet[ModelT]:
        user = getattr(self.request, "user", None)  # no request while the schema is drawn
        restricted: QuerySet[ModelT] = super().get_queryset().restrict(user, self.scope)  # type: ignore[attr-defined]
        return restricted

    def filter_queryset(self, queryset: Any) -> Any:
        """Filters are the list's: one row is found by its id alone."""
        return super().filter_queryset(queryset) if self.action == "list" else queryset

    def handle_exception(self, exc: Exception) -> Response:
        """A refusal is JSON, whatever form the rows were wanted in."""
        response = super().handle_exception(exc)
        self.request.accepted_renderer = JSONRenderer()
        self.request.accepted_media_type = JSONRenderer.media_type
        return response

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Answers are for this person and this moment: no cache keeps them."""
        final = super().finalize_response(request, response, *args, **kwargs)
        add_never_cache_headers(final)
        return final


class CsvViewSet(ScopedViewSet[ModelT]):
    """A list that also comes as CSV, streamed whole. Subclasses say what its lines are."""

    #: Order of the CSV's rows: as a person would read them, and the same every time.
    reading_order: ClassVar[list[str]]
    csv_header: ClassVar[list[str]]
    csv_name: ClassVar[str]

    @property
    def throttle_scope(self) -> str | None:
        return "export" if getattr(self.request.accepted_renderer, "format", "") == "csv" else None

    def get_renderers(self) -> list[BaseRenderer]:
        return [JSONRenderer(), CsvRenderer()] if self.action == "list" else [JSONRenderer()]

    def csv_lines(self, row: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
        """The lines of a row as JSON has it."""
        return [row]

    def list_or_csv(self, request: Request) -> Response | StreamingHttpResponse:
        """JSON comes in pages, CSV whole."""
        if getattr(request.accepted_renderer, "format", "") != "csv":
            return super().list(request)
        rows = self.filter_queryset(self.get_queryset()).order_by(*self.reading_order)
        serializer: Any = self.get_serializer()
        lines = (
            line
            for row in rows.iterator(chunk_size=ROWS_PER_FETCH)
            for line in self.csv_lines(serializer.to_representation(row))
        )
        return streamed(lines, dict, self.csv_header, file_name=self.csv_name)
