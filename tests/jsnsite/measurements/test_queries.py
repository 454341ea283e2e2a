"""Which measurements count, and the trends and counts drawn from them, within scope."""

from __future__ import annotations

import pytest

from jsnsite.measurements import queries, services
from jsnsite.measurements.models import Run
from jsnsite.radiographs.models import Radiograph
from jsnsite.reviews import services as reviews
from tests.jsnsite.factories import (
    MeasurementFactory,
    PatientFactory,
    RadiographFactory,
    RunFactory,
    TimepointFactory,
)


@pytest.fixture
def hand(world):
    """A left hand of site a with films at timepoints 0, 1, 2."""
    patient = PatientFactory(site=world.a)
    return [RadiographFactory(timepoint=TimepointFactory(patient=patient, ordinal=n)) for n in range(3)]


def measure(baseline, followup, attempt=1, **values):
    run = RunFactory(baseline=baseline, followup=followup, attempt=attempt)
    return MeasurementFactory(run=run, **values)


def test_the_newest_done_run_of_a_pair_counts(world, hand):
    measure(hand[0], hand[1], 1, jsn_mm=0.1)
    newest = measure(hand[0], hand[1], 2, jsn_mm=0.2)
    RunFactory(baseline=hand[0], followup=hand[1], attempt=3)
    assert list(queries.current_measurements(world.staff_a)) == [newest]
    assert queries.is_current(newest)


def test_a_run_that_finishes_late_does_not_overtake_a_newer_one(world, hand):
    early = RunFactory(baseline=hand[0], followup=hand[1], attempt=1)
    newer = measure(hand[0], hand[1], 2)
    late = MeasurementFactory(run=early)
    assert list(queries.current_measurements(world.staff_a)) == [newer]
    assert not queries.is_current(late)


def test_measurements_of_replaced_films_do_not_count(world, hand):
    measure(hand[0], hand[1])
    Radiograph.objects.filter(pk=hand[1].pk).update(current=False)
    services.refresh_trends(hand[1].timepoint.patient)
    assert not queries.current_measurements(world.staff_a).exists()
    assert queries.measurements(world.staff_a).count() == 1


def test_measurements_against_another_baseline_do_not_count(world, hand):
    measure(hand[1], hand[2])
    assert not queries.current_measurements(world.staff_a).exists()


def test_a_trend_runs_through_the_timepoints_in_order(world, hand):
    later = measure(
        hand[0], hand[2], jsn_mm=0.3, jsn_sigma_mm=0.05, reliability="review", reasons=["overlap"]
    )
    sooner = measure(hand[0], hand[1], jsn_mm=0.1)
    patient = hand[0].timepoint.patient
    trend = queries.trend(world.staff_a, patient, "L", "MCP2")
    assert [point.measurement for point in trend.points] == [sooner.uuid, later.uuid]
    assert trend.baseline_date == hand[0].timepoint.date
    latest = trend.latest
    assert (latest.jsn_mm, latest.jsn_sigma_mm, latest.reliability, latest.reasons) == (
        0.3,
        0.05,
        "review",
        ["overlap"],
    )
    assert latest.date == hand[2].timepoint.date and not latest.flagged
    assert queries.trend(world.staff_a, patient, "R", "MCP2") is None


def test_a_trend_shows_flags_until_they_are_withdrawn(world, hand):
    measurement = measure(hand[0], hand[1])
    patient = hand[0].timepoint.patient

    def flagged() -> bool:
        return queries.trend(world.staff_a, patient, "L", "MCP2").latest.flagged

    reviews.flag(measurement=measurement, reader=world.reviewer_one, reason_code="mismatch")
    assert flagged()
    reviews.withdraw(measurement=measurement, reader=world.reviewer_one)
    assert not flagged()


def test_all_trends_of_a_patient_take_three_queries(world, hand, django_assert_num_queries):
    for joint in ("MCP2", "MCP3"):
        for film in hand[1:]:
            run = Run.objects.filter(followup=film).first() or RunFactory(baseline=hand[0], followup=film)
            if run.state == "queued":
                MeasurementFactory(run=run, joint=joint)
    services.refresh_trends(hand[0].timepoint.patient)
    with django_assert_num_queries(3):
        trends = queries.trends(world.staff_a, hand[0].timepoint.patient)
        assert [point.date for trend in trends.values() for point in trend.points]


def test_progress_counts_pairs_and_measurements_in_scope(world, measured):
    everything = queries.progress(world.superuser)
    assert (everything.done, everything.total, everything.percent, everything.reliable) == (3, 3, 100, 3)
    reviews.flag(measurement=measured["a"], reader=world.reviewer_one, reason_code="overlap")
    of_study = queries.progress(world.reviewer_one)
    assert (of_study.done, of_study.flagged) == (2, 1)
    assert queries.progress(world.staff_b).flagged == 0
    assert queries.progress(world.staff_b, site=world.a).total == 0
    assert queries.progress(world.outsider).total == 0


def test_progress_counts_the_newest_attempt_of_a_pair(world, hand):
    failed = RunFactory(baseline=hand[0], followup=hand[1])
    services.fail_run(failed, "x", "x")
    assert queries.progress(world.staff_a).failed == 1
    services.retry_run(failed)
    progress = queries.progress(world.staff_a)
    assert (progress.failed, progress.queued, progress.percent) == (0, 1, 0)
    assert [run.attempt for run in queries.runs(world.staff_a)] == [2]


def test_trends_out_of_scope_are_empty(world, hand):
    measure(hand[0], hand[1])
    for other in (world.staff_b, world.staff_c, world.outsider):
        assert queries.trends(other, hand[0].timepoint.patient) == {}


def test_siblings_are_the_joints_of_the_same_hand(world, hand):
    run = RunFactory(baseline=hand[0], followup=hand[1])
    from tests.jsnsite.factories import JointMeasurement

    JointMeasurement.objects.create(run=run, joint="MCP3", reliability="unreliable")
    measurement = MeasurementFactory(run=run)
    assert {row.joint for row in queries.siblings(world.staff_a, measurement)} == {"MCP2", "MCP3"}
