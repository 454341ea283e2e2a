"""A film of both hands, filed once: each hand of the timepoint gets its own joints, in pixels of the whole film."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread, dcmwrite

from deploy.demo import films, protocol
from jsnsite.radiographs.models import Radiograph
from jsnsite.radiographs.services import receive
from jsnsite.scoping import Role
from tests.jsnsite.factories import PatientFactory, TimepointFactory, member
from workers.tasks import locate_joints


@pytest.fixture(scope="module")
def both_hands() -> BytesIO:
    """A left hand, and on its right the same one mirrored, in a file that says B."""
    plan = next(plan for plan in protocol.series() if plan.key == "N-101-L")
    dataset = dcmread(BytesIO(films.take(replace(plan, films=plan.films[:1])).files[0]))
    left = dataset.pixel_array
    pixels = np.concatenate([left, left[:, ::-1]], axis=1)
    dataset.Columns = pixels.shape[1]
    dataset.PixelData = np.ascontiguousarray(pixels).tobytes()
    dataset.ImageLaterality = "B"
    file = BytesIO()
    dcmwrite(file, dataset)
    return file


def test_each_hand_has_the_joints_of_its_own_side(both_hands: BytesIO, db: None, settings, tmp_path) -> None:
    settings.MEDIA_ROOT = tmp_path
    patient: Any = PatientFactory()
    staff = member(Role.SITE_STAFF, patient.study, patient.site)
    timepoint: Any = TimepointFactory(patient=patient)
    record = receive(file=both_hands, name="both.dcm", timepoint=timepoint, laterality=None, user=staff)
    assert record.code == "both_hands", record.message
    where = {}
    for film in Radiograph.objects.all():
        locate_joints.apply((str(film.uuid),))
        film.refresh_from_db()
        assert (film.state, film.failure_message) == ("ready", "")
        where[film.laterality] = {row.joint: row.x_px for row in film.annotations.all()}
        width = film.columns
    assert len(where["L"]) == len(where["R"]) == 10
    for joint, x in where["L"].items():
        assert x < width / 2 < where["R"][joint]
        assert where["R"][joint] == pytest.approx(width - 1 - x, abs=8)
