"""Who sees what: two studies, three sites, every role, every scoped model."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser

from jsnsite.measurements.models import JointMeasurement, Run
from jsnsite.radiographs.models import JointAnnotation, Radiograph, UploadRecord
from jsnsite.reviews import services as reviews
from jsnsite.reviews.models import Read
from jsnsite.scoping import Action, allowed
from jsnsite.studies.models import Patient, Site, Study, Timepoint
from tests.jsnsite.factories import UserFactory

SEES = {
    "staff_a": "a",
    "staff_b": "b",
    "staff_c": "c",
    "reviewer_one": "ab",
    "reviewer_b": "b",
    "trial_one": "ab",
    "admin_one": "ab",
    "outsider": "",
    "superuser": "abc",
}
TO_SITE_CODE = {
    Site: "code",
    Patient: "site__code",
    Timepoint: "patient__site__code",
    Radiograph: "timepoint__patient__site__code",
    UploadRecord: "timepoint__patient__site__code",
    JointAnnotation: "radiograph__timepoint__patient__site__code",
    Run: "baseline__timepoint__patient__site__code",
    JointMeasurement: "run__baseline__timepoint__patient__site__code",
    Read: "measurement__run__baseline__timepoint__patient__site__code",
}


@pytest.fixture
def everything(world, measured):
    """At least one row of every scoped model at every site."""
    for measurement in measured.values():
        film = measurement.run.baseline
        reviews.accept(measurement=measurement, reader=world.superuser)
        JointAnnotation.objects.create(
            radiograph=film,
            joint="MCP2",
            version=1,
            x_px=1,
            y_px=1,
            angle_deg=0,
            size_px=9,
            confidence=1,
            source="locator",
        )
        UploadRecord.objects.create(
            timepoint=film.timepoint,
            uploaded_by=world.superuser,
            file_name="x",
            verdict="rejected",
            code="x",
            message="x",
        )
    return world


@pytest.mark.parametrize("model", TO_SITE_CODE, ids=lambda model: model.__name__)
def test_each_person_sees_exactly_their_sites(everything, model):
    for name, codes in SEES.items():
        if model is Read and name.startswith("reviewer"):
            codes = ""  # readers see their own only
        seen = model.objects.restrict(getattr(everything, name)).values_list(TO_SITE_CODE[model], flat=True)
        assert set(seen) == set(codes), name


@pytest.mark.parametrize(
    ("name", "codes"),
    [("staff_a", {"one"}), ("staff_c", {"two"}), ("reviewer_one", {"one"}), ("outsider", set())],
)
def test_a_study_is_seen_from_any_of_its_sites(world, name, codes):
    assert set(Study.objects.restrict(getattr(world, name)).values_list("code", flat=True)) == codes


@pytest.mark.parametrize("model", [Study, *TO_SITE_CODE], ids=lambda model: model.__name__)
def test_nobody_sees_anything_without_a_sound_account(everything, model):
    inactive = everything.staff_a
    inactive.is_active = False
    gone = UserFactory(is_superuser=True, is_active=False)
    for nobody in (None, AnonymousUser(), inactive, gone):
        assert not model.objects.restrict(nobody).exists()


def test_an_unknown_action_is_refused_to_everyone(everything):
    assert not Site.objects.restrict(everything.admin_one, "fly").exists()
    assert not Site.objects.restrict(everything.superuser, "fly").exists()


@pytest.mark.parametrize(
    ("name", "may"),
    [
        ("staff_a", {Action.VIEW, Action.UPLOAD, Action.EXPORT}),
        ("reviewer_one", {Action.VIEW, Action.READ, Action.ANNOTATE, Action.EXPORT}),
        ("trial_one", {Action.VIEW, Action.EXPORT}),
        ("admin_one", {Action.VIEW, Action.UPLOAD, Action.ANNOTATE, Action.EXPORT, Action.MANAGE}),
        ("staff_b", set()),
        ("outsider", set()),
        ("superuser", set(Action)),
    ],
)
def test_a_role_allows_exactly_its_actions(world, name, may):
    timepoint = world.timepoints(world.a)[0]
    user = getattr(world, name)
    assert {action for action in Action if allowed(user, action, timepoint)} == may
    assert {action for action in Action if user.has_perm(f"jsn.{action}", timepoint)} == may


def test_two_roles_add_up_only_where_each_is_held(world):
    from jsnsite.accounts.services import grant
    from jsnsite.scoping import Role

    grant(user=world.staff_a, role=Role.REVIEWER, study=world.one, site=world.b)
    at_a, at_b = world.timepoints(world.a)[0], world.timepoints(world.b)[0]
    assert allowed(world.staff_a, Action.UPLOAD, at_a) and not allowed(world.staff_a, Action.READ, at_a)
    assert allowed(world.staff_a, Action.READ, at_b) and not allowed(world.staff_a, Action.UPLOAD, at_b)


def test_a_role_at_a_site_manages_nothing_of_the_study(world):
    assert allowed(world.reviewer_b, Action.VIEW, world.one)
    assert not allowed(world.reviewer_b, Action.READ, world.one)
