"""Rows for tests, by the models' own rules."""

from __future__ import annotations

import datetime
import hashlib
from typing import Any

import factory
from django.utils import timezone
from factory.django import DjangoModelFactory

from jsnsite.accounts.models import Membership, User
from jsnsite.measurements.current import refresh_current
from jsnsite.measurements.models import JointMeasurement, Run, RunState
from jsnsite.radiographs.models import BoneOutline, JointAnnotation, Radiograph
from jsnsite.scoping import Role
from jsnsite.studies.models import Patient, Site, Study, Timepoint


class UserFactory(DjangoModelFactory[User]):
    class Meta:
        model = User

    username = factory.Sequence(lambda n: f"user{n}")
    email = factory.LazyAttribute(lambda user: f"{user.username}@example.org")


class StudyFactory(DjangoModelFactory[Study]):
    class Meta:
        model = Study

    code = factory.Sequence(lambda n: f"study{n}")
    name = factory.LazyAttribute(lambda study: study.code.title())


class SiteFactory(DjangoModelFactory[Site]):
    class Meta:
        model = Site

    study = factory.SubFactory(StudyFactory)
    code = factory.Sequence(lambda n: f"site{n}")
    name = factory.LazyAttribute(lambda site: site.code.title())


class PatientFactory(DjangoModelFactory[Patient]):
    class Meta:
        model = Patient

    site = factory.SubFactory(SiteFactory)
    code = factory.Sequence(lambda n: f"P{n:03}")


class TimepointFactory(DjangoModelFactory[Timepoint]):
    class Meta:
        model = Timepoint

    patient = factory.SubFactory(PatientFactory)
    ordinal = factory.Sequence(lambda n: n)
    date = factory.LazyAttribute(
        lambda row: datetime.date(2024, 1, 1) + datetime.timedelta(days=180 * row.ordinal)
    )


class RadiographFactory(DjangoModelFactory[Radiograph]):
    """A ready film without files."""

    class Meta:
        model = Radiograph

    timepoint = factory.SubFactory(TimepointFactory)
    laterality = "L"
    file = "radiographs/none.dcm"
    preview = "previews/none.png"
    sha256 = factory.Sequence(lambda n: hashlib.sha256(str(n).encode()).hexdigest())
    rows = 160
    columns = 140
    bits = 12
    photometric = "MONOCHROME2"
    pixel_spacing_mm = 0.175
    spacing_source = "pixel_spacing"
    state = "ready"
    uploaded_by = factory.SubFactory(UserFactory)


class AnnotationFactory(DjangoModelFactory[JointAnnotation]):
    """A joint in the middle of the film, as the locator finds it."""

    class Meta:
        model = JointAnnotation

    radiograph = factory.SubFactory(RadiographFactory)
    joint = "MCP2"
    version = 1
    x_px = 70
    y_px = 80
    angle_deg = 0
    size_px = 100
    confidence = 0.9
    source = "locator"


class OutlineFactory(DjangoModelFactory[BoneOutline]):
    """The upper bone of that joint, drawn by hand."""

    class Meta:
        model = BoneOutline

    radiograph = factory.SubFactory(RadiographFactory)
    annotation = factory.LazyAttribute(lambda outline: AnnotationFactory(radiograph=outline.radiograph))
    joint = "MCP2"
    bone = "upper"
    version = 1
    polygon = [[40, 35], [100, 35], [90, 75], [50, 75]]
    created_by = factory.SubFactory(UserFactory)


class RunFactory(DjangoModelFactory[Run]):
    """A queued run of a hand's first two timepoints."""

    class Meta:
        model = Run

    baseline = factory.SubFactory(RadiographFactory, timepoint__ordinal=0)
    followup = factory.LazyAttribute(
        lambda run: RadiographFactory(
            timepoint=TimepointFactory(patient=run.baseline.timepoint.patient, ordinal=1),
            laterality=run.baseline.laterality,
        )
    )
    attempt = 1
    input_key = factory.Sequence(lambda n: f"key{n}")
    state = RunState.QUEUED


class MeasurementFactory(DjangoModelFactory[JointMeasurement]):
    class Meta:
        model = JointMeasurement

    run = factory.SubFactory(RunFactory)
    joint = "MCP2"
    jsn_mm = 0.1
    jsn_sigma_mm = 0.02
    reliability = "reliable"

    @classmethod
    def _create(cls, model_class: Any, *args: Any, **kwargs: Any) -> Any:
        measurement = super()._create(model_class, *args, **kwargs)
        finish(measurement.run)
        return measurement


def finish(run: Run) -> None:
    """Mark a run done, once its rows are there, and look which of them count."""
    now = timezone.now()
    Run.objects.filter(pk=run.pk, finished_at=None).update(state="done", claimed_at=now, finished_at=now)
    run.refresh_from_db()
    refresh_current(run.baseline.timepoint.patient, run.baseline.laterality)


def member(role: Role, study: Study, site: Site | None = None, **user: Any) -> User:
    """A new user with one role."""
    person = UserFactory(**user)
    Membership.objects.create(user=person, study=study, site=site, role=role)
    return person
