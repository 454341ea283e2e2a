"""Which reader is asked to read which patients, and what that does to their worklists."""

from __future__ import annotations

from collections import Counter

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from jsnsite.errors import DomainError, NotAllowed
from jsnsite.reviews import assigning, queries, services
from jsnsite.reviews.models import Assignment
from jsnsite.scoping import Role
from tests.jsnsite.factories import (
    MeasurementFactory,
    PatientFactory,
    RadiographFactory,
    TimepointFactory,
    member,
)


def client_of(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def worklist(reader):
    return [row.measurement for row in queries.worklist(reader)]


def doubtful(patient):
    first, second = (TimepointFactory(patient=patient, ordinal=ordinal) for ordinal in (10, 11))
    followup = RadiographFactory(timepoint=second)
    return MeasurementFactory(run__baseline__timepoint=first, run__followup=followup, reliability="review")


@pytest.fixture
def patients(world):
    return [PatientFactory(site=site, code=f"Q{n:02}") for n, site in enumerate([world.a, world.b] * 5)]


@pytest.fixture
def readers(world):
    return [world.reviewer_one, *(member(Role.REVIEWER, world.one, username=f"reader{n}") for n in (1, 2))]


def test_patients_are_shared_evenly_and_each_gets_as_many_readers_as_asked(world, patients, readers):
    n_patients = world.one.patients.count()
    made = assigning.share(study=world.one, readers=readers, per_patient=2, user=world.admin_one)
    assert made == 2 * n_patients == Assignment.objects.count()
    per_patient = Counter(Assignment.objects.values_list("patient", flat=True))
    load = Counter(Assignment.objects.values_list("reader", flat=True))
    assert set(per_patient.values()) == {2}
    assert max(load.values()) - min(load.values()) <= 1
    assert assigning.share(study=world.one, readers=readers, per_patient=2, user=world.admin_one) == 0
    assert Assignment.history.count() == made


def test_who_reads_at_one_site_gets_its_patients_only(world, patients, readers):
    assigning.share(
        study=world.one, readers=[world.reviewer_b, readers[1]], per_patient=1, user=world.admin_one
    )
    own = Assignment.objects.filter(reader=world.reviewer_b)
    assert own.exists() and not own.exclude(patient__site=world.b).exists()


def test_only_the_study_s_administrators_assign_and_only_readers_are_asked(world, patients, readers):
    given = {"patient": patients[0], "reader": readers[1]}
    for person in (world.reviewer_one, world.staff_a, world.trial_one, world.outsider):
        with pytest.raises(NotAllowed):
            assigning.assign(**given, user=person)
        with pytest.raises(NotAllowed):
            assigning.share(study=world.one, readers=readers, per_patient=1, user=person)
    for reader in (world.staff_a, world.reviewer_b, world.admin_one):
        with pytest.raises(DomainError, match="does not read"):
            assigning.assign(patient=patients[0], reader=reader, user=world.admin_one)
    made = assigning.assign(**given, user=world.admin_one)
    assert assigning.assign(**given, user=world.admin_one) == made
    with pytest.raises(NotAllowed):
        assigning.unassign(assignment=made, user=readers[1])
    with pytest.raises(IntegrityError), transaction.atomic():
        Assignment.objects.create(**given, created_by=world.admin_one)
    assigning.unassign(assignment=made, user=world.admin_one)
    assert not Assignment.objects.exists()


@pytest.mark.parametrize("per_patient", [0, 4, 99])
def test_a_number_of_readers_that_there_are_not_is_refused(world, readers, per_patient):
    with pytest.raises(DomainError):
        assigning.share(study=world.one, readers=readers, per_patient=per_patient, user=world.admin_one)


def test_a_reader_does_not_learn_who_else_reads_a_patient(world, patients, readers):
    for reader in readers:
        assigning.assign(patient=patients[0], reader=reader, user=world.admin_one)
    assert queries.assignments(readers[1]).get().reader == readers[1]
    assert queries.assignments(world.admin_one, study=world.one).count() == 3
    assert not queries.assignments(world.staff_a).exists()


def test_the_worklist_starts_with_the_patients_assigned_to_its_reader(world, patients):
    mine, other = doubtful(patients[0]), doubtful(patients[1])
    reader = world.reviewer_one
    assert set(worklist(reader)) == {mine, other}
    assigning.assign(patient=patients[0], reader=reader, user=world.admin_one)
    assert worklist(reader) == [mine]
    shown = client_of(reader).get("/worklist/").context
    assert list(shown["page"]) == [mine] and shown["progress"].total == 1
    shown = client_of(reader).get("/worklist/?whose=all").context
    assert list(shown["page"]) == [mine, other] and shown["progress"].total == 2


def test_a_study_without_assignments_is_read_by_all_its_readers(world, patients):
    second_study = doubtful(world.c.patients.first())
    member_of_both = member(Role.REVIEWER, world.two, username="both")
    from jsnsite.accounts.models import Membership

    Membership.objects.create(user=member_of_both, study=world.one, role=Role.REVIEWER)
    assigning.assign(patient=patients[0], reader=member_of_both, user=world.admin_one)
    doubtful(patients[1])
    assert worklist(member_of_both) == [second_study]


def test_the_page_changes_what_was_ticked_and_leaves_what_others_did_meanwhile(world, patients, readers):
    client = client_of(world.admin_one)
    address = reverse("reviews:assignments", args=[world.one.uuid])
    kept, removed, meanwhile = (
        assigning.assign(patient=patient, reader=readers[0], user=world.admin_one) for patient in patients[:3]
    )
    pair = "{0.patient.uuid}:{0.reader.uuid}".format
    new = f"{patients[4].uuid}:{readers[1].uuid}"
    answer = client.post(
        address, {"was": [pair(kept), pair(removed)], "is": [pair(kept), new, "x:y", "", "a"]}
    )
    assert answer.status_code == 302
    found = set(Assignment.objects.values_list("patient", "reader"))
    assert found == {
        (patients[0].pk, readers[0].pk), (patients[2].pk, readers[0].pk), (patients[4].pk, readers[1].pk),
    }  # fmt: skip
    assert meanwhile.patient == patients[2]


def test_the_page_and_its_verbs_are_the_administrators(world, patients, readers):
    for person in (world.reviewer_one, world.staff_a, world.trial_one, world.outsider):
        client = client_of(person)
        for name in ("assignments", "share"):
            assert client.post(reverse(f"reviews:{name}", args=[world.one.uuid])).status_code == 404
        assert client.get(reverse("reviews:assignments", args=[world.one.uuid])).status_code == 404
    admin = client_of(world.admin_one)
    assert admin.get(reverse("reviews:assignments", args=[world.two.uuid])).status_code == 404
    given = {"readers": [str(reader.uuid) for reader in readers], "per_patient": 1}
    assert admin.post(reverse("reviews:share", args=[world.one.uuid]), given).status_code == 302
    assert Assignment.objects.count() == world.one.patients.count()


def test_the_overview_names_patients_that_were_forgotten(world, patients, readers):
    assert queries.without_reader(world.admin_one, world.one) == 0
    assigning.assign(patient=patients[0], reader=readers[0], user=world.admin_one)
    assert queries.without_reader(world.admin_one, world.one) == world.one.patients.count() - 1
    assert queries.without_reader(readers[0], world.one) == 0


def test_the_administrator_sees_how_far_each_reader_is_and_not_what_they_think(world, patients, readers):
    measurements = [doubtful(patient) for patient in patients[:4]]
    for patient in patients[:3]:
        assigning.assign(patient=patient, reader=readers[0], user=world.admin_one)
    assigning.assign(patient=patients[0], reader=readers[1], user=world.admin_one)
    services.accept(measurement=measurements[0], reader=readers[0])
    services.flag(measurement=measurements[1], reader=readers[0], reason_code="overlap")
    services.accept(measurement=measurements[2], reader=readers[0])
    services.withdraw(measurement=measurements[2], reader=readers[0])
    services.accept(measurement=measurements[3], reader=readers[1])  # of a patient that is not theirs
    assert queries.readings(world.one) == {
        readers[0].pk: queries.Reading(n_patients=3, n_read=2, n_joints=3),
        readers[1].pk: queries.Reading(n_patients=1, n_read=0, n_joints=1),
    }
    progress = client_of(readers[0]).get("/worklist/").context["progress"]
    assert (progress.done, progress.total) == (2, 3)
    address = reverse("reviews:assignments", args=[world.one.uuid])
    page = client_of(world.admin_one).get(f"{address}?reader={readers[0].uuid}")
    assert list(page.context["page"]) == patients[:3]
    text = page.content.decode()
    assert "2 of 3" in text and "nothing to read" in text
    assert "flagged" not in text.lower() and "accepted" not in text.lower()


def test_joints_that_need_no_reader_do_not_count_as_work(world, patients, readers):
    first, second = (TimepointFactory(patient=patients[0], ordinal=ordinal) for ordinal in (0, 1))
    MeasurementFactory(run__baseline__timepoint=first, run__followup=RadiographFactory(timepoint=second))
    assigning.assign(patient=patients[0], reader=readers[0], user=world.admin_one)
    assert queries.readings(world.one) == {readers[0].pk: queries.Reading(n_patients=1)}
