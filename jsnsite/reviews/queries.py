"""Reads of readers' verdicts, always within what the user may see."""

from __future__ import annotations

from django.db.models import Exists, OuterRef

from jsnsite.measurements import queries as measurement_queries
from jsnsite.measurements.models import JointMeasurement, JointMeasurementQuerySet, Reliability
from jsnsite.reviews.models import Read, ReadQuerySet
from jsnsite.scoping import Action, Person, allowed
from jsnsite.studies.models import Study


def reads(user: Person) -> ReadQuerySet:
    """Every read in scope, withdrawn and overtaken ones too, with what it is about."""
    return Read.objects.restrict(user).select_related(
        "reader",
        "measurement__run__baseline__timepoint",
        "measurement__run__followup__timepoint__patient__site__study",
    )


def reads_of(user: Person, measurement: JointMeasurement) -> ReadQuerySet:
    """The reads that stand on a measurement: each reader's newest, not withdrawn. Newest first."""
    return reads(user).standing().filter(measurement=measurement)


def own_read(user: Person, measurement: JointMeasurement) -> Read | None:
    """``user``'s own standing read of a measurement."""
    if user is None or user.pk is None:
        return None
    return reads_of(user, measurement).filter(reader_id=user.pk).first()


def may_read(user: Person, measurement: JointMeasurement) -> bool:
    """Whether the page should offer accept and flag. The service checks again."""
    return allowed(user, Action.READ, measurement)


def worklist(user: Person, *, study: Study | None = None) -> JointMeasurementQuerySet:
    """Current measurements that ask for a reader and that ``user`` has not read, worst first."""
    own = Read.objects.standing().filter(measurement=OuterRef("pk"), reader_id=getattr(user, "pk", None))
    readable = JointMeasurement.objects.restrict(user, Action.READ).values("pk")
    found = measurement_queries.current_measurements(user, study=study).filter(pk__in=readable)
    return (
        found.exclude(reliability=Reliability.RELIABLE).filter(~Exists(own)).order_by("-jsn_sigma_mm", "pk")
    )
