"""A reader's worklist: its order, how far it is, and what comes next. The database filters, sorts and counts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Q

from jsnsite.measurements.current import doubt_key
from jsnsite.measurements.models import CurrentMeasurementQuerySet, JointMeasurement
from jsnsite.pages.shortcuts import SignedInRequest
from jsnsite.reviews.filters import WorklistFilter
from jsnsite.reviews.models import ReadVerdict
from jsnsite.reviews.queries import STANDING, has_verdict, own_verdicts, readable

PAGE_SIZE = 25


@dataclass(frozen=True)
class Progress:
    """How many joints of the list, whatever the status asked for, this reader has read."""

    accepted: int
    flagged: int
    total: int

    @property
    def done(self) -> int:
        return self.accepted + self.flagged

    @property
    def left(self) -> int:
        return self.total - self.done


class Worklist:
    """The list as the address filters it, most doubtful first."""

    def __init__(self, request: SignedInRequest) -> None:
        self._reader = request.user
        self.filters = WorklistFilter(request.GET, queryset=readable(request.user), request=request)
        self.status = self.filters.value("status")

    @cached_property
    def progress(self) -> Progress:
        # one count each: what few rows have is found by those rows
        return Progress(
            accepted=self._with(ReadVerdict.ACCEPTED).count(),
            flagged=self._with(ReadVerdict.FLAGGED).count(),
            total=self.filters.qs.count(),
        )

    def page(self, number: str | None) -> Page[Any]:
        """One page of those that have the status asked for, with all that a row shows and ``own_verdict``."""
        paginator = Paginator(self._asked.values_list("pk", flat=True), PAGE_SIZE)
        paginator.count = self._n_asked
        page: Page[Any] = paginator.get_page(number)
        rows = _rows(page.object_list)
        verdicts = own_verdicts(self._reader, rows)
        for pk, row in rows.items():
            row.own_verdict = verdicts.get(pk, "")  # type: ignore[attr-defined]
        page.object_list = list(rows.values())
        return page

    def around(
        self, measurement: JointMeasurement
    ) -> tuple[JointMeasurement | None, JointMeasurement | None]:
        """What comes right before ``measurement``, read or not, and the next with the status asked for; from the
        top again at the end.
        """
        before, after = _either_side(measurement)
        preceding = _first(self.filters.qs.filter(before).reverse())
        following = _first(self._asked.filter(after)) or _first(self._asked.filter(before))
        rows = _rows(pk for pk in (preceding, following) if pk)
        return rows.get(preceding or 0), rows.get(following or 0)

    @property
    def _asked(self) -> CurrentMeasurementQuerySet:
        found: CurrentMeasurementQuerySet = self.filters.qs
        if self.status == "all":
            return found
        return self._with(self.status) if self.status else found.exclude(has_verdict(self._reader, *STANDING))

    @property
    def _n_asked(self) -> int:
        known = {"": self.progress.left, "all": self.progress.total}
        return known[self.status] if self.status in known else int(getattr(self.progress, self.status))

    def _with(self, verdict: str) -> CurrentMeasurementQuerySet:
        found: CurrentMeasurementQuerySet = self.filters.qs.filter(has_verdict(self._reader, verdict))
        return found


def _either_side(measurement: JointMeasurement) -> tuple[Q, Q]:
    """What comes before, and what after the place that ``measurement`` has, or would have, in the list."""
    rank, less_mm, pk = doubt_key(measurement)
    same_rank, same_doubt = Q(doubt_rank=rank), Q(doubt_rank=rank, doubt_less_mm=less_mm)
    before = Q(doubt_rank__lt=rank) | same_rank & Q(doubt_less_mm__lt=less_mm) | same_doubt & Q(pk__lt=pk)
    after = Q(doubt_rank__gt=rank) | same_rank & Q(doubt_less_mm__gt=less_mm) | same_doubt & Q(pk__gt=pk)
    return before, after


def _first(found: CurrentMeasurementQuerySet) -> int | None:
    return found.values_list("pk", flat=True).first()


def _rows(pks: Iterable[int]) -> dict[int, JointMeasurement]:
    """The measurements with all that a row shows, by primary key, in the given order."""
    wanted = list(pks)
    found = {row.pk: row for row in JointMeasurement.objects.filter(pk__in=wanted).with_context()}
    return {pk: found[pk] for pk in wanted}
