"""Reads of radiographs, annotations and uploads, always within what the user may see."""

from __future__ import annotations

from typing import TypedDict
from uuid import UUID

from django.db.models import Count, QuerySet
from django.shortcuts import get_object_or_404

from jsnsite.radiographs.models import JointAnnotation, Radiograph, RadiographState, UploadRecord
from jsnsite.scoping import Person
from jsnsite.studies.models import Patient, Site, Study, Timepoint


class RadiographCounts(TypedDict):
    """Current films by state."""

    total: int
    needs_spacing: int
    queued: int
    locating: int
    ready: int
    failed: int


def radiographs(user: Person) -> QuerySet[Radiograph]:
    """Radiographs in scope with timepoint, patient, site and study."""
    return Radiograph.objects.restrict(user).select_related("timepoint__patient__site__study")


def radiograph_or_404(user: Person, uuid: UUID) -> Radiograph:
    return get_object_or_404(radiographs(user), uuid=uuid)


def radiographs_of(user: Person, timepoint: Timepoint) -> QuerySet[Radiograph]:
    """Current films of a timepoint: at most one left, one right."""
    return radiographs(user).current().filter(timepoint=timepoint).order_by("laterality")  # type: ignore[attr-defined,no-any-return]


def uploads_of(user: Person, timepoint: Timepoint, *, limit: int = 100) -> list[UploadRecord]:
    """The newest uploads to a timepoint, newest first, whoever made them. Show ``record.name_for(user)``."""
    found = UploadRecord.objects.restrict(user).filter(timepoint=timepoint)
    return list(found.select_related("uploaded_by", "radiograph")[:limit])


def annotations_of(radiograph: Radiograph) -> dict[str, JointAnnotation]:
    """The newest annotation of each joint that the study measures. Takes a radiograph the caller may see."""
    joints = radiograph.study.joints
    newest = JointAnnotation.objects.filter(radiograph=radiograph, joint__in=joints).newest()
    return {annotation.joint: annotation for annotation in newest}


def radiograph_counts(
    user: Person,
    *,
    study: Study | None = None,
    site: Site | None = None,
    patient: Patient | None = None,
    timepoint: Timepoint | None = None,
) -> RadiographCounts:
    """How many current films are in which state, within scope and the narrowest of the given objects."""
    found = Radiograph.objects.restrict(user).current()
    for lookup, value in {
        "study": study,
        "timepoint__patient__site": site,
        "timepoint__patient": patient,
        "timepoint": timepoint,
    }.items():
        if value is not None:
            found = found.filter(**{lookup: value})
    counts = dict(found.order_by().values_list("state").annotate(n=Count("pk")))
    return RadiographCounts(
        total=sum(counts.values()),
        needs_spacing=counts.get(RadiographState.NEEDS_SPACING, 0),
        queued=counts.get(RadiographState.QUEUED, 0),
        locating=counts.get(RadiographState.LOCATING, 0),
        ready=counts.get(RadiographState.READY, 0),
        failed=counts.get(RadiographState.FAILED, 0),
    )
