"""A slope in words, and the class that colours a joint by it on the hand map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext, pgettext
from django.utils.translation import gettext_lazy as _

from jsnsite.measurements.trends import Estimate, PatientPoint, Slope
from jsnsite.pages.words import signed_mm, unsigned_mm

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

#: Upper limits, mm a year, of the first two steps of narrowing; the third has none.
STEPS_MM_PER_YEAR = (0.1, 0.2)
#: A 95 % interval narrower than this deserves a third digit.
NARROW_MM_PER_YEAR = 0.1


@dataclass(frozen=True)
class SlopeClass:
    """``sign`` is drawn in the joint, so that colour is never alone; ``name`` is also the CSS class."""

    name: str
    sign: str
    words: StrOrPromise

    def __str__(self) -> str:
        return str(self.words)


CLASSES = {
    each.name: each
    for each in (
        SlopeClass("wider", "−", _("wider")),
        SlopeClass("still", "=", _("no change beyond chance")),
        SlopeClass("narrow-1", "1", _("narrower, under 0.1 mm a year")),
        SlopeClass("narrow-2", "2", _("narrower, 0.1 to 0.2 mm a year")),
        SlopeClass("narrow-3", "3", _("narrower, over 0.2 mm a year")),
        SlopeClass("none", "", _("no slope yet")),
    )
}


def slope_class(slope: Slope | None) -> SlopeClass:
    """Narrower or wider only where the 95 % interval leaves out 0."""
    if slope is None:
        return CLASSES["none"]
    if not slope.differs_from_zero:
        return CLASSES["still"]
    if slope.mm_per_year < 0:
        return CLASSES["wider"]
    steps = sum(slope.mm_per_year >= limit for limit in STEPS_MM_PER_YEAR)
    return CLASSES[f"narrow-{1 + steps}"]


@dataclass(frozen=True)
class SlopeNumbers:
    """A slope and the ends of its 95 % interval, mm a year, as written."""

    slope: str
    low: str
    high: str

    def __str__(self) -> str:
        return gettext("%(slope)s mm a year (95 %% %(low)s to %(high)s)") % vars(self)


def slope_numbers(slope: Slope) -> SlopeNumbers:
    """``+0.12 mm a year (95 % +0.05 to +0.19)``; a third digit where the interval is narrow, or where an end that
    leaves out 0 would read as 0.
    """
    ends = slope.low_mm_per_year, slope.high_mm_per_year
    reads_zero = slope.differs_from_zero and min(map(abs, ends)) < 0.005
    digits = 3 if ends[1] - ends[0] < NARROW_MM_PER_YEAR or reads_zero else 2
    return SlopeNumbers(*(signed_mm(value, digits) for value in (slope.mm_per_year, *ends)))


def slope_verdict(slope: Slope) -> str:
    """What the interval says."""
    if not slope.differs_from_zero:
        return gettext("no change beyond chance")
    if slope.mm_per_year > 0:
        return gettext("narrower than chance explains")
    return gettext("wider than chance explains")


def slope_words(slope: Slope | None) -> str:
    """Numbers and verdict in one line."""
    if slope is None:
        return gettext("No slope yet: it takes two films that count, on two days.")
    return f"{slope_numbers(slope)}: {slope_verdict(slope)}"


def change_words(newest: Estimate | PatientPoint | None, sdc_mm: float | None) -> str:
    """The newest value against the smallest detectable change; "" without both."""
    if newest is None or newest.jsn_mm is None or sdc_mm is None:
        return ""
    values = {"jsn": signed_mm(newest.jsn_mm), "sdc": unsigned_mm(sdc_mm)}
    if abs(newest.jsn_mm) > sdc_mm:
        return (
            pgettext("newest value", "%(jsn)s mm, beyond the smallest detectable change of %(sdc)s mm")
            % values
        )
    return (
        pgettext("newest value", "%(jsn)s mm, within the smallest detectable change of %(sdc)s mm") % values
    )
