"""What the study overview counts: films and measurements by site and visit, and what asks for someone."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db.models import Count, Min, Q
from django.utils import timezone

from jsnsite.measurements import queries as measurement_queries
from jsnsite.measurements.models import RunState
from jsnsite.radiographs import queries as radiograph_queries
from jsnsite.radiographs.models import RadiographState
from jsnsite.reviews import queries as review_queries
from jsnsite.scoping import Person
from jsnsite.studies import queries as study_queries
from jsnsite.studies.models import Study

#: How many single films or runs the overview names before it only counts.
NAMED = 5
#: The pace of measuring is that of so long, once so many pairs are done within it.
PACE = timedelta(minutes=10)
LEAST_FOR_PACE = 5


@dataclass
class Cell:
    """Films of one site at one visit. Two are expected for each patient who has that visit."""

    timepoints: int = 0
    films: int = 0
    ready: int = 0

    @property
    def expected(self) -> int:
        return 2 * self.timepoints

    @property
    def complete(self) -> bool:
        return self.ready >= self.expected


@dataclass
class SiteRow:
    code: str
    name: str
    uuid: Any
    n_patients: int
    planned: int | None
    cells: list[Cell] = field(default_factory=list)


def visit_matrix(user: Person, study: Study) -> tuple[list[int], list[SiteRow]]:
    """Ordinals of the study's visits, and for each site in scope how many films have come in. Three queries."""
    cells: dict[tuple[int, int], Cell] = defaultdict(Cell)
    timepoints = study_queries.timepoints(user).filter(patient__study=study).order_by()
    for site, ordinal, films, n in timepoints.values_list("patient__site", "ordinal").annotate(
        films=Count("radiographs", filter=Q(radiographs__current=True)), n=Count("pk", distinct=True)
    ):
        cells[site, ordinal] = Cell(timepoints=n, films=films)
    ready = radiograph_queries.radiographs(user).filter(
        study=study, current=True, state=RadiographState.READY
    )
    for site, ordinal, n in (
        ready.order_by().values_list("timepoint__patient__site", "timepoint__ordinal").annotate(n=Count("pk"))
    ):
        cells[site, ordinal].ready = n
    ordinals = sorted({ordinal for _, ordinal in cells})
    rows = [
        SiteRow(
            site.code,
            site.name,
            site.uuid,
            site.n_patients,
            site.planned_patients,
            [cells[site.pk, o] for o in ordinals],
        )
        for site in study_queries.sites(user, study).order_by("code")
    ]
    return ordinals, rows


def attention(user: Person, study: Study) -> dict[str, Any]:
    """What waits for a person: missing films, films without spacing, failures, doubtful joints.

    ``waits``: whether anything does; ``more``: whether there may be more than is named.
    """
    films = radiograph_queries.radiographs(user).filter(study=study, current=True)
    runs = measurement_queries.runs(user, from_baseline=False).filter(
        followup__study=study, state=RunState.FAILED
    )
    named = {
        "lacking": list(study_queries.timepoints_lacking_films(user, study)[:NAMED]),
        "needs_spacing": list(films.filter(state=RadiographState.NEEDS_SPACING)[:NAMED]),
        "failed_films": list(films.filter(state=RadiographState.FAILED)[:NAMED]),
        "failed_runs": list(runs[:NAMED]),
    }
    counted = {
        "to_read": review_queries.worklist(user, study=study).count(),
        "without_reader": review_queries.without_reader(user, study),
    }
    return {
        **named,
        **counted,
        "waits": any(named.values()) or any(counted.values()),
        "more": any(len(rows) == NAMED for rows in named.values()),
        "named": NAMED,
    }


@dataclass
class Trust:
    """Current measurements of one site, or of the follow-up films by one manufacturer, by reliability."""

    name: str
    reliable: int = 0
    review: int = 0
    unreliable: int = 0

    @property
    def total(self) -> int:
        return self.reliable + self.review + self.unreliable


def trust(user: Person, study: Study) -> dict[str, list[Trust]]:
    """Reliability by site and by machine, each in order of name. One query."""
    found = measurement_queries.counted(user, study=study)
    grouped = found.values_list(
        "followup__timepoint__patient__site__code", "followup__manufacturer", "reliability"
    ).annotate(n=Count("pk"))
    sites: dict[str, Trust] = {}
    machines: dict[str, Trust] = {}
    for site, manufacturer, reliability, n in grouped:
        for rows, name in ((sites, site), (machines, manufacturer)):
            row = rows.setdefault(name, Trust(name))
            setattr(row, reliability, getattr(row, reliability) + n)
    return {
        "sites": [sites[name] for name in sorted(sites)],
        "machines": [machines[name] for name in sorted(machines)],
    }


def live_counts(user: Person, study: Study) -> dict[str, Any]:
    """The moving part of the overview: films and runs by state, measurements by reliability."""
    films = radiograph_queries.radiograph_counts(user, study=study)
    runs = measurement_queries.progress(user, study=study)
    in_work = films["queued"] + films["locating"] + runs.pending
    return {
        "films": films,
        "runs": runs,
        "in_work": in_work,
        "minutes_left": minutes_left(user, study, runs.pending) if runs.pending else None,
        "measured": runs.reliable + runs.review + runs.unreliable,
    }


def minutes_left(user: Person, study: Study, pending: int) -> int | None:
    """How long the pairs that wait will take at the pace of the last minutes; None where little has been measured
    to tell it by. One query.
    """
    now = timezone.now()
    recent = measurement_queries.runs(user, from_baseline=False).filter(
        followup__study=study, state=RunState.DONE, finished_at__gte=now - PACE
    )
    seen = recent.order_by().aggregate(n=Count("pk"), first=Min("finished_at"))
    if seen["n"] < LEAST_FOR_PACE:
        return None
    each_minutes: float = (now - seen["first"]) / timedelta(minutes=1) / (seen["n"] - 1)
    return max(1, round(pending * each_minutes))


def reliability_by_patient(user: Person, patients: list[Any]) -> dict[int, dict[str, int]]:
    """Current measurements of each given patient by reliability. One query."""
    counts: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    found = measurement_queries.counted(user).filter(followup__timepoint__patient__in=patients)
    grouped = found.values_list("followup__timepoint__patient", "reliability").annotate(n=Count("pk"))
    for patient, reliability, n in grouped:
        counts[patient][reliability] = n
    return counts
