"""What the study overview counts, and for whom something waits."""

from __future__ import annotations

import datetime

import pytest
from django.utils import timezone

from jsnsite.measurements.models import Run
from jsnsite.pages.overview import LEAST_FOR_PACE, attention, minutes_left, visit_matrix
from jsnsite.radiographs.models import Radiograph
from jsnsite.studies.models import Timepoint
from tests.jsnsite.factories import RadiographFactory, RunFactory, TimepointFactory


@pytest.fixture
def one_hand_filmed(world) -> Timepoint:
    """The baseline of site a has a film of the right hand; no other visit has any."""
    timepoint = world.timepoints(world.a)[0]
    RadiographFactory(timepoint=timepoint, laterality="R")
    return timepoint


def lacking(world, person) -> dict[tuple[str, int], tuple[int, int]]:
    return {
        (each.patient.code, each.ordinal): (each.n_right, each.n_left)
        for each in attention(person, world.one)["lacking"]
    }


def test_missing_films_wait_for_those_who_may_upload_them(world, one_hand_filmed):
    nothing = {("P-a", 0): (1, 0), ("P-a", 1): (0, 0)}
    assert lacking(world, world.staff_a) == nothing
    assert lacking(world, world.admin_one) == nothing | {("P-b", 0): (0, 0), ("P-b", 1): (0, 0)}
    assert lacking(world, world.reviewer_one) == {}


def test_a_visit_with_both_films_or_still_to_come_waits_for_nobody(world, one_hand_filmed):
    RadiographFactory(timepoint=one_hand_filmed, laterality="L")
    tomorrow = timezone.localdate() + datetime.timedelta(days=1)
    world.timepoints(world.a)[1].patient.timepoints.filter(ordinal=1).update(date=tomorrow)
    assert lacking(world, world.staff_a) == {}
    assert not attention(world.staff_a, world.one)["waits"]


def test_a_film_that_another_took_the_place_of_is_missing(world, one_hand_filmed):
    Radiograph.objects.update(current=False)
    assert lacking(world, world.staff_a)["P-a", 0] == (0, 0)


def test_the_longest_overdue_is_named_first(world):
    dates = [each.date for each in attention(world.admin_one, world.one)["lacking"]]
    assert dates == sorted(dates) and attention(world.admin_one, world.one)["waits"]


def test_recruitment_is_held_against_the_sites_plan(world, client):
    world.a.planned_patients = 4
    world.a.save()
    _, rows = visit_matrix(world.admin_one, world.one)
    assert [(row.code, row.n_patients, row.planned) for row in rows] == [("a", 1, 4), ("b", 1, None)]
    client.force_login(world.admin_one)
    page = client.get("/").content.decode()
    assert "1 of 4" in page and 'aria-label="Patients of a recruited"' in page


def test_the_time_left_follows_the_pace_of_the_last_minutes(world):
    assert minutes_left(world.admin_one, world.one, pending=10) is None
    baseline = RadiographFactory(timepoint=world.timepoints(world.a)[0])
    patient, now = baseline.timepoint.patient, timezone.now()
    for minutes in range(LEAST_FOR_PACE):  # one a minute
        visit = TimepointFactory(patient=patient, ordinal=2 + minutes)
        run = RunFactory(baseline=baseline, followup=RadiographFactory(timepoint=visit))
        then = now - datetime.timedelta(minutes=minutes)
        Run.objects.filter(pk=run.pk).update(state="done", claimed_at=then, finished_at=then)
    assert minutes_left(world.admin_one, world.one, pending=10) == 10
    assert minutes_left(world.staff_b, world.one, pending=10) is None  # of what they may see
