"""Two simulated films through the tasks: joints are found, the pair is measured, and everything is on record."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest

from deploy.demo import films, protocol
from jsnsite.measurements.models import JointMeasurement, Run, RunState
from jsnsite.radiographs.models import Radiograph
from jsnsite.radiographs.services import receive
from jsnsite.scoping import Role
from model_store import registry
from tests.jsnsite.factories import PatientFactory, TimepointFactory, member
from workers.tasks import locate_joints, quantify_pair
from workers.version import code_version


@pytest.fixture(scope="module")
def hand() -> films.Series:
    """Baseline and last visit of a hand with clear narrowing."""
    plan = next(plan for plan in protocol.series() if plan.key == "N-101-L")
    return films.take(replace(plan, films=(plan.films[0], plan.films[-1])))


@pytest.fixture
def filed(hand: films.Series, db: None, settings, tmp_path) -> list[Radiograph]:
    settings.MEDIA_ROOT = tmp_path
    patient: Any = PatientFactory()
    staff = member(Role.SITE_STAFF, patient.study, patient.site)
    received = []
    for ordinal, content in enumerate(hand.files):
        timepoint: Any = TimepointFactory(patient=patient, ordinal=ordinal)
        record = receive(
            file=BytesIO(content), name="film.dcm", timepoint=timepoint, laterality="L", user=staff
        )
        assert record.radiograph, record.message
        received.append(record.radiograph)
    return received


def test_a_pair_of_films_becomes_measurements_close_to_the_truth(
    hand: films.Series, filed: list[Radiograph]
) -> None:
    for film in filed:
        locate_joints.apply((str(film.uuid),))
        film.refresh_from_db()
        assert (film.state, film.failure_message) == ("ready", "")
        assert film.annotations.count() == 10
    run = Run.objects.get()
    for _ in range(2):  # the second message finds nothing to do
        quantify_pair.apply((str(run.uuid),))
    run.refresh_from_db()
    assert (run.state, run.failure_message, run.claims) == (RunState.DONE, "", 1)
    measured = {row.joint: row for row in JointMeasurement.objects.filter(run=run)}
    assert len(measured) == 10
    for truth in hand.truth:
        row = measured[truth.joint]
        if row.reliability == "reliable":
            assert row.jsn_mm is not None
            assert row.jsn_sigma_mm is not None
            assert abs(row.jsn_mm - truth.jsn_mm) < 4 * row.jsn_sigma_mm
    assert sum(row.reliability == "reliable" for row in measured.values()) >= 5


def test_a_run_tells_what_computed_it(filed: list[Radiograph]) -> None:
    for film in filed:
        locate_joints.apply((str(film.uuid),))
    quantify_pair.apply((str(Run.objects.get().uuid),))
    run = Run.objects.get()
    assert run.model_digests == {name: registry.digest(name) for name in registry.MODEL_NAMES}
    assert run.code_version == code_version()
    assert run.code_version.startswith("0.")
    assert run.parameters == {"inference": "InProcessBackend"}
