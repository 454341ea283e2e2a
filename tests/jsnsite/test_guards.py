"""What the database itself refuses, whoever asks."""

from __future__ import annotations

import datetime

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from jsnsite.accounts.models import Membership
from jsnsite.errors import Immutable
from jsnsite.measurements.models import JointMeasurement, Run
from jsnsite.radiographs.models import JointAnnotation, Radiograph
from jsnsite.reviews import services as reviews
from jsnsite.reviews.models import Read
from jsnsite.scoping import Role
from jsnsite.studies.models import Patient, Site, Study, Timepoint
from tests.jsnsite.factories import RadiographFactory, RunFactory, UserFactory

EXPECTED_GUARDS = {
    "guard_accounts_membership_insert_site_of_study",
    "guard_accounts_membership_update_site_of_study",
    "guard_measurements_jointmeasurement_delete_append_only",
    "guard_measurements_jointmeasurement_update_append_only",
    "guard_measurements_run_delete_kept",
    "guard_measurements_run_insert_one_hand",
    "guard_measurements_run_update_finished",
    "guard_measurements_run_update_one_hand",
    "guard_radiographs_boneoutline_delete_append_only",
    "guard_radiographs_boneoutline_insert_of_its_joint",
    "guard_radiographs_boneoutline_update_append_only",
    "guard_radiographs_filmcorrection_delete_append_only",
    "guard_radiographs_filmcorrection_update_append_only",
    "guard_radiographs_jointannotation_delete_append_only",
    "guard_radiographs_jointannotation_update_append_only",
    "guard_radiographs_radiograph_delete_kept",
    "guard_radiographs_radiograph_update_pixels_fixed",
    "guard_radiographs_uploadrecord_delete_kept",
    "guard_reviews_read_delete_append_only",
    "guard_reviews_read_update_append_only",
    "guard_studies_patient_insert_study_of_site",
    "guard_studies_patient_update_study_of_site",
}


def refused():
    """The database refuses, and the test's transaction goes on."""

    class Refused:
        def __enter__(self):
            self.atomic = transaction.atomic()
            self.atomic.__enter__()

        def __exit__(self, kind, error, trace):
            self.atomic.__exit__(kind, error, trace)
            assert kind is not None, "the database let it pass"
            return issubclass(kind, IntegrityError)

    return Refused()


def run_sql(sql: str, *parameters: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


def test_every_guard_is_in_the_database_after_all_migrations(db):
    query = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
        "postgresql": "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal",
    }[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(query)
        assert {row[0] for row in cursor.fetchall()} == EXPECTED_GUARDS


@pytest.mark.parametrize("sql", ["UPDATE {} SET {}", "DELETE FROM {}"])
@pytest.mark.parametrize(
    ("model", "change"),
    [
        (JointMeasurement, "jsn_mm = 9"),
        (JointAnnotation, "x_px = 9"),
        (Read, "comment = 'x'"),
        (Run, "attempt = 9"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_rows_written_once_resist_plain_sql(world, measured, model, change, sql):
    _one_of_each(world, measured)
    with refused():
        run_sql(sql.format(model._meta.db_table, change))


def test_rows_written_once_resist_the_orm(world, measured):
    for row in _one_of_each(world, measured):
        with pytest.raises(Immutable):
            row.save()
        with pytest.raises(Immutable):
            row.delete()
    for model in (JointMeasurement, JointAnnotation, Read):
        with pytest.raises(Immutable):
            model.objects.all().delete()
        with pytest.raises(Immutable):
            model.objects.update(pk=1)


def test_a_queued_run_may_still_change(world):
    run = RunFactory()
    run.code_version = "1"
    run.save()
    Run.objects.filter(pk=run.pk).update(state="running", claimed_at=timezone.now())


def test_a_run_compares_two_films_of_one_hand(world):
    left = RadiographFactory(timepoint=world.timepoints(world.a)[0])
    right = RadiographFactory(timepoint=world.timepoints(world.a)[1], laterality="R")
    elsewhere = RadiographFactory(timepoint=world.timepoints(world.b)[1])
    for other in (right, elsewhere, left):
        with refused():
            Run.objects.create(baseline=left, followup=other, attempt=1, input_key="k")


def test_the_same_inputs_are_measured_once(world):
    run = RunFactory(input_key="same")
    with refused():
        RunFactory(baseline=run.baseline, followup=run.followup, attempt=2, input_key="same")
    with refused():
        RunFactory(baseline=run.baseline, followup=run.followup, attempt=1, input_key="other")


def test_the_pixels_of_a_film_never_change(world):
    film = RadiographFactory(timepoint=world.timepoints(world.a)[0])
    for change in ({"sha256": "0" * 64}, {"file": "x"}, {"timepoint": world.timepoints(world.b)[0]}):
        with refused():
            Radiograph.objects.filter(pk=film.pk).update(**change)
    with refused():
        Radiograph.objects.filter(pk=film.pk)._raw_delete("default")


def test_one_film_counts_per_hand_and_timepoint(world):
    timepoint = world.timepoints(world.a)[0]
    RadiographFactory(timepoint=timepoint)
    with refused():
        RadiographFactory(timepoint=timepoint)
    RadiographFactory(timepoint=timepoint, laterality="R")
    RadiographFactory(timepoint=timepoint, current=False)


def test_a_film_counts_once_per_study_but_may_be_in_two_studies(world):
    RadiographFactory(timepoint=world.timepoints(world.a)[0], sha256="f" * 64)
    RadiographFactory(timepoint=world.timepoints(world.c)[0], sha256="f" * 64)
    with refused():
        RadiographFactory(timepoint=world.timepoints(world.b)[0], sha256="f" * 64)


@pytest.mark.parametrize(
    "broken",
    [
        {"laterality": "X"},
        {"state": "lost"},
        {"pixel_spacing_mm": None},
        {"pixel_spacing_mm": -0.1},
        {"spacing_source": ""},
        {"state": "ready", "pixel_spacing_mm": None, "spacing_source": ""},
        {"state": "failed"},
        {"failure_code": "x"},
        {"rows": 0},
    ],
    ids=str,
)
def test_a_film_that_makes_no_sense_is_refused(world, broken):
    with refused():
        RadiographFactory(timepoint=world.timepoints(world.a)[0], **broken)


def test_roles_need_the_right_place(world):
    person = UserFactory()
    for role, study, site in [
        (Role.SITE_STAFF, world.one, None),
        (Role.TRIAL, world.one, world.a),
        (Role.STUDY_ADMIN, world.one, world.a),
        (Role.REVIEWER, world.two, world.a),
        ("king", world.one, None),
    ]:
        with refused():
            Membership.objects.create(user=person, study=study, site=site, role=role)
    Membership.objects.create(user=person, study=world.one, role=Role.REVIEWER)
    with refused():
        Membership.objects.create(user=person, study=world.one, role=Role.REVIEWER)


def test_a_patient_belongs_to_the_study_of_the_site(world):
    patient = Patient.objects.create(site=world.a, code="P-new")
    assert patient.study == world.one
    with refused():
        Patient.objects.filter(pk=patient.pk).update(study=world.two)
    with refused():
        Patient.objects.create(site=world.b, code="P-new")
    Patient.objects.create(site=world.c, code="P-new")


def test_codes_are_not_empty_and_timepoints_count_from_zero(world):
    patient = Patient.objects.first()
    today = datetime.date(2024, 1, 1)
    for make in (
        lambda: Study.objects.create(code="", name="x"),
        lambda: Site.objects.create(study=world.one, code="", name="x"),
        lambda: Patient.objects.create(site=world.a, code=""),
        lambda: Timepoint.objects.create(patient=patient, ordinal=-1, date=today),
        lambda: Timepoint.objects.create(patient=patient, ordinal=0, date=today),
    ):
        with refused():
            make()


@pytest.mark.parametrize(
    "broken",
    [
        {"verdict": "flagged"},
        {"verdict": "accepted", "reason_code": "mismatch"},
        {"verdict": "flagged", "reason_code": "other"},
        {"verdict": "maybe"},
    ],
    ids=str,
)
def test_a_read_that_makes_no_sense_is_refused(world, measured, broken):
    with refused():
        Read.objects.create(measurement=measured["a"], reader=world.reviewer_one, **broken)


def _one_of_each(world, measured):
    measurement = measured["a"]
    annotation = JointAnnotation.objects.create(
        radiograph=measurement.run.baseline,
        joint="MCP2",
        version=1,
        x_px=1,
        y_px=1,
        angle_deg=0,
        size_px=9,
        confidence=1,
        source="locator",
    )
    read = reviews.accept(measurement=measurement, reader=world.reviewer_one)
    return [measurement, annotation, read, measurement.run]


@pytest.mark.django_db(transaction=True)
class TestWithRealTransactions:
    """Between such tests the tables are emptied, append-only ones too, and the guards are back afterwards."""

    @pytest.mark.parametrize("time", ["first", "second"])
    def test_guards_hold_and_the_tables_start_empty(self, world, measured, time):
        assert JointMeasurement.objects.count() == 3
        with pytest.raises(IntegrityError):
            run_sql("DELETE FROM measurements_jointmeasurement")
