"""Template tags of the design system. ``{% load jsn %}``."""

from __future__ import annotations

from typing import Any

from django import template
from django.http import QueryDict
from django.template.context import RequestContext
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from jsnsite.measurements.models import Run
from jsnsite.pages import sentences, slopes, words
from jsnsite.pages.hand_map import HANDS
from jsnsite.pages.icons import ICONS
from jsnsite.pages.spark import SparkPoint
from jsnsite.radiographs.models import Radiograph

register = template.Library()

FILM_KINDS = {
    "needs_spacing": "needs",
    "queued": "busy",
    "locating": "busy",
    "ready": "ready",
    "failed": "failed",
}
RUN_KINDS = {"queued": "busy", "running": "busy", "done": "ready", "failed": "failed"}
RUN_WORDS = {"running": _("being measured"), "done": _("measured")}

register.filter("joint_name", words.joint_name)
register.filter("reason", words.reason)
register.filter("exact", words.exact)
register.filter("sentence", sentences.sentence)
register.filter("slope_words", slopes.slope_words)
register.filter("slope_numbers", slopes.slope_numbers)
register.filter("slope_verdict", slopes.slope_verdict)


@register.filter
def signed_mm(value: float | str | None, digits: int = 2) -> str:
    """As ``words.signed_mm``; a name that leads nowhere is "" in a template, and no number."""
    return words.signed_mm(None if isinstance(value, str) else value, digits)


@register.filter
def unsigned_mm(value: float | str | None, digits: int = 2) -> str:
    """As ``words.unsigned_mm``, with "" as no number."""
    return words.unsigned_mm(None if isinstance(value, str) else value, digits)


@register.simple_tag
def icon(name: str, extra: str = "") -> SafeString:
    """An icon beside a word: hidden from screen readers."""
    return format_html(
        '<svg class="icon {}" viewBox="0 0 24 24" aria-hidden="true">{}</svg>',
        extra,
        mark_safe(ICONS[name]),  # noqa: S308 - our own constants
    )


@register.simple_tag
def badge(kind: str, text: str = "") -> SafeString:
    """A state as icon and word. ``kind``: a reliability, ``flagged``, or info, success, warning, error."""
    symbol = words.RELIABILITY_ICON.get(kind) or (kind if kind in ICONS else "info")
    return format_html(
        '<span class="badge {}">{}{}</span>', kind, icon(symbol), text or words.RELIABILITY.get(kind, kind)
    )


@register.simple_tag(takes_context=True)
def query(context: RequestContext, **changes: Any) -> str:
    """The address's query with some values changed; None or "" removes one."""
    current: QueryDict = context["request"].GET.copy()
    for key, value in changes.items():
        if value in (None, ""):
            current.pop(key, None)
        else:
            current[key] = str(value)
    return "?" + current.urlencode()


@register.filter
def percent_of(part: int | None, whole: int | None) -> int:
    """``part`` of ``whole`` in whole per cent; 0 of nothing is 0."""
    return round(100 * (part or 0) / whole) if whole else 0


@register.filter
def half_width(sigma_mm: float | None) -> str:
    """1.96 sigma, two digits."""
    return words.unsigned_mm(None if sigma_mm is None else 1.96 * sigma_mm)


#: Marks inside a joint's circle on the hand map, about its centre: shape says what colour says.
MARKS = {
    "reliable": "M-3 .2l2.2 2.3L3.2-2.4",
    "review": "M0-3.2v3.6M0 3v.1",
    "unreliable": "M-2.4-2.4l4.8 4.8M2.4-2.4l-4.8 4.8",
    "flagged": "M-2 3.6v-7h4.6l-1.3 1.8L2.6 .6H-2",
}
#: Points of the small charts, about their centre.
POINTS = {
    "reliable": "M-3.2 0a3.2 3.2 0 106.4 0a3.2 3.2 0 10-6.4 0z",
    "baseline": "M-2 0a2 2 0 104 0a2 2 0 10-4 0z",
    "review": "M0-4l4 7h-8z",
    "unreliable": "M0-4.2L4.2 0 0 4.2-4.2 0z",
    "flagged": "M-2.5 4v-8h6l-1.5 2.3L3.5 .6h-4.5v3.4z",
}


@register.simple_tag
def mark(status: str, x: str, y: str) -> SafeString:
    """The sign inside a joint's circle."""
    path = '<path class="mark" transform="translate({} {})" d="{}"/>'
    return format_html(path, x, y, MARKS[status]) if status in MARKS else SafeString("")


@register.simple_tag
def spark_mark(point: SparkPoint) -> SafeString:
    """A point of a small chart in the shape of its reliability."""
    path = '<path class="spark-point {}" transform="translate({} {})" d="{}"/>'
    return format_html(path, point.status, point.x, point.y, POINTS[point.status])


@register.simple_tag
def sign(slope_class: slopes.SlopeClass, x: str, y: str) -> SafeString:
    """The sign of a slope inside a joint's circle."""
    text = '<text class="sign" x="{}" y="{}" dy="3.4">{}</text>'
    return format_html(text, x, y, slope_class.sign) if slope_class.sign else SafeString("")


#: A line of the hand map's legend: class, what is drawn inside the circle, words.
_SWATCH = (
    '<li><svg class="swatch hand" viewBox="-8 -8 16 16" aria-hidden="true">'
    '<circle class="joint {}" r="7"/>{}</svg>{}</li>'
)


@register.simple_tag
def legend_item(status: str) -> SafeString:
    """The legend's line for a reliability."""
    return format_html(_SWATCH, status, mark(status, "0", "0"), words.RELIABILITY[status])


@register.simple_tag
def slope_legend_item(slope_class: slopes.SlopeClass) -> SafeString:
    """The legend's line for a class of slope."""
    return format_html(_SWATCH, slope_class.name, sign(slope_class, "0", "0"), slope_class)


@register.simple_tag
def spark_legend_item(status: str) -> SafeString:
    """The legend's line for a mark of the charts."""
    line = (
        '<li><svg class="swatch" viewBox="-7 -7 14 14" aria-hidden="true">'
        '<path class="spark-point {}" transform="scale(1.3)" d="{}"/></svg>{}</li>'
    )
    return format_html(line, status, POINTS[status], words.RELIABILITY[status])


@register.filter
def reliability_word(status: str) -> str:
    """A reliability in words."""
    return str(words.RELIABILITY[status])


@register.filter
def size(value: float) -> float:
    """Without its sign."""
    return abs(value)


@register.simple_tag
def change(newest: Any, sdc_mm: float | None) -> str:
    """The newest value against the smallest detectable change, in words."""
    return slopes.change_words(newest, sdc_mm)


@register.simple_tag
def status_icon(status: str) -> SafeString:
    """The icon of a reliability with its word for screen readers only."""
    word = '<span class="status-icon {}">{}<span class="visually-hidden">{}: </span></span>'
    return format_html(word, status, icon(words.RELIABILITY_ICON[status]), words.RELIABILITY[status])


@register.simple_tag
def film_dot(side: str, film: Radiograph | None) -> SafeString:
    """A film as a small circle with its side; the state in words for screen readers and as a tooltip."""
    hand = HANDS[side]
    state = gettext("no film") if film is None else film.get_state_display()
    kind = "" if film is None else FILM_KINDS[film.state]
    dot = (
        '<span class="film-dot {}" title="{}: {}"><span aria-hidden="true">{}</span>'
        '<span class="visually-hidden">{}: {}</span></span>'
    )
    return format_html(dot, kind, hand, state, side, hand, state)


@register.simple_tag
def film_state(film: Radiograph) -> SafeString:
    """A film's state as a badge."""
    return _state_badge(FILM_KINDS[film.state], film.get_state_display())


@register.simple_tag
def run_state(run: Run) -> SafeString:
    """A run's state as a badge."""
    return _state_badge(RUN_KINDS[run.state], str(RUN_WORDS.get(run.state, run.get_state_display())))


def _state_badge(kind: str, text: str) -> SafeString:
    if kind == "busy":
        return format_html(
            '<span class="badge info"><span class="spinner" aria-hidden="true"></span>{}</span>', text
        )
    return badge({"ready": "success", "needs": "warning", "failed": "error"}[kind], text)
