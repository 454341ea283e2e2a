"""Verbs of those who keep a study: which reader reads which patients."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from django.db import transaction
from simple_history.utils import bulk_create_with_history

from jsnsite.accounts.models import User
from jsnsite.errors import DomainError, NotAllowed
from jsnsite.reviews.models import Assignment
from jsnsite.scoping import Action, allowed
from jsnsite.studies.models import Patient, Site, Study

#: More readers of one patient are a mistake in the form, no study design.
MOST_PER_PATIENT = 10


@transaction.atomic
def assign(*, patient: Patient, reader: User, user: User) -> Assignment:
    """Ask ``reader`` to read a patient; asked twice, it is one assignment."""
    if not allowed(user, Action.MANAGE, patient):
        raise NotAllowed
    if not allowed(reader, Action.READ, patient):
        raise DomainError("not_a_reader", "This person does not read at the patient's site.")
    found, _ = Assignment.objects.get_or_create(patient=patient, reader=reader, defaults={"created_by": user})
    return found


@transaction.atomic
def unassign(*, assignment: Assignment, user: User) -> None:
    """Take a patient off a reader's list; verdicts stay, and the history tells who was asked."""
    if not allowed(user, Action.MANAGE, assignment):
        raise NotAllowed
    if Assignment.objects.filter(pk=assignment.pk).exists():  # somebody else was as fast
        assignment.delete()


@transaction.atomic
def share(
    *, study: Study, readers: Iterable[User], per_patient: int, user: User, site: Site | None = None
) -> int:
    """Share the study's patients (or a site's) evenly, until each has ``per_patient`` of ``readers``.

    Nothing is taken away: who has been assigned before stays and counts. Of the readers who may read at the patient's
    site, those with the fewest patients come first. Returns how many assignments were made.
    """
    if not allowed(user, Action.MANAGE, study):
        raise NotAllowed
    chosen = sorted(set(readers), key=lambda reader: reader.pk)
    if not 1 <= per_patient <= MOST_PER_PATIENT or per_patient > len(chosen):
        raise DomainError("too_few_readers", "Choose at least as many readers as each patient needs.")
    Study.objects.select_for_update(no_key=True).get(pk=study.pk)  # one sharing after the other
    patients = Patient.objects.restrict(user, Action.MANAGE).filter(study=study).order_by("code")
    if site is not None:
        patients = patients.filter(site=site)
    readable = {
        reader: set(Site.objects.restrict(reader, Action.READ).values_list("pk", flat=True))
        for reader in chosen
    }
    known = Assignment.objects.filter(patient__study=study, reader__in=chosen)
    have: dict[int, set[int]] = {}
    for patient, reader_pk in known.values_list("patient", "reader"):
        have.setdefault(patient, set()).add(reader_pk)
    load = Counter(reader_pk for readers_of in have.values() for reader_pk in readers_of)
    made = []
    for each in patients:
        missing = per_patient - len(have.get(each.pk, ()))
        free = [
            reader
            for reader in chosen
            if each.site_id in readable[reader] and reader.pk not in have.get(each.pk, ())
        ]
        for reader in sorted(free, key=lambda reader: load[reader.pk])[: max(missing, 0)]:
            made.append(Assignment(patient=each, reader=reader, created_by=user))
            load[reader.pk] += 1
    _create(made, user)
    return len(made)


@transaction.atomic
def change(*, add: Iterable[tuple[Patient, User]], remove: Iterable[tuple[Patient, User]], user: User) -> int:
    """Make and end single assignments, all or none of them. Returns how many pairs were named."""
    n = 0
    for patient, reader in add:
        assign(patient=patient, reader=reader, user=user)
        n += 1
    for patient, reader in remove:
        found = Assignment.objects.filter(patient=patient, reader=reader).first()
        if found is not None:
            unassign(assignment=found, user=user)
        n += 1
    return n


def _create(rows: list[Assignment], user: User) -> None:
    bulk_create_with_history(rows, Assignment, default_user=user)
