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

#: A patient and one of their readers.
Pair = tuple[Patient, User]


@transaction.atomic
def assign(*, patient: Patient, reader: User, user: User) -> Assignment:
    """Ask ``reader`` to read a patient; asked twice, it is one assignment."""
    change(add=[(patient, reader)], remove=[], user=user)
    return Assignment.objects.get(patient=patient, reader=reader)


def unassign(*, assignment: Assignment, user: User) -> None:
    """Take a patient off a reader's list; verdicts stay, and the history tells who was asked."""
    change(add=[], remove=[(assignment.patient, assignment.reader)], user=user)


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
    _lock([study.pk])
    patients = Patient.objects.restrict(user, Action.MANAGE).filter(study=study).order_by("code")
    if site is not None:
        patients = patients.filter(site=site)
    readable = _sites_of(chosen)
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
def change(*, add: Iterable[Pair], remove: Iterable[Pair], user: User) -> int:
    """Make and end single assignments, all or none of them. Returns how many pairs were named.

    What is there already, or gone already, stays as it is.
    """
    added, ended = set(add), set(remove)
    patients = {patient for patient, _reader in added | ended}
    managed = Patient.objects.restrict(user, Action.MANAGE).filter(pk__in=[each.pk for each in patients])
    if managed.count() != len(patients):
        raise NotAllowed
    _lock(patient.study_id for patient in patients)
    readable = _sites_of({reader for _patient, reader in added})
    if any(patient.site_id not in readable[reader] for patient, reader in added):
        raise DomainError("not_a_reader", "This person does not read at the patient's site.")
    known = {
        (row.patient, row.reader): row
        for row in Assignment.objects.filter(patient__in=patients).select_related("patient", "reader")
    }
    new = sorted(added - known.keys(), key=lambda pair: (pair[0].code, pair[1].pk))
    _create([Assignment(patient=patient, reader=reader, created_by=user) for patient, reader in new], user)
    Assignment.objects.filter(pk__in=[known[pair].pk for pair in ended & known.keys()]).delete()
    return len(added) + len(ended)


def _lock(studies: Iterable[int]) -> None:
    """One change after the other, so that nobody is asked twice."""
    list(Study.objects.select_for_update(no_key=True).filter(pk__in=set(studies)).order_by("pk"))


def _sites_of(readers: Iterable[User]) -> dict[User, set[int]]:
    """Where each of them reads, by the sites' primary keys."""
    return {
        reader: set(Site.objects.restrict(reader, Action.READ).values_list("pk", flat=True))
        for reader in readers
    }


def _create(rows: list[Assignment], user: User) -> None:
    bulk_create_with_history(rows, Assignment, default_user=user)
