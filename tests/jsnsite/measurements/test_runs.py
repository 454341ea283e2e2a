"""Runs: scheduled once, claimed once, recorded once; failures stay, retries are new runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from jsnsite import queue
from jsnsite.errors import DomainError, Immutable, NotAllowed
from jsnsite.measurements import artifacts, services
from jsnsite.measurements.models import JointMeasurement, Run
from jsnsite.measurements.pairing import ALL_PAIRS_UP_TO, NEIGHBOURS, pairs_of
from jsnsite.radiographs.models import JointAnnotation, Radiograph
from jsnsite.studies.joints import DEFAULT_JOINTS
from tests.jsnsite.factories import PatientFactory, RadiographFactory, TimepointFactory
from tests.jsnsite.results import result

PROVENANCE = services.Provenance({"segmenter": "abc"}, "1.0", {"spacing": 0.175})


@dataclass
class Hand:
    """A patient's left hand; ``film(n)`` is a ready film at timepoint n."""

    site: object
    patient: object = field(init=False)

    def __post_init__(self) -> None:
        self.patient = PatientFactory(site=self.site)

    def film(self, ordinal: int, **values: object) -> Radiograph:
        timepoint = self.patient.timepoints.filter(ordinal=ordinal).first() or TimepointFactory(
            patient=self.patient, ordinal=ordinal
        )
        film = RadiographFactory(timepoint=timepoint, **values)
        annotate(film)
        return film


def annotate(film: Radiograph, version: int = 1) -> None:
    JointAnnotation.objects.create(
        radiograph=film,
        joint="MCP2",
        version=version,
        x_px=version,
        y_px=1,
        angle_deg=0,
        size_px=9,
        confidence=1,
        source="locator",
    )


@pytest.fixture
def hand(world) -> Hand:
    return Hand(world.a)


@pytest.fixture
def run(hand) -> Run:
    hand.film(0)
    (run,) = services.schedule_pairs(hand.film(1))
    return run


@pytest.fixture(autouse=True)
def sent():
    tasks: list[tuple[str, str]] = []
    with patch.object(queue.app, "send_task", lambda name, args: tasks.append((name, *args))):
        yield tasks


def pairs(runs) -> set[tuple[int, int]]:
    return {(run.baseline.timepoint.ordinal, run.followup.timepoint.ordinal) for run in runs}


def test_every_film_is_paired_with_the_later_ones_of_its_hand_and_the_baseline_comes_first(
    hand, sent, django_capture_on_commit_callbacks
):
    for ordinal in (1, 2):
        hand.film(ordinal)
    hand.film(1, laterality="R")
    with django_capture_on_commit_callbacks(execute=True):
        runs = services.schedule_pairs(hand.film(0))
        assert sent == []
    assert [(run.baseline.timepoint.ordinal, run.followup.timepoint.ordinal) for run in runs] == [
        (0, 1),
        (0, 2),
        (1, 2),
    ]
    assert sent == [("workers.tasks.quantify_pair", str(run.uuid)) for run in runs]


def test_pairs_grow_with_the_visits_and_not_with_their_square():
    assert len(pairs_of(ALL_PAIRS_UP_TO)) == 66
    more = [len(pairs_of(n)) for n in (13, 14, 40, 41)]
    assert more[0] <= 66 and more[1] - more[0] == more[3] - more[2] == NEIGHBOURS + 1
    many = pairs_of(40)
    assert many[:39] == [(0, later) for later in range(1, 40)]
    assert all((i, i + 1) in many for i in range(39))


def test_scheduling_again_makes_nothing_new(hand, run):
    assert services.schedule_pairs(run.baseline) == services.schedule_pairs(run.followup) == []
    assert Run.objects.count() == 1


def test_nothing_is_paired_while_the_baseline_is_not_ready(hand):
    hand.film(0, state="queued")
    hand.film(1)
    assert services.schedule_pairs(hand.film(2)) == []


def test_without_its_baseline_film_the_next_one_serves_until_it_comes(hand):
    hand.film(0, state="failed", failure_code="no_hand_found")
    hand.film(1)
    assert pairs(services.schedule_pairs(hand.film(2))) == {(1, 2)}
    Radiograph.objects.filter(timepoint__ordinal=0).update(current=False)
    assert pairs(services.schedule_pairs(hand.film(0))) == {(0, 1), (0, 2)}


def test_a_moved_joint_is_measured_again_with_the_new_version(run):
    annotate(run.followup, version=2)
    (again,) = services.schedule_pairs(run.followup)
    assert again.attempt == 2
    assert services.pair_inputs(again).followup_annotations["MCP2"].version == 2
    assert services.pair_inputs(run).followup_annotations["MCP2"].version == 1


def test_a_run_is_claimed_by_one_worker(run):
    claimed = services.claim_run(run.uuid, token="t1")
    assert (claimed.state, claimed.claims) == ("running", 1)
    assert services.claim_run(str(run.uuid), token="t2") is None
    assert services.claim_run(run.uuid) is None


def test_the_same_message_delivered_again_takes_the_claim_over(run):
    services.claim_run(run.uuid, token="t1")
    assert services.claim_run(run.uuid, token="t1").claims == 2


def test_a_stale_claim_can_be_taken_over_and_the_late_worker_changes_nothing(run, settings):
    late = services.claim_run(run.uuid, token="t1")
    Run.objects.update(claimed_at=timezone.now() - settings.JSN_CLAIM_STALE_AFTER - timedelta(seconds=1))
    new = services.claim_run(run.uuid, token="t2")
    assert not services.record_run(late, [result("MCP2", 9.0)], PROVENANCE)
    assert not services.fail_run(late, "x", "x")
    assert stored() == []
    assert services.record_run(new, [result("MCP2", 0.1)], PROVENANCE)
    assert JointMeasurement.objects.get(joint="MCP2").jsn_mm == 0.1


def test_a_run_that_takes_its_worker_down_fails_in_the_end(run, settings):
    for _ in range(settings.JSN_MAX_CLAIMS):
        assert services.claim_run(run.uuid, token="t1")
    assert services.claim_run(run.uuid, token="t1") is None
    run.refresh_from_db()
    assert (run.state, run.failure_code) == ("failed", "worker_lost")


def test_recording_keeps_every_number_and_array(run):
    claimed = services.claim_run(run.uuid)
    assert services.record_run(claimed, [result("MCP2", 0.25)], PROVENANCE)
    run.refresh_from_db()
    assert (run.state, run.model_digests, run.code_version) == ("done", {"segmenter": "abc"}, "1.0")
    measurement = run.measurements.get(joint="MCP2")
    assert measurement.jsn_mm == measurement.upper_dy_mm - measurement.lower_dy_mm == 0.25
    assert measurement.metrics == {"mse": 0.01, "ncc": None}
    arrays = artifacts.load(measurement)
    expected = result("MCP2", 0.25)
    for name in artifacts.IMAGES:
        assert arrays[name].dtype == np.float32
        assert np.array_equal(arrays[name], getattr(expected, name), equal_nan=True)
    for name in artifacts.MASKS:
        assert arrays[name].dtype == np.bool_
        assert np.array_equal(arrays[name], getattr(expected.masks, name))
    assert arrays["pixel_spacing_mm"] == 0.175


def test_a_joint_that_was_not_found_is_a_row_and_not_silence(run):
    services.record_run(services.claim_run(run.uuid), [result("MCP2")], PROVENANCE)
    assert set(run.measurements.values_list("joint", flat=True)) == set(DEFAULT_JOINTS)
    missing = run.measurements.get(joint="PIP5")
    assert (missing.jsn_mm, missing.reliability, missing.reasons) == (None, "unreliable", ["joint_not_found"])
    assert artifacts.load(missing) == {}


def test_a_joint_without_a_number_is_unreliable_whatever_is_claimed(run):
    services.record_run(services.claim_run(run.uuid), [result("MCP2", float("nan"))], PROVENANCE)
    measurement = run.measurements.get(joint="MCP2")
    assert (measurement.jsn_mm, measurement.reliability) == (None, "unreliable")


@pytest.mark.parametrize(
    ("difference", "reason"),
    [
        ({"spacing_source": "entered"}, "spacing_source_differs"),
        ({"pixel_spacing_mm": 0.1}, "spacing_value_differs"),
    ],
)
def test_films_of_different_spacing_ask_for_a_reader(hand, difference, reason):
    hand.film(0)
    (run,) = services.schedule_pairs(hand.film(1, **difference))
    services.record_run(services.claim_run(run.uuid), [result("MCP2")], PROVENANCE)
    measurement = run.measurements.get(joint="MCP2")
    assert (measurement.reliability, measurement.reasons) == ("review", [reason])


def test_a_message_for_a_finished_run_does_nothing(run):
    claimed = services.claim_run(run.uuid, token="t1")
    services.record_run(claimed, [result("MCP2")], PROVENANCE)
    assert services.claim_run(run.uuid, token="t1") is None
    assert not services.record_run(claimed, [result("MCP2", 9)], PROVENANCE)
    assert not services.fail_run(claimed, "x", "x")
    assert JointMeasurement.objects.count() == len(DEFAULT_JOINTS)
    assert len(stored()) == 1


def test_a_recording_that_breaks_leaves_nothing_behind(run):
    claimed = services.claim_run(run.uuid)
    with patch.object(artifacts, "pack", side_effect=[b"x", OSError]), pytest.raises(OSError):
        services.record_run(claimed, [result("MCP2"), result("MCP3")], PROVENANCE)
    assert stored() == [] and not JointMeasurement.objects.exists()
    assert services.fail_run(claimed, "not_stored", "The disk is full.")


def test_a_failure_stays_and_a_retry_is_a_new_run(world, run):
    claimed = services.claim_run(run.uuid)
    services.fail_run(claimed, "backend_down", "The models cannot be reached. Try again.")
    run.refresh_from_db()
    assert (run.state, run.failure_message) == ("failed", "The models cannot be reached. Try again.")
    assert services.schedule_pairs(run.followup) == []
    retry = services.retry_run(run, user=world.staff_a)
    assert (retry.attempt, retry.retry_of, retry.state) == (2, run, "queued")
    with pytest.raises(DomainError):
        services.retry_run(run)
    with pytest.raises(Immutable):
        run.save()


def test_only_people_of_the_site_or_study_retry(world, run):
    services.fail_run(services.claim_run(run.uuid), "x", "x")
    for other in (world.staff_b, world.trial_one, world.reviewer_one, world.outsider):
        with pytest.raises(NotAllowed):
            services.retry_run(run, user=other)
    assert services.retry_run(run, user=world.admin_one)


def test_a_run_that_is_not_failed_is_not_retried(run):
    with pytest.raises(DomainError):
        services.retry_run(run)


def test_a_run_of_a_replaced_film_is_not_computed(run):
    Radiograph.objects.filter(pk=run.followup.pk).update(current=False)
    assert services.claim_run(run.uuid) is None
    run.refresh_from_db()
    assert run.failure_code == "superseded"


def test_unfinished_runs_are_sent_again(run, sent, django_capture_on_commit_callbacks):
    services.claim_run(run.uuid, token="t1")
    with django_capture_on_commit_callbacks(execute=True):
        assert services.resend_unfinished() == 0
        assert services.resend_unfinished(all_lost=True) == 1
    assert sent == [("workers.tasks.quantify_pair", str(run.uuid))]
    assert services.claim_run(run.uuid, token="t2").claims == 1


def stored() -> list[Path]:
    return list(Path(default_storage.location).rglob("*.npz"))
