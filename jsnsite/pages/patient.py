"""What the patient page and its report show: joints, the mean over them, contradictions, provenance."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from django.utils.translation import gettext

from jsnsite.measurements import queries as measurement_queries
from jsnsite.measurements.models import RunState
from jsnsite.measurements.queries import PatientTrend, Trend
from jsnsite.measurements.trends import PatientPoint, Suspect
from jsnsite.pages.hand_map import JointView, hand_views
from jsnsite.pages.slopes import CLASSES
from jsnsite.pages.spark import Scale, Spark, chart_of_mean, common_scale, spark
from jsnsite.pages.words import RELIABILITY
from jsnsite.scoping import Person
from jsnsite.studies.models import Patient

#: What may colour the hand map; the first is the page's choice.
COLOURS = ("slope", "reliability")


@dataclass(frozen=True)
class Mean:
    """The mean over joints as shown. ``rows``: each point with the visit's name."""

    trend: PatientTrend
    chart: Spark
    scale: Scale
    rows: list[tuple[str, PatientPoint]]


@dataclass(frozen=True)
class Provenance:
    """Of the runs behind a patient's numbers. ``models``: (name, first characters of the digest)."""

    n_runs: int
    first: date
    last: date
    code_versions: list[str]
    models: list[tuple[str, str]]


def joints_shown(
    user: Person,
    patient: Patient,
    *,
    asked: tuple[str, str] = ("", ""),
    colour: str = "",
    show_flags: bool = True,
) -> dict[str, Any]:
    """Hand maps, small charts, and the one joint (side, name) that is asked for, else the one that changes fastest.

    Without ``show_flags``, as for an independent reader, nothing names what others have flagged. Three queries.
    """
    trends = measurement_queries.trends(user, patient)
    if not show_flags:
        trends = {key: _without_flags(trend) for key, trend in trends.items()}
    hands, scale = hand_views(trends, patient.study.joints)
    measured = [joint for each in hands for joint in each.joints if joint.trend]
    fastest = max(measured, key=_interest, default=None)
    selected = next((joint for joint in measured if (joint.laterality, joint.joint) == asked), fastest)
    place = measured.index(selected) if selected else 0
    return {
        "patient": patient,
        "hands": hands,
        "scale": scale,
        "statuses": [status for status in RELIABILITY if any(joint.status == status for joint in measured)],
        "measured": measured,
        "selected": selected,
        "previous": measured[place - 1] if selected else None,
        "next": measured[(place + 1) % len(measured)] if selected else None,
        "contradicted": [joint for joint in measured if joint.trend and joint.trend.suspects],
        "colour": colour if colour in COLOURS else COLOURS[0],
        "slope_classes": list(CLASSES.values()),
        "rows": visit_rows(selected),
        "shared_reasons": _shared_reasons(selected),
        "suspects": _suspects(selected),
        "chart_scale": common_scale([selected.chart] if selected and selected.chart else []),
        "chart_statuses": _statuses([selected] if selected else []),
        "marks": _statuses(measured),
        "chart_words": _chart_words(),
    }


def visit_rows(joint: JointView | None) -> list[dict[str, Any]]:
    """The selected joint's table: each visit with its estimate, and the pair with the baseline as measured."""
    if joint is None or joint.trend is None:
        return []
    estimates = {each.timepoint: each for each in joint.trend.estimates[1:]}
    points = {each.timepoint: each for each in joint.trend.points}
    ordinals = {place: each.ordinal for place, each in estimates.items()}
    ordinals |= {place: each.ordinal for place, each in points.items()}
    return [
        {"estimate": estimates.get(place), "direct": points.get(place)}
        for place in sorted(ordinals, key=lambda place: ordinals[place])
    ]


def _suspects(joint: JointView | None) -> list[tuple[str, str, Suspect]]:
    """Pairs of the joint that contradict the others, with the names of their visits."""
    if joint is None or joint.trend is None:
        return []
    names = {each.ordinal: each.label for each in joint.trend.estimates}
    return [
        (names.get(each.baseline_ordinal, ""), names.get(each.followup_ordinal, ""), each)
        for each in joint.trend.suspects
    ]


def _shared_reasons(joint: JointView | None) -> list[str]:
    """Doubts that all visits of the joint have in common, to be said once."""
    known = [each.reasons for each in joint.trend.estimates[1:]] if joint and joint.trend else []
    return [code for code in known[0] if all(code in reasons for reasons in known)] if known[1:] else []


def _statuses(joints: list[JointView]) -> list[str]:
    """The marks that the joints' charts show, for a legend."""
    charts = [joint.chart for joint in joints if joint.chart]
    shown = {point.status for chart in charts for point in [*chart.points, *chart.left_out]}
    return sorted(shown, key=["baseline", *RELIABILITY].index)


def _chart_words() -> dict[str, Any]:
    """What the chart's script writes, in the reader's language."""
    return {
        "axis": gettext("JSN, mm (up = narrower)"),
        "left_out": gettext("does not count"),
        "status": {code: str(word) for code, word in RELIABILITY.items()},
    }


def mean_shown(user: Person, patient: Patient, visits: list[Any]) -> Mean | None:
    """The mean over joints, None where nothing counts yet. ``visits``: the patient's timepoints in order. One query."""
    trend = measurement_queries.patient_trend(user, patient)
    if trend is None or not trend.points:
        return None
    names = {visit.ordinal: str(visit) for visit in visits}
    chart = chart_of_mean(trend.points, visits[0].date)
    scale = common_scale([chart])
    return Mean(
        trend,
        spark(chart, visits[0].date, trend.points[-1].date, scale),
        scale,
        [(names.get(point.ordinal, ""), point) for point in trend.points],
    )


def provenance(user: Person, patient: Patient) -> Provenance | None:
    """Which code and models made the numbers, and when; None before the first run is done. One query."""
    runs = measurement_queries.runs(user, patient=patient, from_baseline=False).filter(state=RunState.DONE)
    rows = list(runs.order_by("finished_at").values_list("finished_at", "code_version", "model_digests"))
    if not rows:
        return None
    dates = [finished.date() for finished, *_ in rows if finished]
    digests = {
        (name, digest.removeprefix("sha256:")[:12]) for *_, models in rows for name, digest in models.items()
    }
    return Provenance(
        n_runs=len(rows),
        first=min(dates),
        last=max(dates),
        code_versions=sorted({version for _, version, _ in rows}),
        models=sorted(digests),
    )


def _without_flags(trend: Trend) -> Trend:
    return replace(trend, points=[replace(point, flagged=False) for point in trend.points])


def _interest(joint: JointView) -> tuple[bool, float]:
    return joint.status == "reliable", joint.change_mm_per_year
