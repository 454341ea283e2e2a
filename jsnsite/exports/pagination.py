"""Pages of a list, by cursor: stable while rows are added, and no count to give anything away."""

from __future__ import annotations

from uuid import UUID

from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request


class UuidCursorPagination(CursorPagination):
    """Walks in the order of the public ids: random, hence silent about when and in which order rows were made."""

    ordering = "uuid"
    page_size = 100
    max_page_size = 1000
    page_size_query_param = "page_size"
    page_size_query_description = f"Rows per page, 1 to {max_page_size}."

    def get_page_size(self, request: Request) -> int:
        """Rows per page. Raises ``ValidationError`` (400) outside 1 to ``max_page_size``."""
        wanted = request.query_params.get("page_size")
        if wanted is None:
            return self.page_size
        if not (wanted.isascii() and wanted.isdigit() and 1 <= int(wanted[:9]) <= self.max_page_size):
            raise ValidationError({"page_size": [f"Choose a number from 1 to {self.max_page_size}."]})
        return int(wanted)

    def decode_cursor(self, request: Request) -> Cursor | None:
        """The place in the list. Raises ``ValidationError`` (400) for a cursor that is none of ours."""
        try:
            cursor = super().decode_cursor(request)
            if cursor is not None and cursor.position is not None:
                UUID(str(cursor.position))
        except (NotFound, ValueError) as error:
            raise ValidationError(
                {"cursor": ["Take the address of a page from `next` or `previous`."]}
            ) from error
        return cursor
