"""Filing radiographs over REST: every file gets its verdict."""

from __future__ import annotations

from io import BytesIO
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from jsnsite.radiographs.models import Radiograph, UploadRecord
from tests.jsnsite.api.conftest import V1
from tests.jsnsite.dicoms import IDENTITY, hand_pixels, make_dicom

PATH = f"{V1}radiographs/"


@pytest.fixture
def upload(world, client_of):
    """Send a file to site a's baseline."""

    def send(content: BytesIO, who="staff_a", **given):
        timepoint = world.timepoints(world.a)[0]
        body = {"timepoint": str(timepoint.uuid), "file": SimpleUploadedFile("Doe^Jane.dcm", content.read())}
        return client_of(who).post(PATH, body | given, format="multipart")

    return send


def test_an_accepted_film_is_filed_and_its_verdict_answered(upload, client_of):
    response = upload(make_dicom(), laterality="L")
    assert response.status_code == 201
    verdict = response.json()
    assert verdict["verdict"] == "accepted" and verdict["warnings"] == []
    row = client_of("staff_a").get(f"{PATH}{verdict['radiograph_uuid']}/").json()
    assert row["state"] == "queued" and row["pixel_spacing_mm"] == 0.175 and row["laterality"] == "L"


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda: BytesIO(b"just a text"), None),
        (lambda: BytesIO(b""), None),
        (lambda: BytesIO(make_dicom().read()[:-5000]), None),
        (lambda: BytesIO(make_dicom().read()[:300]), None),
        (lambda: make_dicom(Rows=16000, Columns=16000), None),
        (lambda: make_dicom(ImageLaterality="R"), "laterality_conflict"),
    ],
    ids=["text", "empty", "truncated", "cut header", "16k by 16k", "wrong side"],
)
def test_a_bad_file_gets_a_clear_verdict_and_leaves_a_row(upload, make, code):
    response = upload(make(), laterality="L")
    assert response.status_code == 422, response.content
    verdict = response.json()
    assert verdict["verdict"] == "rejected" and verdict["radiograph_uuid"] is None
    assert verdict["message"] and verdict["code"] == (code or verdict["code"])
    assert UploadRecord.objects.filter(uuid=verdict["uuid"]).exists()
    assert not Radiograph.objects.exists()
    assert not [word for word in IDENTITY if word.encode() in response.content]


def test_the_same_film_twice_is_a_duplicate(upload):
    pixels = hand_pixels()
    assert upload(make_dicom(pixels)).status_code == 201
    again = upload(make_dicom(pixels))
    assert again.status_code == 422 and again.json()["code"] == "duplicate"


@pytest.mark.parametrize(
    ("header", "code"),
    [({"PixelSpacing": None}, "no_spacing"), ({"BodyPartExamined": "CHEST"}, "body_part_not_hand")],
)
def test_a_film_in_doubt_is_accepted_and_says_what_to_do(upload, header, code):
    response = upload(make_dicom(**header))
    assert response.status_code == 201
    assert (response.json()["verdict"], response.json()["code"]) == ("accepted_with_warning", code)


@pytest.mark.parametrize("who", ["reviewer_one", "trial_one"])
def test_a_role_that_does_not_upload_is_refused(upload, who):
    response = upload(make_dicom(), who=who)
    assert response.status_code == 403 and response.json()["code"] == "not_allowed"
    assert not UploadRecord.objects.exists()


def test_a_timepoint_out_of_scope_does_not_exist(upload, world):
    elsewhere = str(world.timepoints(world.b)[0].uuid)
    responses = [upload(make_dicom(), timepoint=uuid) for uuid in (elsewhere, str(uuid4()))]
    assert [response.status_code for response in responses] == [404, 404]
    assert responses[0].json() == responses[1].json()
    assert upload(make_dicom(), who="outsider").status_code == 404


@pytest.mark.parametrize(
    "given", [{"timepoint": "1"}, {"timepoint": ""}, {"laterality": "X"}, {"file": ""}, {"file": "text"}]
)
def test_an_incomplete_request_is_refused(upload, given):
    response = upload(make_dicom(), **given)
    assert response.status_code == 400 and set(response.json()) == set(given)


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"", "multipart/form-data; boundary=x", 400),
        (b"--x\r\nnonsense", "multipart/form-data; boundary=x", 400),
        (b"{}", "multipart/form-data", 400),
        (b"{}", "application/json", 415),
    ],
)
def test_a_body_that_is_no_form_is_refused(client_of, body, kind, status):
    assert client_of("staff_a").post(PATH, body, content_type=kind).status_code == status
