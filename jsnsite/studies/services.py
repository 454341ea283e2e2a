"""Verbs on studies: enrolling patients and adding timepoints."""

from __future__ import annotations

import datetime

from django.db import transaction

from jsnsite.accounts.models import User
from jsnsite.errors import DomainError, NotAllowed
from jsnsite.scoping import Action, allowed
from jsnsite.studies.models import Patient, Site, Timepoint


@transaction.atomic
def enrol(*, user: User, site: Site, code: str) -> Patient:
    """A new patient of ``site`` under the study's pseudonym ``code``."""
    if not (allowed(user, Action.UPLOAD, site) or allowed(user, Action.MANAGE, site)):
        raise NotAllowed
    code = code.strip()
    if not code or len(code) > 64:
        raise DomainError("patient_code", "Give the study's subject code, up to 64 characters; never a name.")
    if Patient.objects.filter(study=site.study, code=code).exists():
        raise DomainError("patient_code_taken", "This subject code is in use in the study. Check the code.")
    return Patient.objects.create(site=site, code=code)


@transaction.atomic
def add_timepoint(
    *, user: User, patient: Patient, date: datetime.date, label: str = "", ordinal: int | None = None
) -> Timepoint:
    """A new timepoint of ``patient``: the next in order unless ``ordinal`` says otherwise."""
    if not (allowed(user, Action.UPLOAD, patient) or allowed(user, Action.MANAGE, patient)):
        raise NotAllowed
    taken = set(patient.timepoints.values_list("ordinal", flat=True))
    if ordinal is None:
        ordinal = max(taken, default=-1) + 1
    if ordinal < 0 or ordinal in taken:
        raise DomainError(
            "timepoint_ordinal",
            "Timepoint %(ordinal)s exists already or is not a valid number.",
            ordinal=ordinal,
        )
    return Timepoint.objects.create(patient=patient, ordinal=ordinal, date=date, label=label.strip()[:64])
