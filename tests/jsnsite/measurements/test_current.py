"""Which measurements count is kept, and kept right, whatever happens to films and runs."""

from __future__ import annotations

from importlib import import_module
from io import StringIO
from unittest.mock import patch

import pytest
from django.core.management import call_command
from django.db import connection

from jsnsite import queue
from jsnsite.measurements import services
from jsnsite.measurements.current import doubt_key
from jsnsite.measurements.models import CurrentMeasurement, JointMeasurement
from jsnsite.radiographs.corrections import correct_laterality
from jsnsite.radiographs.models import Radiograph
from jsnsite.radiographs.services import fail_radiograph, receive
from tests.jsnsite.dicoms import make_dicom
from tests.jsnsite.factories import (
    MeasurementFactory,
    PatientFactory,
    RadiographFactory,
    RunFactory,
    TimepointFactory,
)


@pytest.fixture(autouse=True)
def nothing_sent():
    with patch.object(queue.app, "send_task"):
        yield


@pytest.fixture
def hand(world) -> list[Radiograph]:
    """A left hand's films at visits 1 to 3, all pairs measured at two joints, one of them twice."""
    patient = PatientFactory(site=world.a)
    films = [RadiographFactory(timepoint=TimepointFactory(patient=patient, ordinal=n)) for n in (1, 2, 3)]
    for first, second in ((0, 1), (0, 2), (1, 2)):
        run = RunFactory(baseline=films[first], followup=films[second])
        JointMeasurement.objects.bulk_create(
            JointMeasurement(run=run, joint=joint, jsn_mm=0.1, reliability="review")
            for joint in ("MCP2", "PIP2")
        )
        MeasurementFactory(run=run, joint="PIP3")
    again = RunFactory(baseline=films[0], followup=films[1], attempt=2)
    MeasurementFactory(run=again, joint="PIP2")
    return films


def kept() -> set[tuple[int, int, int]]:
    """Ordinals of both films and attempt, as they are kept; the same as looking through everything finds."""
    found = JointMeasurement.objects.current()
    assert set(found) == set(JointMeasurement.objects.newest().from_baseline())
    of_run = ("run__baseline__timepoint__ordinal", "run__followup__timepoint__ordinal", "run__attempt")
    return set(found.values_list(*of_run))


def rows() -> list[dict[str, object]]:
    return list(CurrentMeasurement.objects.order_by("pk").values())


def upload(world, timepoint, **header):
    record = receive(
        file=make_dicom(**header), name="x.dcm", timepoint=timepoint, laterality="L", user=world.staff_a
    )
    assert record.radiograph, record.message
    return record.radiograph


def test_the_newest_of_each_joint_from_the_baseline_are_kept(hand):
    assert kept() == {(1, 2, 1), (1, 2, 2), (1, 3, 1)}
    assert CurrentMeasurement.objects.count() == 6
    assert {row.followup for row in CurrentMeasurement.objects.all()} == {hand[1], hand[2]}


def test_a_replaced_follow_up_takes_its_measurements_with_it(world, hand):
    upload(world, hand[1].timepoint)
    assert kept() == {(1, 3, 1)}


def test_an_earlier_film_takes_all_and_gives_them_back_when_it_fails(world, hand):
    patient = hand[0].timepoint.patient
    film = upload(world, TimepointFactory(patient=patient, ordinal=0))
    assert kept() == set()
    fail_radiograph(film, "no_hand_found", "No hand.")
    assert kept() == {(1, 2, 1), (1, 2, 2), (1, 3, 1)}


def test_a_film_without_spacing_that_is_filed_under_the_other_hand_changes_both_baselines(world, hand):
    """It waits for its spacing and is not processed: the hands must be looked at all the same."""
    first = TimepointFactory(patient=hand[0].timepoint.patient, ordinal=0)
    film = upload(world, first, PixelSpacing=None)
    assert film.state == "needs_spacing" and kept() == set()
    correct_laterality(radiograph=film, user=world.staff_a)
    assert kept() == {(1, 2, 1), (1, 2, 2), (1, 3, 1)}


def test_what_is_kept_can_be_found_again(hand):
    before = rows()
    CurrentMeasurement.objects.filter(measurement__joint="MCP2").delete()
    CurrentMeasurement.objects.update(doubt_rank=9, reliability="reliable")
    call_command("rebuild_trends", stdout=StringIO())
    assert rows() == before


def test_a_database_of_an_earlier_version_gets_the_same_rows(world, hand):
    MeasurementFactory(
        run=RunFactory(baseline=hand[0], followup=hand[2], attempt=2),
        joint="MCP2",
        jsn_mm=None,
        jsn_sigma_mm=None,
        reliability="unreliable",
    )
    services.refresh_trends(hand[0].timepoint.patient)
    before = rows()
    CurrentMeasurement.objects.all().delete()
    migration = import_module("jsnsite.measurements.migrations.0006_current_measurement")
    with connection.cursor() as cursor:
        cursor.execute(migration.FILL)
    assert rows() == before


def test_the_most_doubtful_come_first(world, hand):
    run = RunFactory(baseline=hand[0], followup=hand[2], attempt=2)
    made = [
        JointMeasurement(run=run, joint=joint, jsn_mm=jsn, jsn_sigma_mm=sigma, reliability=reliability)
        for joint, jsn, sigma, reliability in (
            ("MCP5", 0.1, 0.05, "reliable"),
            ("MCP4", 0.1, 0.09, "review"),
            ("MCP3", None, None, "unreliable"),
            ("MCP2", 0.1, 0.02, "unreliable"),
            ("PIP2", 0.1, 0.03, "unreliable"),
        )
    ]
    JointMeasurement.objects.bulk_create(made[1:])
    MeasurementFactory(run=run, joint="MCP5", jsn_mm=0.1, jsn_sigma_mm=0.05)
    found = CurrentMeasurement.objects.filter(measurement__run=run).most_doubtful_first()
    in_order = [row.measurement for row in found]
    assert [each.joint for each in in_order] == ["PIP2", "MCP2", "MCP3", "MCP4", "MCP5"]
    assert in_order == sorted(in_order, key=doubt_key)
