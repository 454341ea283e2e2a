"""A reader's worklist: its order, how far it is, and what comes next. Two queries, however long it is."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any, Final

from django.core.paginator import Page, Paginator

from jsnsite.measurements.models import JointMeasurement
from jsnsite.pages.shortcuts import SignedInRequest
from jsnsite.reviews.filters import WorklistFilter
from jsnsite.reviews.models import ReadVerdict
from jsnsite.reviews.queries import STANDING, doubt_key, own_verdicts, readable

PAGE_SIZE = 25

#: A joint in the list: ``doubt_key`` (rank, less sigma in mm, primary key).
Entry = tuple[int, float, int]
_PK: Final = 2


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
    def _entries(self) -> list[Entry]:
        return list(self.filters.qs.values_list("doubt_rank", "doubt_less_mm", "pk"))

    @cached_property
    def _verdicts(self) -> dict[int, str]:
        """The reader's own newest verdict by measurement; few against the list, so asked for by themselves."""
        return own_verdicts(self._reader)

    @cached_property
    def progress(self) -> Progress:
        known = {pk for *_, pk in self._entries} if self._verdicts else set()
        verdicts = Counter(verdict for pk, verdict in self._verdicts.items() if pk in known)
        return Progress(
            verdicts[ReadVerdict.ACCEPTED], verdicts[ReadVerdict.FLAGGED], total=len(self._entries)
        )

    def page(self, number: str | None) -> Page[Any]:
        """One page of those that have the status asked for, with all that a row shows and ``own_verdict``."""
        everything = self.status == "all"
        asked = self._entries if everything else [entry for entry in self._entries if self._asked(entry)]
        page: Page[Any] = Paginator(asked, PAGE_SIZE).get_page(number)
        rows = _rows(entry[_PK] for entry in page.object_list)
        for pk, row in rows.items():
            row.own_verdict = self._verdicts.get(pk, "")  # type: ignore[attr-defined]
        page.object_list = list(rows.values())
        return page

    def around(
        self, measurement: JointMeasurement
    ) -> tuple[JointMeasurement | None, JointMeasurement | None]:
        """What comes right before ``measurement``, read or not, and the next with the status asked for; from the
        top again at the end.
        """
        place = bisect_left(self._entries, doubt_key(measurement))
        on_and_round = chain(self._entries[place:], self._entries[:place])
        following = next((e for e in on_and_round if e[_PK] != measurement.pk and self._asked(e)), None)
        preceding = self._entries[place - 1] if place else None
        rows = _rows(entry[_PK] for entry in (preceding, following) if entry)
        return preceding and rows[preceding[_PK]], following and rows[following[_PK]]

    def _asked(self, entry: Entry) -> bool:
        if self.status == "all":
            return True
        verdict = self._verdicts.get(entry[_PK], "")
        return verdict == self.status if self.status else verdict not in STANDING


def _rows(pks: Iterable[int]) -> dict[int, JointMeasurement]:
    """The measurements with all that a row shows, by primary key, in the given order."""
    wanted = list(pks)
    found = {row.pk: row for row in JointMeasurement.objects.filter(pk__in=wanted).with_context()}
    return {pk: found[pk] for pk in wanted}
