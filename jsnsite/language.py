"""The language of a page: what a person has chosen, else what the browser asks for. Data has none."""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.utils import translation

#: Of what programs fetch, and of what is kept in the record.
NEUTRAL = "en"
#: REST and CSV: codes, decimal points and sentences of errors are the same for every client.
FOR_PROGRAMS = ("/api/v1/", "/api/schema/")


class LanguageMiddleware(LocaleMiddleware):
    """Django's own for pages; what programs fetch stays in ``NEUTRAL``."""

    def process_request(self, request: HttpRequest) -> None:
        if not request.path_info.startswith(FOR_PROGRAMS):
            super().process_request(request)
            return
        translation.activate(NEUTRAL)
        request.LANGUAGE_CODE = NEUTRAL

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if request.path_info.startswith(FOR_PROGRAMS):
            return response
        return super().process_response(request, response)
