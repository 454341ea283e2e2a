"""What people correct: spacing, side, regions and outlines. Each is a new version, and only what depends on it is
measured again.
"""

from __future__ import annotations

from unittest.mock import patch

import pydicom
import pytest
from django.core.files.base import ContentFile
from django.urls import reverse

from jsnsite import queue
from jsnsite.errors import DomainError, NotAllowed
from jsnsite.measurements import services as measurements
from jsnsite.measurements.models import JointMeasurement, Run
from jsnsite.radiographs import services
from jsnsite.radiographs.film import corrections_of, film_joints
from jsnsite.radiographs.models import BoneOutline, FilmCorrection, JointAnnotation, Radiograph
from jsnsite.studies.joints import DEFAULT_JOINTS
from tests.jsnsite.dicoms import make_dicom
from tests.jsnsite.factories import AnnotationFactory, RadiographFactory
from tests.jsnsite.results import result

PROVENANCE = measurements.Provenance({"segmenter": "abc"}, "1.0", {})
BONE = [[40.0, 35.0], [100.0, 35.0], [90.0, 75.0], [50.0, 75.0]]


@pytest.fixture(autouse=True)
def sent():
    tasks: list[tuple[str, str]] = []
    with patch.object(queue.app, "send_task", lambda name, args: tasks.append((name, *args))):
        yield tasks


@pytest.fixture
def films(world) -> list[Radiograph]:
    """Two ready films of a hand with two located joints each."""
    made = []
    for timepoint in world.timepoints(world.a):
        film = RadiographFactory(timepoint=timepoint)
        for joint in ("MCP2", "PIP2"):
            AnnotationFactory(radiograph=film, joint=joint)
        made.append(film)
    return made


def measure(run: Run, **jsn_mm: float) -> None:
    measured = [result(joint, value) for joint, value in jsn_mm.items()]
    assert measurements.record_run(measurements.claim_run(run.uuid), measured, PROVENANCE)


def place(film: Radiograph, user, joint: str = "MCP2", **values: object) -> JointAnnotation:
    given = {"x_px": 75, "y_px": 80, "angle_deg": 3, "size_px": 110} | values
    return services.annotate(radiograph=film, joint=joint, user=user, **given)


def draw(
    film: Radiograph, user, *, bone: str = "upper", polygon: object = None, version: int = 0
) -> BoneOutline:
    annotation = film.annotations.filter(joint="MCP2").newest().get()
    polygon = BONE if polygon is None else polygon
    return services.draw_outline(
        annotation=annotation, bone=bone, polygon=polygon, version=version, user=user
    )


def counting() -> dict[str, float | None]:
    return dict(JointMeasurement.objects.current().values_list("joint", "jsn_mm"))


def test_the_first_run_measures_every_joint_and_a_corrected_joint_is_measured_alone(world, films):
    (first,) = measurements.schedule_pairs(films[1])
    assert first.joints == list(DEFAULT_JOINTS)
    measure(first, MCP2=0.1, PIP2=0.2)
    place(films[1], world.reviewer_one)
    again = Run.objects.get(state="queued")
    assert (again.joints, again.attempt) == (["MCP2"], 2)
    assert again.input_digests["followup"]["annotations"] == {"MCP2": 2}
    assert (counting()["MCP2"], counting()["PIP2"]) == (0.1, 0.2)  # until the new result is there
    measure(again, MCP2=0.3)
    assert (counting()["MCP2"], counting()["PIP2"]) == (0.3, 0.2)
    assert JointMeasurement.objects.filter(run=again).count() == 1
    assert set(JointMeasurement.objects.filter(joint="MCP2").values_list("jsn_mm", flat=True)) == {0.1, 0.3}
    assert measurements.schedule_pairs(films[1]) == []


def test_a_placed_joint_that_was_lost_is_measured_alone(world, films):
    (first,) = measurements.schedule_pairs(films[1])
    measure(first, MCP2=0.1)
    place(films[1], world.reviewer_one, "MCP3")
    assert Run.objects.get(state="queued").joints == ["MCP3"]


def test_a_correction_takes_joints_of_a_failed_run_along(world, films):
    (first,) = measurements.schedule_pairs(films[1])
    measurements.fail_run(measurements.claim_run(first.uuid), "x", "x")
    assert measurements.schedule_pairs(films[1]) == []
    place(films[1], world.reviewer_one)
    assert Run.objects.get(state="queued").joints == list(DEFAULT_JOINTS)


def test_a_retry_measures_the_joints_that_failed(world, films):
    (first,) = measurements.schedule_pairs(films[1])
    measure(first, MCP2=0.1, PIP2=0.2)
    place(films[1], world.reviewer_one)
    partial = Run.objects.get(state="queued")
    measurements.fail_run(measurements.claim_run(partial.uuid), "x", "x")
    partial.refresh_from_db()
    retry = measurements.retry_run(partial, user=world.staff_a)
    assert (retry.joints, retry.retry_of) == (["MCP2"], partial)


def test_an_outline_is_a_version_that_the_run_names_and_gets(world, films):
    (first,) = measurements.schedule_pairs(films[1])
    measure(first, MCP2=0.1, PIP2=0.2)
    outline = draw(films[1], world.reviewer_one)
    run = Run.objects.get(state="queued")
    assert run.joints == ["MCP2"]
    assert run.input_digests["followup"]["outlines"] == {"MCP2": {"upper": 1}}
    pair = measurements.pair_inputs(run)
    assert pair.followup_outlines == {"MCP2": {"upper": outline}}
    assert pair.baseline_outlines == {}
    assert measurements.pair_inputs(first).followup_outlines == {}


def test_an_outline_counts_until_it_is_given_back_or_the_region_moves(world, films):
    draw(films[1], world.reviewer_one)
    draw(films[1], world.reviewer_one, bone="lower")
    assert BoneOutline.objects.counting().count() == 2
    draw(films[1], world.reviewer_one, polygon=[], version=1)
    assert [outline.bone for outline in BoneOutline.objects.counting()] == ["lower"]
    place(films[1], world.reviewer_one)
    assert not BoneOutline.objects.counting().exists()
    assert BoneOutline.objects.count() == 3
    assert Run.objects.order_by("attempt").last().input_digests["followup"]["outlines"] == {}


@pytest.mark.parametrize(
    ("polygon", "code"),
    [
        ([[1, 1], [2, 2]], "outline_points"),
        ([[10, 10]] * 601, "outline_points"),
        ([[10, 10], [12, 10], [12, 12]], "outline_small"),
        ([[10, 10], [1e6, 10], [12, 90]], "outline_outside"),
        ([[10, 10], [float("nan"), 10], [12, 90]], "outline_outside"),
    ],
)
def test_an_outline_that_can_not_be_one_is_refused(world, films, polygon, code):
    with pytest.raises(DomainError) as refused:
        draw(films[1], world.reviewer_one, polygon=polygon)
    assert refused.value.code == code
    with pytest.raises(DomainError):
        draw(films[1], world.reviewer_one, bone="middle")


def test_who_started_from_an_older_version_is_told_so(world, films):
    place(films[1], world.reviewer_one, version=1)
    for version in (0, 1, 3):
        with pytest.raises(DomainError, match="meanwhile"):
            place(films[1], world.reviewer_one, version=version)
    draw(films[1], world.reviewer_one)
    with pytest.raises(DomainError, match="meanwhile"):
        draw(films[1], world.reviewer_one, version=0)
    old = films[1].annotations.get(joint="MCP2", version=1)
    with pytest.raises(DomainError, match="meanwhile"):
        services.draw_outline(annotation=old, bone="lower", polygon=BONE, version=0, user=world.reviewer_one)


def test_only_those_who_annotate_in_scope_draw(world, films):
    for other in (world.staff_a, world.trial_one, world.reviewer_b, world.outsider):
        with pytest.raises(NotAllowed):
            draw(films[1], other)
    assert draw(films[1], world.admin_one).created_by == world.admin_one


def test_another_spacing_measures_the_pairs_again_and_locates_nothing(
    world, films, sent, django_capture_on_commit_callbacks
):
    Radiograph.objects.filter(pk=films[1].pk).update(spacing_source="entered")
    films[1].refresh_from_db()
    place(films[1], world.reviewer_one, joint="PIP2")
    (first,) = Run.objects.all()
    measure(first, MCP2=0.1, PIP2=0.2)
    before = {each.joint: each for each in films[1].annotations.newest()}
    sent.clear()
    with django_capture_on_commit_callbacks(execute=True):
        film = services.set_spacing(radiograph=films[1], pixel_spacing_mm=0.35, user=world.staff_a)
    again = Run.objects.get(state="queued")
    assert [name for name, *_ in sent] == [queue.QUANTIFY_PAIR]
    assert set(again.joints) >= {"MCP2", "PIP2"}
    after = {each.joint: each for each in film.annotations.newest()}
    for joint, factor in (("MCP2", 0.5), ("PIP2", 1)):  # the locator's keep their mm, a person's their pixels
        assert after[joint].size_px == pytest.approx(before[joint].size_px * factor)
        assert (after[joint].x_px, after[joint].y_px) == (before[joint].x_px, before[joint].y_px)


@pytest.mark.parametrize("size_mm", [7, 46])
def test_a_region_too_small_or_too_large_to_measure_is_refused(world, films, size_mm):
    film = RadiographFactory(timepoint=films[0].timepoint, laterality="R", rows=800, columns=800)
    with pytest.raises(DomainError, match="8 to 45 mm"):
        place(film, world.reviewer_one, size_px=size_mm / film.pixel_spacing_mm)


def test_an_entered_spacing_can_be_corrected_and_one_from_the_file_can_not(world, films):
    with pytest.raises(DomainError, match="already"):
        services.set_spacing(radiograph=films[0], pixel_spacing_mm=0.2, user=world.staff_a)
    Radiograph.objects.filter(pk=films[1].pk).update(spacing_source="entered", pixel_spacing_mm=0.1)
    with pytest.raises(DomainError, match="comes from"):
        services.set_spacing(
            radiograph=films[1], pixel_spacing_mm=0.2, source="pixel_spacing", user=world.staff_a
        )
    film = services.set_spacing(
        radiograph=films[1], pixel_spacing_mm=0.2, source="calibrated", note="ruler", user=world.staff_a
    )
    assert (film.state, film.pixel_spacing_mm, film.spacing_source) == ("ready", 0.2, "calibrated")
    (line,) = corrections_of(film)
    assert (line.what, line.detail, line.who) == (
        "Pixel spacing 0.2 mm instead of 0.1 mm", "ruler", world.staff_a,
    )  # fmt: skip


@pytest.fixture
def both(world) -> dict[str, Radiograph]:
    """A left and a right film of one visit, through the intake, ready."""
    timepoint = world.timepoints(world.a)[0]
    found = {}
    for side in ("L", "R"):
        record = services.receive(
            file=make_dicom(ImageLaterality=side),
            name="x.dcm",
            timepoint=timepoint,
            laterality=side,
            user=world.staff_a,
        )
        assert record.radiograph, record.message
        Radiograph.objects.filter(pk=record.radiograph.pk).update(state="ready")
        found[side] = Radiograph.objects.get(pk=record.radiograph.pk)
    return found


def test_a_film_of_the_wrong_hand_is_filed_anew_and_stays_as_it_was(world, both):
    wrong = both["L"]
    with pytest.raises(DomainError, match="right hand"):
        services.correct_laterality(radiograph=wrong, user=world.staff_a)
    Radiograph.objects.filter(pk=both["R"].pk).update(current=False)
    AnnotationFactory(radiograph=wrong)
    film = services.correct_laterality(radiograph=wrong, user=world.staff_a)
    wrong.refresh_from_db()
    assert (film.laterality, film.state, film.laterality_settled) == ("R", "queued", True)
    assert (wrong.laterality, wrong.current, wrong.superseded_by) == ("L", False, film)
    assert wrong.annotations.exists() and not film.annotations.exists()
    with film.file.open("rb") as file:
        stored = pydicom.dcmread(file)
    assert (stored.ImageLaterality, film.sha256) == ("R", wrong.sha256)
    assert (services.load_pixels(film) == services.load_pixels(wrong)).all()
    (line,) = corrections_of(film)
    assert (line.what, line.who) == ("Filed as right hand instead of left", world.staff_a)


def test_left_and_right_of_a_visit_are_swapped(world, both, sent, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        film = services.correct_laterality(radiograph=both["L"], swap=True, user=world.staff_a)
    current = Radiograph.objects.filter(timepoint=film.timepoint).current()
    assert {each.laterality: each.sha256 for each in current} == {
        "R": both["L"].sha256,
        "L": both["R"].sha256,
    }
    assert {task for task, _ in sent} == {"workers.tasks.locate_joints"}
    assert FilmCorrection.objects.count() == len(sent) == 2


def test_a_film_is_refiled_by_its_site_and_while_it_rests_only(world, both):
    for other in (world.staff_b, world.reviewer_one, world.trial_one):
        with pytest.raises(NotAllowed):
            services.correct_laterality(radiograph=both["L"], swap=True, user=other)
    Radiograph.objects.filter(pk=both["R"].pk).update(state="locating")
    with pytest.raises(DomainError, match="being processed"):
        services.correct_laterality(radiograph=both["L"], swap=True, user=world.staff_a)
    assert not FilmCorrection.objects.exists()


def test_a_measured_film_whose_side_is_settled_otherwise_leaves_its_results_behind(world):
    """Its runs compare films of one hand; so the film of the other hand is another one."""
    first, second = world.timepoints(world.a)
    AnnotationFactory(radiograph=RadiographFactory(timepoint=first))
    film = RadiographFactory(
        timepoint=second,
        file=ContentFile(make_dicom().read(), name="x.dcm"),
        preview=ContentFile(b"png", name="x.png"),
    )
    AnnotationFactory(radiograph=film)
    (run,) = measurements.schedule_pairs(film)
    measure(run, MCP2=0.1)
    Radiograph.objects.filter(pk=film.pk).update(state="failed", failure_code="laterality_mismatch")
    copy = services.settle_laterality(radiograph=film, laterality="R", user=world.staff_a)
    film.refresh_from_db()
    assert (copy.laterality, film.laterality, film.current) == ("R", "L", False)
    assert not JointMeasurement.objects.current().exists()
    assert JointMeasurement.objects.filter(run=run).exists()


def test_the_history_tells_who_changed_what(world, films):
    place(films[1], world.reviewer_one, x_px=80, angle_deg=-4, size_px=80)
    place(films[1], world.admin_one, "MCP3")
    draw(films[1], world.reviewer_one)
    draw(films[1], world.reviewer_one, polygon=[], version=1)
    lines = [(line.who.username, line.what, line.detail) for line in corrections_of(films[1])]
    assert lines == [
        ("reviewer_one", "MCP2: outline of the upper (distal) bone given back to the model", ""),
        ("reviewer_one", "MCP2: outline of the upper (distal) bone drawn, version 1", ""),
        ("admin_one", "MCP3 placed", ""),
        ("reviewer_one", "MCP2 corrected, version 2", "moved 1.8 mm, turned −4.0°, now 14.0 mm wide"),
    ]
    assert corrections_of(films[0]) == []


def test_the_films_joints_cost_the_same_number_of_queries_however_often_they_were_measured(
    world, films, django_assert_num_queries
):
    (first,) = measurements.schedule_pairs(films[1])
    measure(first, MCP2=0.1, PIP2=0.2)
    films[1] = Radiograph.objects.select_related("study").get(pk=films[1].pk)
    with django_assert_num_queries(5):
        (joint,) = [each for each in film_joints(world.reviewer_one, films[1]) if each.joint == "MCP2"]
    assert (joint.status, [each.standing for each in joint.listed]) == ("reliable", ["counts"])
    for step in (1, 2):
        place(films[1], world.reviewer_one, x_px=70 + step)
        assert film_joints(world.reviewer_one, films[1])[1].status == "measuring"
        measure(Run.objects.get(state="queued"), MCP2=0.1 * step)
    with django_assert_num_queries(5):
        (joint,) = [each for each in film_joints(world.reviewer_one, films[1]) if each.joint == "MCP2"]
    assert [(each.row.jsn_mm, each.standing) for each in joint.listed] == [
        (0.2, "counts"),
        (0.1, "earlier"),
        (0.1, "earlier"),
    ]
    assert [each.results for each in film_joints(world.staff_b, films[1])] == [[]] * len(DEFAULT_JOINTS)


def test_what_is_not_a_polygon_or_a_number_is_refused_with_a_message(world, films, client):
    client.force_login(world.reviewer_one)
    film = films[1]
    place_at = reverse("radiographs:place", args=[film.uuid, "MCP2"])
    draw_at = reverse("radiographs:outline", args=[film.uuid, "MCP2"])
    whole = {"bone": "upper", "annotation": 1, "version": 0}
    for address, data in (
        (place_at, {"x_px": "left"}),
        (place_at, {"x_px": "nan", "y_px": "1", "angle_deg": "0", "size_mm": "20", "version": "1"}),
        (place_at, {"x_px": "1", "y_px": "1", "angle_deg": "inf", "size_mm": "20", "version": "1"}),
        (draw_at, whole | {"polygon": "[[1, 2], [3]]"}),
        (draw_at, whole | {"polygon": '{"a": 1}'}),
        (draw_at, whole | {"polygon": "[[1, true], [2, 3], [4, 5]]"}),
        (draw_at, whole | {"polygon": "["}),
    ):
        answer = client.post(address, data)
        assert answer.status_code == 302
    assert JointAnnotation.objects.filter(radiograph=film, version=2).count() == 0
    assert not BoneOutline.objects.exists()
    assert client.get(place_at).status_code == 405
    assert client.post(reverse("radiographs:outline", args=[film.uuid, "PIP5"]), whole).status_code == 404
