"""From a stored film to one with joints: spacing, side, what the locator found, what a person places."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from unittest.mock import patch

import pytest
from django.utils import timezone

from jsnsite import queue
from jsnsite.errors import DomainError, NotAllowed
from jsnsite.measurements.models import Run
from jsnsite.radiographs import queries, services
from jsnsite.radiographs.models import JointAnnotation, Radiograph
from tests.jsnsite.factories import RadiographFactory


@dataclass(frozen=True)
class Found:
    joint: str
    x_px: float = 50
    y_px: float = 60
    angle_deg: float = 5
    size_px: float = 40
    confidence: float = 0.9


HAND = [Found("MCP2"), Found("PIP2")]
#: The DIP joints are optional and this study does not measure them.
UNASKED = Found("DIP2")


@pytest.fixture(autouse=True)
def sent():
    tasks: list[tuple[str, str]] = []
    with patch.object(queue.app, "send_task", lambda name, args: tasks.append((name, *args))):
        yield tasks


@pytest.fixture
def film(world):
    return RadiographFactory(timepoint=world.timepoints(world.a)[0], state="queued")


def test_located_joints_make_the_film_ready(film):
    claimed = services.claim_radiograph(film.uuid, token="t1")
    assert claimed.state == "locating"
    services.record_joints(claimed, [*HAND, UNASKED], found_laterality="L")
    film.refresh_from_db()
    assert film.state == "ready"
    assert set(queries.annotations_of(film)) == {"MCP2", "PIP2"}


def test_recording_twice_does_nothing_twice(film):
    services.record_joints(film, HAND)
    services.record_joints(film, HAND)
    assert JointAnnotation.objects.count() == 2


def test_an_image_without_a_hand_fails_and_says_so(film):
    services.record_joints(film, [])
    film.refresh_from_db()
    assert (film.state, film.failure_code) == ("failed", "no_hand_found")
    assert "Replace it" in film.failure_message


def test_an_image_of_the_other_hand_fails_until_a_person_decides(
    world, film, sent, django_capture_on_commit_callbacks
):
    services.record_joints(film, HAND, found_laterality="R")
    film.refresh_from_db()
    assert (film.state, film.failure_code) == ("failed", "laterality_mismatch")
    assert not film.annotations.exists()
    with django_capture_on_commit_callbacks(execute=True):
        film = services.settle_laterality(radiograph=film, laterality="R", user=world.staff_a)
    assert (film.state, film.laterality) == ("queued", "R")
    assert sent == [("workers.tasks.locate_joints", str(film.uuid))]


def test_a_person_who_insists_on_the_side_is_believed(world, film):
    services.record_joints(film, HAND, found_laterality="R")
    services.settle_laterality(radiograph=film, laterality="L", user=world.staff_a)
    services.record_joints(film, HAND, found_laterality="R")
    film.refresh_from_db()
    assert film.state == "ready"


def test_the_side_cannot_be_settled_onto_another_film(world, film):
    RadiographFactory(timepoint=film.timepoint, laterality="R")
    services.record_joints(film, HAND, found_laterality="R")
    with pytest.raises(DomainError, match="already"):
        services.settle_laterality(radiograph=film, laterality="R", user=world.staff_a)


def test_entering_the_spacing_starts_processing(world, sent, django_capture_on_commit_callbacks):
    film = RadiographFactory(
        timepoint=world.timepoints(world.a)[0],
        state="needs_spacing",
        pixel_spacing_mm=None,
        spacing_source="",
    )
    for wrong in (0, 5, -1, float("nan")):
        with pytest.raises(DomainError):
            services.set_spacing(radiograph=film, pixel_spacing_mm=wrong, user=world.staff_a)
    for other in (world.staff_b, world.reviewer_one, world.trial_one):
        with pytest.raises(NotAllowed):
            services.set_spacing(radiograph=film, pixel_spacing_mm=0.15, user=other)
    with django_capture_on_commit_callbacks(execute=True):
        film = services.set_spacing(radiograph=film, pixel_spacing_mm=0.15, user=world.staff_a)
    assert (film.state, film.spacing_source) == ("queued", "entered")
    assert len(sent) == 1
    with pytest.raises(DomainError):
        services.set_spacing(radiograph=film, pixel_spacing_mm=0.2, user=world.staff_a)


def test_a_film_is_claimed_once_unless_its_worker_is_gone(film, settings):
    assert services.claim_radiograph(film.uuid, token="t1")
    assert services.claim_radiograph(film.uuid, token="t2") is None
    assert services.claim_radiograph(film.uuid, token="t1")
    Radiograph.objects.filter(pk=film.pk).update(
        claimed_at=timezone.now() - settings.JSN_CLAIM_STALE_AFTER - timedelta(seconds=1)
    )
    assert services.claim_radiograph(film.uuid, token="t3")


def test_a_film_that_takes_its_worker_down_fails_in_the_end(film, settings):
    for _ in range(settings.JSN_MAX_CLAIMS):
        assert services.claim_radiograph(film.uuid, token="t1")
    assert services.claim_radiograph(film.uuid, token="t1") is None
    film.refresh_from_db()
    assert (film.state, film.failure_code) == ("failed", "worker_lost")


def test_nobody_claims_a_film_that_is_ready_or_replaced_or_absent(film):
    services.record_joints(film, HAND)
    assert services.claim_radiograph(film.uuid) is None
    assert services.claim_radiograph("00000000-0000-4000-8000-000000000000") is None


def test_a_placed_joint_is_a_new_version_and_the_old_one_stays(world, film):
    services.record_joints(film, HAND)
    placed = services.annotate(
        radiograph=film, joint="MCP2", x_px=70, y_px=80, angle_deg=190, size_px=50, user=world.reviewer_one
    )
    assert (placed.version, placed.source, placed.angle_deg) == (2, "person", -170)
    assert film.annotations.filter(joint="MCP2").count() == 2
    assert queries.annotations_of(film)["MCP2"] == placed


def test_joints_placed_by_hand_rescue_a_film_without_a_hand_found(world, film):
    services.record_joints(film, [])
    film.refresh_from_db()
    services.annotate(
        radiograph=film, joint="MCP2", x_px=70, y_px=80, angle_deg=0, size_px=50, user=world.reviewer_one
    )
    film.refresh_from_db()
    assert (film.state, film.failure_code) == ("ready", "")


@pytest.mark.parametrize(
    "wrong",
    [
        {"joint": "MCP9"},
        {"joint": "DIP2"},
        {"x_px": -5},
        {"y_px": 1e6},
        {"size_px": 0},
        {"x_px": float("nan")},
    ],
)
def test_a_joint_outside_the_image_or_the_study_is_refused(world, film, wrong):
    services.record_joints(film, HAND)
    place = {"joint": "MCP2", "x_px": 70, "y_px": 80, "angle_deg": 0, "size_px": 50} | wrong
    with pytest.raises(DomainError):
        services.annotate(radiograph=film, user=world.reviewer_one, **place)


def test_only_those_who_annotate_in_scope_place_joints(world, film):
    services.record_joints(film, HAND)
    for other in (world.staff_a, world.trial_one, world.reviewer_b, world.outsider):
        with pytest.raises(NotAllowed):
            services.annotate(
                radiograph=film, joint="MCP2", x_px=7, y_px=8, angle_deg=0, size_px=9, user=other
            )


def test_unfinished_films_are_sent_again(film, sent, django_capture_on_commit_callbacks):
    services.claim_radiograph(film.uuid, token="t1")
    with django_capture_on_commit_callbacks(execute=True):
        assert services.resend_unfinished() == 0
        assert services.resend_unfinished(all_lost=True) == 1
    assert sent == [("workers.tasks.locate_joints", str(film.uuid))]
    assert services.claim_radiograph(film.uuid, token="t2").claims == 1


def test_a_ready_pair_is_scheduled(world, film):
    services.record_joints(film, HAND)
    followup = RadiographFactory(timepoint=world.timepoints(world.a)[1], state="queued")
    services.record_joints(followup, HAND)
    run = Run.objects.get()
    assert (run.baseline, run.followup) == (film, followup)


def test_counts_hold_only_what_is_in_scope(world, film):
    RadiographFactory(timepoint=world.timepoints(world.b)[0])
    assert queries.radiograph_counts(world.reviewer_one)["total"] == 2
    assert queries.radiograph_counts(world.staff_b) == {
        "total": 1, "needs_spacing": 0, "queued": 0, "locating": 0, "ready": 1, "failed": 0,
    }  # fmt: skip
    assert queries.radiograph_counts(world.staff_b, site=world.a)["total"] == 0


def test_a_failed_film_is_tried_again_by_its_site_only(world, sent, django_capture_on_commit_callbacks):
    film = RadiographFactory(timepoint=world.timepoints(world.a)[0], state="queued")
    services.fail_radiograph(film, "inference_unavailable", "The models did not answer.")
    with pytest.raises(NotAllowed):
        services.retry_radiograph(radiograph=film, user=world.staff_b)
    with django_capture_on_commit_callbacks(execute=True):
        tried = services.retry_radiograph(radiograph=film, user=world.staff_a)
    assert (tried.state, tried.failure_code, tried.claims) == ("queued", "", 0)
    assert sent == [("workers.tasks.locate_joints", str(film.uuid))]
    with pytest.raises(DomainError, match="Only a failed film"):
        services.retry_radiograph(radiograph=film, user=world.staff_a)


def test_a_film_whose_side_is_in_question_is_not_tried_again_before_it_is_settled(world):
    film = RadiographFactory(timepoint=world.timepoints(world.a)[0], state="queued")
    services.fail_radiograph(film, "laterality_mismatch", "Say which hand it is.")
    with pytest.raises(DomainError, match="which hand"):
        services.retry_radiograph(radiograph=film, user=world.staff_a)
