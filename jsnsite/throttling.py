"""How fast one person may write on pages. Signing in has allauth's limits, REST has its own throttles."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from rest_framework.throttling import UserRateThrottle

READS = ("GET", "HEAD", "OPTIONS", "TRACE")
#: Signing out is never refused.
FREE = ("account_logout",)


class PageWriteThrottle(UserRateThrottle):
    """``page_write`` of ``DEFAULT_THROTTLE_RATES`` for each person, counted in the cache that all processes share."""

    scope = "page_write"


class PageWriteMiddleware:
    """Answers 429 with ``Retry-After`` to a person who writes faster than any reader or upload does.

    It stands behind the middlewares that check the CSRF token and know the person: forged requests do not count.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        if not _counts(request, view):
            return None
        throttle = PageWriteThrottle()
        if throttle.allow_request(request, view):  # type: ignore[arg-type]
            return None
        return _refusal(request, ceil(throttle.wait() or 1))


def _counts(request: HttpRequest, view: Callable[..., Any]) -> bool:
    is_rest = hasattr(view, "cls")  # as Django REST framework marks its views
    match = request.resolver_match
    is_free = match is not None and match.url_name in FREE
    return request.method not in READS and request.user.is_authenticated and not is_rest and not is_free


def _refusal(request: HttpRequest, wait_s: int) -> HttpResponse:
    """The page, or its sentence for a script that asks for JSON."""
    sentence = _("Nothing was saved: too much was sent within a minute. Wait a minute, then try again.")
    if request.get_preferred_type(["text/html", "application/json"]) == "application/json":
        return JsonResponse({"message": sentence}, status=429, headers={"Retry-After": str(wait_s)})
    answer = render(request, "429.html", {"sentence": sentence}, status=429)
    answer["Retry-After"] = str(wait_s)
    return answer
