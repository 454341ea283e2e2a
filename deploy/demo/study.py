"""The demo study in the database: sites, patients, timepoints, and films by way of the ordinary intake."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from io import BytesIO
from pathlib import Path

from django.db import transaction

from deploy.demo import protocol
from deploy.demo.films import Series, Truth
from deploy.demo.protocol import SeriesPlan
from jsnsite.accounts.models import User
from jsnsite.measurements.models import Run, RunState
from jsnsite.radiographs.models import Radiograph, RadiographState, Verdict
from jsnsite.radiographs.services import receive
from jsnsite.studies.models import Patient, Site, Study, Timepoint


class FilingError(RuntimeError):
    """The intake refused a film that it should take."""


@transaction.atomic
def make_study() -> Study:
    """Study and sites; what is there already stays."""
    study, _ = Study.objects.get_or_create(
        code=protocol.STUDY_CODE, defaults={"name": protocol.STUDY_NAME, "joints": list(protocol.JOINTS)}
    )
    for site in protocol.SITES:
        Site.objects.get_or_create(
            study=study, code=site.code, defaults={"name": site.name, "planned_patients": site.planned}
        )
    return study


@transaction.atomic
def enrol(study: Study, patients: Iterable[protocol.PatientPlan]) -> None:
    """Patients and timepoints that are missing."""
    sites = {site.code: site for site in Site.objects.filter(study=study)}
    for plan in patients:
        patient, _ = Patient.objects.get_or_create(
            study=study, code=plan.code, defaults={"site": sites[plan.site.code]}
        )
        for ordinal, date, label in protocol.timepoints(plan):
            Timepoint.objects.get_or_create(
                patient=patient, ordinal=ordinal, defaults={"date": date, "label": label}
            )


def missing(study: Study, plans: Iterable[SeriesPlan], truth_folder: Path) -> list[SeriesPlan]:
    """Hands of which a film or the truth is missing."""
    filed = _filed(study)
    return [
        plan
        for plan in plans
        if not _truth_file(truth_folder, plan).exists()
        or any((plan.patient.code, plan.laterality, film.ordinal) not in filed for film in plan.films)
    ]


def file(study: Study, series: Series, truth_folder: Path) -> int:
    """Keep the truth, then upload the films that are missing as the site's staff; how many there were.

    Raises ``FilingError``.
    """
    plan = series.plan
    truth_folder.mkdir(parents=True, exist_ok=True)
    _truth_file(truth_folder, plan).write_text(json.dumps([asdict(row) for row in series.truth], indent=1))
    staff = User.objects.get(username=plan.patient.site.code)
    filed = _filed(study)
    count = 0
    for film, content in zip(plan.films, series.files, strict=True):
        if (plan.patient.code, plan.laterality, film.ordinal) in filed:
            continue
        timepoint = Timepoint.objects.get(
            patient__study=study, patient__code=plan.patient.code, ordinal=film.ordinal
        )
        name = f"{plan.key}-{film.label.replace(' ', '-')}.dcm"
        record = receive(
            file=BytesIO(content), name=name, timepoint=timepoint, laterality=plan.laterality, user=staff
        )
        if record.verdict == Verdict.REJECTED:
            raise FilingError(f"{name} was not accepted: {record.message}")
        count += 1
    return count


def read_truth(truth_folder: Path) -> list[Truth]:
    """The truth about all films taken so far."""
    files = sorted(truth_folder.glob("*.json"))
    return [Truth(**row) for path in files for row in json.loads(path.read_text())]


def progress(study: Study) -> dict[str, int]:
    """How many films and pairs there are, are done, and have failed."""
    films = Radiograph.objects.current().filter(study=study)
    runs = Run.objects.of_current_films().newest().filter(baseline__study=study)
    return {
        "films": films.count(),
        "films_done": films.filter(state=RadiographState.READY).count(),
        "films_failed": films.filter(state=RadiographState.FAILED).count(),
        "pairs": runs.count(),
        "pairs_done": runs.filter(state=RunState.DONE).count(),
        "pairs_failed": runs.filter(state=RunState.FAILED).count(),
    }


def failures(study: Study) -> list[str]:
    """What failed and why, a line each."""
    films = Radiograph.objects.current().filter(study=study, state=RadiographState.FAILED)
    runs = Run.objects.of_current_films().newest().filter(baseline__study=study, state=RunState.FAILED)
    return [
        f"{film.timepoint.patient.code}, {film}: {film.failure_message}"
        for film in films.select_related("timepoint__patient")
    ] + [
        f"{run.followup.timepoint.patient.code}, {run.followup} against {run.baseline.timepoint}: {run.failure_message}"
        for run in runs.select_related("baseline__timepoint", "followup__timepoint__patient")
    ]


def _filed(study: Study) -> set[tuple[str, str, int]]:
    films = Radiograph.objects.current().filter(study=study)
    return set(films.values_list("timepoint__patient__code", "laterality", "timepoint__ordinal"))


def _truth_file(folder: Path, plan: SeriesPlan) -> Path:
    return folder / f"{plan.key}.json"
