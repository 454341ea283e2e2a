"""The design system on a page of its own: tokens as the style sheet has them, components as pages use them.

Only where pages are made: ``JSN_DESIGN_PAGE`` is off in production, and nothing links here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django import forms
from django.conf import settings
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from jsnsite.pages.icons import ICONS
from jsnsite.pages.slopes import CLASSES
from jsnsite.pages.words import REASONS, RELIABILITY
from jsnsite.radiographs.models import Radiograph, RadiographState, UploadRecord

TOKENS = settings.BASE_DIR / "frontend" / "src" / "styles" / "tokens.css"
_TOKEN = re.compile(r"^\s*(--[\w-]+):\s*(.+);$", re.MULTILINE)
_COLOUR = re.compile(r"light-dark\((#\w{6}), (#\w{6})\)")
_REM_PX = 16


@dataclass(frozen=True)
class Colour:
    name: str
    light: str
    dark: str


@dataclass(frozen=True)
class Length:
    name: str
    rem: float

    @property
    def px(self) -> float:
        return self.rem * _REM_PX


class ExampleForm(forms.Form):
    """One field of each kind; sent empty, it shows how an error looks."""

    code = forms.CharField(label="Subject code", help_text="The study's code; never a name.")
    spacing_mm = forms.FloatField(label="Pixel spacing, mm", min_value=0)
    date = forms.DateField(label="Date", widget=forms.DateInput({"type": "date"}))
    side = forms.ChoiceField(label="Hand", choices=[("R", "right"), ("L", "left")], initial="R")
    comment = forms.CharField(label="Comment", widget=forms.Textarea({"rows": 2}), required=False)


@require_safe
def design(request: HttpRequest) -> HttpResponse:
    """Every token and component."""
    if not settings.JSN_DESIGN_PAGE:
        raise Http404
    context = tokens() | {
        "icons": sorted(ICONS),
        "statuses": list(RELIABILITY),
        "reasons": list(REASONS.items())[:4],
        "slope_classes": list(CLASSES.values()),
        "films": [Radiograph(state=state) for state in RadiographState],
        "verdicts": _verdicts(),
        "form": ExampleForm({"code": "BER-001", "spacing_mm": "a", "side": "R"}),
        "page": Paginator(range(60), 25).get_page(2),
    }
    return render(request, "design.html", context)


def tokens() -> dict[str, Any]:
    """Colours, type sizes and spaces by the names that components use."""
    found: list[tuple[str, str]] = _TOKEN.findall(TOKENS.read_text())
    lengths = [Length(name, float(value[:-3])) for name, value in found if value.endswith("rem")]
    return {
        "colours": [
            Colour(name, *colour.groups()) for name, value in found if (colour := _COLOUR.fullmatch(value))
        ],
        "sizes": [length for length in lengths if length.name.startswith("--text-")],
        "spaces": [length for length in lengths if length.name.startswith("--space-")],
    }


def _verdicts() -> list[tuple[UploadRecord, str]]:
    """An upload of each verdict, as the drop zone lists it."""
    return [
        (UploadRecord(verdict="accepted", message="Right hand, 0.143 mm a pixel."), "BER-001-R.dcm"),
        (
            UploadRecord(
                verdict="accepted_with_warning",
                message="Enter the pixel spacing: the film carries none.",
                warnings=[["no_spacing", "Without it nothing is measured."]],
            ),
            "a-file-name-that-is-long-and-has-no-space-in-it-" + "0" * 60 + ".dcm",
        ),
        (UploadRecord(verdict="rejected", message="This is no DICOM file."), "notes.txt"),
    ]
