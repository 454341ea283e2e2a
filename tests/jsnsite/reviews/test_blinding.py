"""Readers are blind to each other: nothing that one of them says changes what another one gets to see."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from rest_framework.test import APIClient

from jsnsite.measurements.models import JointMeasurement, JointTrend
from jsnsite.measurements.services import refresh_trends
from jsnsite.reviews import services
from jsnsite.scoping import Role
from tests.jsnsite.factories import (
    MeasurementFactory,
    RadiographFactory,
    RunFactory,
    TimepointFactory,
    member,
)

ADDRESSES = ("trends", "measurements", "reads", "runs")


@pytest.fixture
def hand(world) -> list[JointMeasurement]:
    """A joint over three visits: every pair of films measured, the first of them in doubt."""
    first, second = world.timepoints(world.a)
    third = TimepointFactory(patient=first.patient, ordinal=2)
    films = [RadiographFactory(timepoint=timepoint) for timepoint in (first, second, third)]
    found = []
    for i, j, jsn_mm in ((0, 1, 0.9), (0, 2, 0.2), (1, 2, 0.1)):
        run = RunFactory(baseline=films[i], followup=films[j])
        doubt = {"reliability": "review", "reasons": ["large_sigma"]} if j == 1 else {}
        found.append(MeasurementFactory(run=run, jsn_mm=jsn_mm, **doubt))
    refresh_trends(first.patient)
    return found


@pytest.fixture
def other_reader(world):
    return member(Role.REVIEWER, world.one, username="other_reader")


def seen(person, hand) -> dict[str, str]:
    """All that a person can fetch about the joint, without what is random in it."""
    pages, api = Client(), APIClient()
    pages.force_login(person)
    api.force_authenticate(person)
    patient = hand[0].run.baseline.timepoint.patient
    addresses = [
        "/",
        "/worklist/?reliability=any&status=all",
        f"/studies/{patient.study.uuid}/patients/",
        f"/patients/{patient.uuid}/",
        f"/patients/{patient.uuid}/report/",
        f"/radiographs/{hand[0].run.followup.uuid}/",
        *(f"/measurements/{measurement.uuid}/" for measurement in hand),
    ]
    texts = {}
    for address in addresses:
        answer = pages.get(address)
        assert answer.status_code == 200, address
        texts[address] = re.sub(r"[\w-]{64}", "", answer.content.decode())
    for name in ADDRESSES:
        texts[name] = api.get(f"/api/v1/{name}/").content.decode()
    for name in ("trends", "measurements"):
        texts[f"{name}.csv"] = b"".join(api.get(f"/api/v1/{name}/?format=csv").streaming_content).decode()
    texts["flagged"] = api.get("/api/v1/measurements/?flagged=true").content.decode()
    return texts


@pytest.mark.parametrize("verdict", ["flag", "accept", "withdraw"])
def test_what_one_reader_says_changes_nothing_for_another(world, hand, other_reader, verdict):
    before = seen(other_reader, hand)
    for measurement in hand:
        if verdict == "flag":
            services.flag(measurement=measurement, reader=world.reviewer_one, reason_code="mismatch")
        else:
            services.accept(measurement=measurement, reader=world.reviewer_one, comment="certainly")
        if verdict == "withdraw":
            services.withdraw(measurement=measurement, reader=world.reviewer_one)
    assert seen(other_reader, hand) == before


def test_a_reader_sees_what_their_own_verdict_does_and_nobody_else_s(world, hand, other_reader):
    services.flag(measurement=hand[2], reader=world.reviewer_one, reason_code="mismatch")
    mine = JointTrend.objects.restrict(world.reviewer_one).get()
    theirs = JointTrend.objects.restrict(other_reader).get()
    of_study = JointTrend.objects.restrict(world.trial_one).get()
    assert mine.n_pairs == of_study.n_pairs == 2
    assert mine.points == of_study.points and theirs.points != mine.points
    services.flag(measurement=hand[1], reader=other_reader, reason_code="overlap")
    assert JointTrend.objects.restrict(world.reviewer_one).get().n_pairs == 2
    assert JointTrend.objects.restrict(world.trial_one).get().n_pairs == 1


def test_a_withdrawn_verdict_takes_its_trend_along(world, hand):
    before = JointTrend.objects.restrict(world.reviewer_one).get().points
    services.flag(measurement=hand[2], reader=world.reviewer_one, reason_code="mismatch")
    services.withdraw(measurement=hand[2], reader=world.reviewer_one)
    assert JointTrend.objects.restrict(world.reviewer_one).get().points == before
    assert JointTrend.objects.count() == 2


def test_who_does_not_read_sees_every_verdict(world, hand, other_reader):
    services.flag(measurement=hand[0], reader=world.reviewer_one, reason_code="mismatch")
    services.accept(measurement=hand[0], reader=other_reader)
    for person in (world.trial_one, world.admin_one, world.staff_a):
        found = JointMeasurement.objects.restrict(person).with_flagged(person).get(pk=hand[0].pk)
        assert found.flagged
    assert not JointMeasurement.objects.with_flagged(other_reader).get(pk=hand[0].pk).flagged
