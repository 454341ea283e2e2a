"""Lists as CSV (RFC 4180, UTF-8), written row by row: memory does not grow with the list."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from io import StringIO
from typing import Any

from django.http import StreamingHttpResponse
from rest_framework.renderers import BaseRenderer

#: A spreadsheet takes a text that begins so for a formula (OWASP, CSV injection).
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
_BYTES_PER_CHUNK = 64 * 1024


class CsvRenderer(BaseRenderer):
    """Names the format for content negotiation. Lists are streamed by ``streamed``, never rendered whole."""

    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> str:
        return "" if data is None else json.dumps(data, default=str)


def streamed(
    rows: Iterable[Any], to_dict: Callable[[Any], Mapping[str, Any]], header: list[str], *, file_name: str
) -> StreamingHttpResponse:
    """An answer with one header row and one line for each of ``rows``, columns in ``header``'s order."""
    table = (to_dict(row) for row in rows)
    response = StreamingHttpResponse(_chunks(table, header), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{file_name}"'
    return response


def cell(value: Any) -> Any:
    """A JSON value as a cell: lists joined by ``;``, objects as JSON, text that looks like a formula quoted by
    ``'``.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list):
        value = ";".join(map(str, value))
    elif isinstance(value, dict):
        value = json.dumps(value, sort_keys=True, ensure_ascii=False)
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def _chunks(table: Iterable[Mapping[str, Any]], header: list[str]) -> Iterator[bytes]:
    buffer = StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(header)
    for row in table:
        writer.writerow([cell(row[name]) for name in header])
        if buffer.tell() >= _BYTES_PER_CHUNK:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()
