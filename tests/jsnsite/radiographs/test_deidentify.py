"""What is kept of a file holds nothing of the patient, and every bit of the image."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pydicom
import pytest
from pydicom.uid import JPEG2000Lossless

from jsnsite.radiographs.deidentify import deidentify, identifying_words, without_identity
from jsnsite.radiographs.dicom import open_dicom, read_dicom
from tests.jsnsite.dicoms import IDENTITY, as_file, hand_pixels, make_dataset, make_dicom


def kept(file, salt="salt") -> bytes:
    dataset = open_dicom(file)
    return deidentify(dataset, pseudonym="P-001", laterality="R", body_part="HAND", salt=salt)


def test_nothing_of_the_patient_survives():
    stored = kept(make_dicom())
    for word in IDENTITY:
        assert word.encode().lower() not in stored.lower(), word


def test_the_preamble_and_the_file_meta_are_new():
    source = make_dataset()
    source.file_meta.SourceApplicationEntityTitle = "JANE_DOE_AE"
    file = b"Jane Doe was here".ljust(128, b"\0") + as_file(source).getvalue()[128:]
    stored = kept(BytesIO(file))
    assert stored[:128] == bytes(128)
    assert b"JANE_DOE_AE" not in stored


@pytest.mark.parametrize("compressed", [False, True])
def test_pixel_data_stay_bit_by_bit(compressed):
    dataset = make_dataset(hand_pixels())
    if compressed:
        dataset.compress(JPEG2000Lossless, encoding_plugin="pylibjpeg", generate_instance_uid=False)
    stored = pydicom.dcmread(BytesIO(kept(as_file(dataset))))
    assert stored.PixelData == dataset.PixelData
    assert stored.file_meta.TransferSyntaxUID == dataset.file_meta.TransferSyntaxUID


def test_the_kept_file_reads_as_the_same_film():
    file = make_dicom(PhotometricInterpretation="MONOCHROME1", RescaleSlope="2", RescaleIntercept="3")
    before, after = read_dicom(file), read_dicom(BytesIO(kept(file)))
    assert np.array_equal(before.pixels, after.pixels)
    assert (before.sha256, before.pixel_spacing_mm) == (after.sha256, after.pixel_spacing_mm)
    assert after.laterality == "R"


def test_the_patient_is_the_pseudonym_and_dates_are_empty():
    stored = pydicom.dcmread(BytesIO(kept(make_dicom())))
    assert str(stored.PatientName) == stored.PatientID == "P-001"
    assert stored.PatientIdentityRemoved == "YES"
    assert not stored.StudyDate and not stored.PatientBirthDate
    assert not any(element.tag.is_private for element in stored.iterall())


def test_uids_are_remapped_alike_under_one_salt_and_otherwise_under_another():
    file = make_dicom()
    original = pydicom.dcmread(file)
    once, again, other = (pydicom.dcmread(BytesIO(kept(file, salt))) for salt in ("a", "a", "b"))
    assert once.SeriesInstanceUID == again.SeriesInstanceUID != other.SeriesInstanceUID
    assert once.SeriesInstanceUID != original.SeriesInstanceUID
    assert once.file_meta.MediaStorageSOPInstanceUID == once.SOPInstanceUID


def test_a_name_in_a_technical_field_goes_with_the_field():
    stored = pydicom.dcmread(BytesIO(kept(make_dicom(ManufacturerModelName="Jane's machine"))))
    assert "ManufacturerModelName" not in stored


def test_words_that_identify_are_found_in_other_text():
    words = identifying_words(make_dataset())
    assert without_identity("doe_left_hand.dcm", words, "(name removed)") == "(name removed)"
    assert without_identity("IMG0001.dcm", words, "(name removed)") == "IMG0001.dcm"
