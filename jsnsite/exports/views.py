"""The page that explains the REST interface and tries it out."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe


@login_required
@never_cache
@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    return render(request, "exports/docs.html")
