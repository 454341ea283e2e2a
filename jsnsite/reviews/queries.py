"""Reads of readers' verdicts, always within what the user may see."""

from __future__ import annotations

from django.db.models import (
    Case,
    Count,
    Exists,
    F,
    FloatField,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce

from jsnsite.accounts.models import User
from jsnsite.measurements.models import JointMeasurement, JointMeasurementQuerySet, Reliability
from jsnsite.reviews.models import Assignment, AssignmentQuerySet, Read, ReadQuerySet, ReadVerdict
from jsnsite.scoping import Action, Person, allowed, is_unlimited, roles_with
from jsnsite.studies.models import Patient, Study

#: How doubtful a measurement is before its sigma is looked at, most doubtful first. One without a number comes
#: after those that have one: there is less to judge.
_RANKS: tuple[tuple[Q, int], ...] = (
    (Q(reliability=Reliability.UNRELIABLE, jsn_mm__isnull=False), 0),
    (Q(reliability=Reliability.UNRELIABLE), 1),
    (Q(reliability=Reliability.REVIEW), 2),
)
_LAST_RANK = 3
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


def own_verdicts(reader: User) -> dict[int, str]:
    """``reader``'s newest verdict on each measurement that they have read, by its primary key."""
    return dict(Read.objects.newest().filter(reader=reader).order_by().values_list("measurement", "verdict"))


def may_read(user: Person, measurement: JointMeasurement) -> bool:
    """Whether the page should offer accept and flag. The service checks again."""
    return allowed(user, Action.READ, measurement)


def reads_independently(user: Person, *, may_read: bool) -> bool:
    """Whether ``user`` must not learn what other readers think: everybody who reads, but for superusers."""
    return may_read and not is_unlimited(user)


def readable(user: Person, *, study: Study | None = None) -> JointMeasurementQuerySet:
    """Current measurements that ``user`` may read, most doubtful first.

    Adds ``own_verdict``, the newest verdict of ``user`` ("" where there is none), and what the order is made of,
    ``doubt_rank`` and ``doubt_less_mm``, which is less sigma.
    """
    found = JointMeasurement.objects.restrict(user, Action.READ).current().with_context()
    if study is not None:
        found = found.filter(run__followup__timepoint__patient__study=study)
    own = Read.objects.filter(measurement=OuterRef("pk"), reader_id=getattr(user, "pk", None))
    return found.annotate(
        own_verdict=Coalesce(Subquery(own.order_by("-pk").values("verdict")[:1]), Value("")),
        doubt_rank=Case(
            *(When(condition, then=Value(rank)) for condition, rank in _RANKS),
            default=Value(_LAST_RANK),
            output_field=IntegerField(),
        ),
        doubt_less_mm=-Coalesce(F("jsn_sigma_mm"), Value(0.0), output_field=FloatField()),
    ).order_by("doubt_rank", "doubt_less_mm", "pk")


def is_read() -> Q:
    """Of ``readable``: whether the user's own verdict stands."""
    return Q(own_verdict__in=STANDING)


def worklist(user: Person, *, study: Study | None = None) -> JointMeasurementQuerySet:
    """Current measurements of ``user``'s patients that ask for a reader and that ``user`` has not read, most doubtful
    first.
    """
    found = readable(user, study=study).filter(is_mine(user))
    return found.exclude(reliability=Reliability.RELIABLE).exclude(is_read())


def is_mine(user: Person) -> Q:
    """Of measurements: those of patients assigned to ``user``, and all of studies in which ``user`` has none."""
    own = Assignment.objects.filter(reader_id=getattr(user, "pk", None))
    patient = "run__followup__timepoint__patient"
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


def doubt_key(measurement: JointMeasurement) -> tuple[int, float, int]:
    """Where ``measurement`` stands, or would stand, in the order of ``readable``: the lower, the more doubtful."""
    return _rank(measurement), -(measurement.jsn_sigma_mm or 0.0), measurement.pk


def _rank(measurement: JointMeasurement) -> int:
    if measurement.reliability == Reliability.UNRELIABLE:
        return 1 if measurement.jsn_mm is None else 0
    return 2 if measurement.reliability == Reliability.REVIEW else _LAST_RANK
