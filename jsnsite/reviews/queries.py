"""Reads of readers' verdicts, always within what the user may see."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from jsnsite.accounts.models import User
from jsnsite.measurements.models import (
    CurrentMeasurement,
    CurrentMeasurementQuerySet,
    JointMeasurement,
    Reliability,
)
from jsnsite.reviews.models import Assignment, AssignmentQuerySet, Read, ReadQuerySet, ReadVerdict
from jsnsite.scoping import Action, Person, allowed, is_unlimited, roles_with
from jsnsite.studies.models import Patient, Study

#: Verdicts that stand: the joint is read.
STANDING: tuple[str, ...] = (ReadVerdict.ACCEPTED.value, ReadVerdict.FLAGGED.value)


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


def reads_shown(user: Person, measurement: JointMeasurement, *, independent: bool) -> list[Read]:
    """What the joint page lists, newest first. An ``independent`` reader's page holds nothing of the others'."""
    found = Read.objects.restrict(user).filter(measurement=measurement).select_related("reader")
    return list(found.filter(reader_id=user.pk) if independent and user is not None else found)


def own_read(user: Person, measurement: JointMeasurement) -> Read | None:
    """``user``'s own standing read of a measurement."""
    if user is None or user.pk is None:
        return None
    return reads_of(user, measurement).filter(reader_id=user.pk).first()


def own_verdicts(reader: User, measurements: Iterable[int]) -> dict[int, str]:
    """``reader``'s newest verdict on each of ``measurements`` that they have read, by its primary key."""
    found = Read.objects.newest().filter(reader=reader, measurement__in=list(measurements)).order_by()
    return dict(found.values_list("measurement", "verdict"))


def may_read(user: Person, measurement: JointMeasurement) -> bool:
    """Whether the page should offer accept and flag. The service checks again."""
    return allowed(user, Action.READ, measurement)


def reads_independently(user: Person, *, may_read: bool) -> bool:
    """Whether ``user`` must not learn what other readers think: everybody who reads, but for superusers."""
    return may_read and not is_unlimited(user)


def readable(user: Person, *, study: Study | None = None) -> CurrentMeasurementQuerySet:
    """Current measurements that ``user`` may read, most doubtful first."""
    found = CurrentMeasurement.objects.restrict(user, Action.READ)
    if study is not None:
        found = found.filter(followup__timepoint__patient__study=study)
    return found.most_doubtful_first()


def has_verdict(user: Person, *verdicts: str) -> Q:
    """Of ``readable``: whether ``user``'s newest verdict is one of these."""
    own = Read.objects.newest().filter(reader_id=getattr(user, "pk", None), verdict__in=verdicts)
    return Q(pk__in=own.order_by().values("measurement"))


def worklist(user: Person, *, study: Study | None = None) -> CurrentMeasurementQuerySet:
    """Current measurements of ``user``'s patients that ask for a reader and that ``user`` has not read, most doubtful
    first.
    """
    found = readable(user, study=study).filter(is_mine(user))
    return found.exclude(reliability=Reliability.RELIABLE).exclude(has_verdict(user, *STANDING))


def is_mine(user: Person) -> Q:
    """Of ``readable``: those of patients assigned to ``user``, and all of studies in which ``user`` has none."""
    own = Assignment.objects.filter(reader_id=getattr(user, "pk", None))
    patient = "followup__timepoint__patient"
    return Q(**{f"{patient}__in": own.values("patient")}) | ~Q(
        **{f"{patient}__study__in": own.values("patient__study")}
    )


def has_assignments(user: Person) -> bool:
    """Whether there is anything that only some readers are asked to read, and ``user`` is one of them."""
    return Assignment.objects.restrict(user).filter(reader_id=getattr(user, "pk", None)).exists()


def assignments(user: Person, *, study: Study | None = None) -> AssignmentQuerySet:
    """Assignments in scope: a manager's whole study, a reader's own."""
    found = Assignment.objects.restrict(user).select_related("reader", "patient__site__study")
    return found.filter(patient__study=study) if study is not None else found


def without_reader(user: Person, study: Study) -> int:
    """Patients that nobody is asked to read, where others of the study are assigned; 0 for all but managers."""
    found = Patient.objects.restrict(user, Action.MANAGE).filter(study=study)
    counts = found.aggregate(
        free=Count("pk", filter=~Exists(Assignment.objects.filter(patient=OuterRef("pk")))), all=Count("pk")
    )
    return counts["free"] if counts["free"] < counts["all"] else 0


def readers_of(study: Study) -> QuerySet[User]:
    """Everybody who reads in the study or at one of its sites, by name."""
    roles = roles_with(Action.READ)
    readers = User.objects.filter(is_active=True, membership__study=study, membership__role__in=roles)
    return readers.distinct().order_by("last_name", "first_name", "username")


@dataclass(frozen=True)
class Reading:
    """How many patients a reader is asked to read, and how many of their joints in doubt have been read."""

    n_patients: int = 0
    n_read: int = 0
    n_joints: int = 0


def readings(study: Study) -> dict[int, Reading]:
    """How far each reader with patients is, by primary key, for who keeps the study. Says of nobody what they think of
    a joint. Three queries.
    """
    of_patient = "followup__timepoint__patient__assignments__reader"
    asked = Assignment.objects.filter(patient__study=study).order_by()
    n_patients = dict(asked.values_list("reader").annotate(n=Count("pk")))
    doubtful = CurrentMeasurement.objects.filter(followup__study=study).exclude(
        reliability=Reliability.RELIABLE
    )
    n_joints = dict(doubtful.values_list(of_patient).annotate(n=Count("pk")))
    read = Read.objects.newest().filter(verdict__in=STANDING, measurement__as_current__in=doubtful)
    own = read.filter(**{f"measurement__as_current__{of_patient}": F("reader")}).order_by()
    n_read = dict(own.values_list("reader").annotate(n=Count("pk")))
    return {pk: Reading(n, n_read.get(pk, 0), n_joints.get(pk, 0)) for pk, n in n_patients.items()}
