"""Assigning patients to readers over REST."""

from __future__ import annotations

from uuid import uuid4

from jsnsite.reviews.models import Assignment
from tests.jsnsite.api.conftest import V1

PATH = f"{V1}assignments/"


def test_an_administrator_assigns_and_takes_back(world, client_of):
    body = {"patient": str(world.a.patients.get().uuid), "reader": str(world.reviewer_one.uuid)}
    client = client_of("admin_one")
    made = client.post(PATH, body, format="json")
    assert made.status_code == 201 and made.json()["reader_uuid"] == body["reader"]
    assert client.post(PATH, body, format="json").json() == made.json()
    assert client.delete(f"{PATH}{made.json()['uuid']}/").status_code == 204
    assert client.delete(f"{PATH}{made.json()['uuid']}/").status_code == 404
    assert not Assignment.objects.exists()


def test_nobody_else_assigns_or_takes_back(world, client_of, everything):
    own = Assignment.objects.get(reader=world.reviewer_one)
    body = {"patient": str(world.a.patients.get().uuid), "reader": str(world.reviewer_one.uuid)}
    for who, status in (("reviewer_one", 403), ("staff_a", 403), ("trial_one", 403), ("staff_c", 404)):
        assert client_of(who).post(PATH, body, format="json").status_code == status
    assert client_of("reviewer_one").delete(f"{PATH}{own.uuid}/").status_code == 403
    assert client_of("trial_one").delete(f"{PATH}{own.uuid}/").status_code == 404


def test_who_does_not_read_there_is_refused(world, client_of):
    patient = str(world.a.patients.get().uuid)
    for reader, status in (
        (world.reviewer_b.uuid, 409),
        (world.staff_a.uuid, 404),
        (uuid4(), 404),
        ("x", 400),
    ):
        body = {"patient": patient, "reader": str(reader)}
        assert client_of("admin_one").post(PATH, body, format="json").status_code == status
