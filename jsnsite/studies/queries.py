"""Reads of studies, sites, patients and timepoints, always within what the user may see."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Count, Prefetch, Q, QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone

from jsnsite.scoping import Action, Person
from jsnsite.studies.models import Patient, Site, Study, Timepoint


def studies(user: Person) -> QuerySet[Study]:
    """Studies ``user`` has a role in, with the sites ``user`` may see as ``visible_sites``."""
    return Study.objects.restrict(user).prefetch_related(
        Prefetch("sites", queryset=sites(user), to_attr="visible_sites")
    )


def sites(user: Person, study: Study | None = None) -> QuerySet[Any]:
    """Sites in scope with ``n_patients``."""
    found = Site.objects.restrict(user).select_related("study").annotate(n_patients=Count("patients"))
    return found.filter(study=study) if study else found


def patients(user: Person, *, study: Study | None = None, site: Site | None = None) -> QuerySet[Any]:
    """Patients in scope with site, study, ``n_timepoints`` and ``n_radiographs`` (current films)."""
    found = (
        Patient.objects.restrict(user)
        .select_related("site", "study")
        .annotate(
            n_timepoints=Count("timepoints", distinct=True),
            n_radiographs=Count(
                "timepoints__radiographs", filter=Q(timepoints__radiographs__current=True), distinct=True
            ),
        )
    )
    if study:
        found = found.filter(study=study)
    return found.filter(site=site) if site else found


def timepoints(user: Person, *, patient: Patient | None = None) -> QuerySet[Timepoint]:
    """Timepoints in scope, in order, with patient, site and study."""
    found = Timepoint.objects.restrict(user).select_related("patient__site", "patient__study")
    return found.filter(patient=patient) if patient else found


def timepoints_lacking_films(user: Person, study: Study) -> QuerySet[Any]:
    """Timepoints of today or before that ``user`` may upload to and that lack a film of either hand, longest overdue
    first, with the hands that have one as ``n_right`` and ``n_left`` (0 or 1).
    """

    def hand(laterality: str) -> Count:
        return Count("radiographs", filter=Q(radiographs__current=True, radiographs__laterality=laterality))

    found = Timepoint.objects.restrict(user, Action.UPLOAD).select_related("patient")
    found = found.filter(patient__study=study, date__lte=timezone.localdate())
    found = found.annotate(n_right=hand("R"), n_left=hand("L"))
    return found.filter(Q(n_right=0) | Q(n_left=0)).order_by("date", "patient__code")


def study_or_404(user: Person, uuid: UUID) -> Study:
    return get_object_or_404(studies(user), uuid=uuid)


def site_or_404(user: Person, uuid: UUID) -> Site:
    site: Site = get_object_or_404(sites(user), uuid=uuid)
    return site


def patient_or_404(user: Person, uuid: UUID) -> Patient:
    patient: Patient = get_object_or_404(patients(user), uuid=uuid)
    return patient


def timepoint_or_404(user: Person, uuid: UUID) -> Timepoint:
    return get_object_or_404(timepoints(user), uuid=uuid)


def may_upload(user: Person, timepoint: Timepoint) -> bool:
    """Whether the page should offer the drop zone. The service checks again."""
    return Timepoint.objects.restrict(user, Action.UPLOAD).filter(pk=timepoint.pk).exists()
