"""From an uploaded file to its verdict: one row each, nothing lost, nothing of the patient kept."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from PIL import Image

from jsnsite import queue
from jsnsite.errors import NotAllowed
from jsnsite.radiographs.models import Radiograph, UploadRecord
from jsnsite.radiographs.services import load_pixels, receive
from tests.jsnsite.dicoms import IDENTITY, hand_pixels, make_dicom


@pytest.fixture
def timepoint(world):
    return world.timepoints(world.a)[0]


@pytest.fixture
def send(world, timepoint):
    """Upload a file as site a's staff."""

    def upload(file, *, name="film.dcm", laterality=None, at=timepoint, user=world.staff_a) -> UploadRecord:
        return receive(file=file, name=name, timepoint=at, laterality=laterality, user=user)

    return upload


@pytest.fixture
def sent():
    """Tasks handed to the queue, as (name, public id)."""
    tasks: list[tuple[str, str]] = []
    with patch.object(queue.app, "send_task", lambda name, args: tasks.append((name, *args))):
        yield tasks


def stored_files() -> list[Path]:
    return [path for path in Path(default_storage.location).rglob("*") if path.is_file()]


def test_a_sound_film_is_accepted_stored_and_queued(send, sent, django_capture_on_commit_callbacks):
    pixels = hand_pixels()
    with django_capture_on_commit_callbacks(execute=True):
        record = send(make_dicom(pixels))
        assert sent == []
    film = record.radiograph
    assert (record.verdict, record.code, film.state) == ("accepted", "accepted", "queued")
    assert sent == [("workers.tasks.locate_joints", str(film.uuid))]
    assert np.array_equal(load_pixels(film), pixels)
    assert (film.laterality, film.pixel_spacing_mm, film.spacing_source) == ("L", 0.175, "pixel_spacing")
    assert Image.open(film.preview.open()).size == (film.columns, film.rows)


def test_an_upload_from_a_form_is_taken_too(send):
    assert send(SimpleUploadedFile("film.dcm", make_dicom().getvalue())).verdict == "accepted"


def test_nothing_of_the_patient_is_kept_anywhere(send, caplog):
    with caplog.at_level("DEBUG"):
        send(make_dicom(), name="C:\\export\\Jane Doe 1961.dcm")
        send(make_dicom(Modality="CT"), name="doe.dcm")
        send(make_dicom(Rows=161, ImageLaterality="R"), name="19610214.dcm")
    said = caplog.text.encode() + b"".join(path.read_bytes() for path in stored_files())
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            said += repr(cursor.fetchall()).encode()
    for word in IDENTITY:
        assert word.encode().lower() not in said.lower(), word


def test_stored_files_have_names_that_say_nothing(send):
    send(make_dicom(), name="hand.dcm")
    assert len(stored_files()) == 2
    assert not any("hand" in path.name for path in stored_files())
    with pytest.raises(ValueError):
        _ = Radiograph.objects.get().file.url


@pytest.mark.parametrize(
    ("file", "code"),
    [
        (lambda: BytesIO(b"just text" * 50), "not_dicom"),
        (lambda: BytesIO(make_dicom().getvalue()[:9000]), "truncated"),
        (lambda: make_dicom(Rows=16384, Columns=16384), "too_many_pixels"),
        (lambda: make_dicom(Modality="MR"), "not_projection_xray"),
        (lambda: make_dicom(NumberOfFrames=3), "multi_frame"),
        (lambda: make_dicom(PixelSpacing=[0.1, 0.2]), "non_square_pixels"),
        (lambda: make_dicom(ImageLaterality=None), "laterality_missing"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bad_file_leaves_a_row_that_says_what_to_do_and_no_bytes(send, file, code):
    record = send(file())
    assert (record.verdict, record.code, record.radiograph) == ("rejected", code, None)
    assert record.message.endswith(".") and len(record.message) > 20
    assert stored_files() == []
    assert UploadRecord.objects.count() == 1


def test_a_file_over_the_limit_is_refused(send, settings):
    settings.JSN_MAX_UPLOAD_BYTES = 1000
    assert send(make_dicom()).code == "too_large"


def test_a_chest_film_is_accepted_with_a_warning(send):
    record = send(make_dicom(BodyPartExamined="CHEST"))
    assert (record.verdict, record.code) == ("accepted_with_warning", "body_part_not_hand")


def test_all_warnings_are_kept(send):
    record = send(make_dicom(BodyPartExamined="CHEST", BurnedInAnnotation="YES", PixelSpacing=None))
    codes = [record.code] + [code for code, _ in record.warnings]
    assert codes == ["no_spacing", "body_part_not_hand", "burned_in"]


def test_a_film_without_spacing_is_kept_and_waits(send, sent, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        record = send(make_dicom(PixelSpacing=None))
    assert (record.verdict, record.code) == ("accepted_with_warning", "no_spacing")
    assert record.radiograph.state == "needs_spacing"
    assert sent == []


def test_the_side_chosen_stands_in_where_the_file_has_none(send):
    assert send(make_dicom(ImageLaterality=None), laterality="R").radiograph.laterality == "R"


def test_a_left_hand_filed_as_right_is_refused(send):
    record = send(make_dicom(ImageLaterality="L"), laterality="R")
    assert (record.verdict, record.code) == ("rejected", "laterality_conflict")
    assert "left" in record.message and "right" in record.message


def test_a_film_of_both_hands_is_filed_for_each_of_them(send, sent, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        record = send(make_dicom(ImageLaterality="B"))
    assert (record.verdict, record.code) == ("accepted", "both_hands")
    left, right = Radiograph.objects.current().order_by("laterality")
    assert (left.laterality, right.laterality, left.sha256) == ("L", "R", right.sha256)
    assert np.array_equal(load_pixels(left), load_pixels(right))
    assert {uuid for _, uuid in sent} == {str(left.uuid), str(right.uuid)}
    assert UploadRecord.objects.get() == record


def test_a_person_can_say_that_a_film_shows_both_hands(send):
    assert send(make_dicom(ImageLaterality=None), laterality="B").code == "both_hands"
    assert Radiograph.objects.current().count() == 2


def test_a_film_of_both_hands_can_be_filed_for_one_and_later_for_the_other(send):
    pixels = hand_pixels()
    assert send(make_dicom(pixels, ImageLaterality="B"), laterality="R").code == "accepted"
    assert [film.laterality for film in Radiograph.objects.current()] == ["R"]
    assert send(make_dicom(pixels, ImageLaterality="B")).code == "accepted"
    assert Radiograph.objects.current().count() == 2
    assert send(make_dicom(pixels, ImageLaterality="B")).code == "duplicate"
    assert Radiograph.objects.count() == 2


def test_an_unnamed_film_filed_for_the_second_hand_is_refused_with_the_way_out(send):
    pixels = hand_pixels()
    send(make_dicom(pixels, ImageLaterality=None), laterality="L")
    again = send(make_dicom(pixels, ImageLaterality=None), laterality="R")
    assert again.code == "duplicate" and "upload it as both" in again.message
    assert send(make_dicom(pixels, ImageLaterality=None), laterality="B").verdict == "accepted"
    assert Radiograph.objects.current().count() == 2


def test_a_film_of_one_hand_filed_as_both_is_refused(send):
    record = send(make_dicom(ImageLaterality="L"), laterality="B")
    assert (record.verdict, record.code) == ("rejected", "laterality_conflict")
    assert "both hands" in record.message and stored_files() == []


def test_a_film_of_both_hands_takes_the_place_of_those_of_one_hand(send):
    old = [send(make_dicom(ImageLaterality=hand)).radiograph for hand in "LR"]
    record = send(make_dicom(ImageLaterality="B"))
    assert record.code == "replaced"
    for film in old:
        film.refresh_from_db()
        assert not film.current and film.superseded_by.laterality == film.laterality


def test_the_same_film_twice_is_refused_and_says_where_it_is(send, world):
    pixels = hand_pixels()
    send(make_dicom(pixels))
    again = send(make_dicom(pixels), at=world.timepoints(world.a)[1])
    assert (again.verdict, again.code) == ("rejected", "duplicate")
    assert "P-a" in again.message and "left hand" in again.message


def test_a_film_known_at_another_site_is_refused_without_saying_where(send, world):
    pixels = hand_pixels()
    send(make_dicom(pixels))
    elsewhere = send(make_dicom(pixels), at=world.timepoints(world.b)[0], user=world.staff_b)
    assert elsewhere.code == "duplicate"
    assert "P-a" not in elsewhere.message


def test_the_same_film_in_another_study_is_another_film(send, world):
    pixels = hand_pixels()
    send(make_dicom(pixels))
    assert send(make_dicom(pixels), at=world.timepoints(world.c)[0], user=world.staff_c).verdict == "accepted"


def test_a_new_film_takes_the_place_of_the_old_one_which_is_kept(send):
    old_pixels = hand_pixels()
    old = send(make_dicom(old_pixels)).radiograph
    record = send(make_dicom())
    old.refresh_from_db()
    assert (record.verdict, record.code) == ("accepted_with_warning", "replaced")
    assert not old.current and old.superseded_by == record.radiograph
    assert np.array_equal(load_pixels(old), old_pixels)


def test_a_replaced_film_can_be_put_back(send):
    first = hand_pixels()
    send(make_dicom(first))
    send(make_dicom())
    assert send(make_dicom(first)).code == "replaced"
    assert Radiograph.objects.current().count() == 1


def test_a_film_filed_under_the_wrong_hand_can_be_filed_again(send):
    pixels = hand_pixels()
    wrong = send(make_dicom(pixels, ImageLaterality=None), laterality="R").radiograph
    Radiograph.objects.filter(pk=wrong.pk).update(
        state="failed", failure_code="laterality_mismatch", failure_message="x"
    )
    record = send(make_dicom(pixels, ImageLaterality=None), laterality="L")
    wrong.refresh_from_db()
    assert record.verdict == "accepted"
    assert not wrong.current and wrong.superseded_by == record.radiograph


@pytest.mark.parametrize("name", ["staff_b", "staff_c", "reviewer_one", "trial_one", "outsider"])
def test_only_staff_of_the_site_and_study_admins_may_upload(world, send, name):
    with pytest.raises(NotAllowed):
        send(make_dicom(), user=getattr(world, name))
    assert not UploadRecord.objects.exists()
    assert send(make_dicom(), user=world.admin_one).verdict == "accepted"


def test_a_file_name_is_shown_to_its_uploader_only(send, world):
    record = send(make_dicom(), name="../../week 12.dcm")
    assert record.name_for(world.staff_a) == "week 12.dcm"
    assert record.name_for(world.admin_one) == ""


def test_a_file_named_by_the_pseudonym_keeps_its_name_and_one_named_by_the_patient_does_not(send, timepoint):
    code = timepoint.patient.code
    assert send(make_dicom(PatientID=code), name=f"{code}_left.dcm").file_name == f"{code}_left.dcm"
    assert send(make_dicom(), name=f"{code}_jane.dcm").file_name == "(name removed)"


def test_a_full_disk_is_a_verdict_and_leaves_no_half_film(send):
    with patch.object(type(default_storage._wrapped), "_save", side_effect=OSError(28, "No space left")):
        record = send(make_dicom())
    assert (record.verdict, record.code) == ("rejected", "not_stored")
    assert not Radiograph.objects.exists()


def test_no_files_stay_where_the_row_cannot_be_kept(send):
    with patch("jsnsite.radiographs.intake._keep", side_effect=RuntimeError), pytest.raises(RuntimeError):
        send(make_dicom())
    assert stored_files() == []


def test_a_queue_that_is_down_loses_nothing(send, django_capture_on_commit_callbacks):
    with (
        patch.object(queue.app, "send_task", side_effect=ConnectionError),
        django_capture_on_commit_callbacks(execute=True),
    ):
        record = send(make_dicom())
    assert record.verdict == "accepted" and record.radiograph.state == "queued"


def test_many_files_each_get_their_verdict(send, timepoint):
    files = [make_dicom(), BytesIO(b"text"), make_dicom(ImageLaterality="R"), make_dicom(Modality="CT")]
    verdicts = [send(file).verdict for file in files]
    assert verdicts == ["accepted", "rejected", "accepted", "rejected"]
    assert UploadRecord.objects.filter(timepoint=timepoint).count() == 4
