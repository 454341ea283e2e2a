"""Reading radiographs: what is taken in, what is refused and with which code, and what the pixels are."""

from __future__ import annotations

import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.uid import (
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
)

from jsnsite.radiographs.codestream import frame_size
from jsnsite.radiographs.dicom import DicomRejected, read_dicom
from tests.jsnsite.dicoms import as_file, hand_pixels, make_dataset, make_dicom

REAL = Path(__file__).parents[4] / "shared" / "data" / "dicom"
WG04 = ["J2KI", "J2KR", "JLSL", "JLSN", "JPLL", "JPLY", "RLE"]


def code_of(file) -> str:
    with pytest.raises(DicomRejected) as rejected:
        read_dicom(file)
    assert rejected.value.message.endswith(".")
    return rejected.value.code


def test_pixels_come_as_they_are_stored():
    pixels = hand_pixels()
    film = read_dicom(make_dicom(pixels))
    assert film.pixels.dtype == np.float32
    assert np.array_equal(film.pixels, pixels)
    assert (film.rows, film.columns, film.bits) == (*pixels.shape, 12)
    assert (film.laterality, film.body_part, film.warnings) == ("L", "HAND", ())


def test_monochrome1_is_inverted_once_so_bone_is_bright():
    pixels = hand_pixels()
    plain = read_dicom(make_dicom(pixels))
    inverted = read_dicom(
        make_dicom(pixels.max() + pixels.min() - pixels, PhotometricInterpretation="MONOCHROME1")
    )
    assert np.array_equal(plain.pixels, inverted.pixels)


def test_rescale_is_applied():
    pixels = hand_pixels()
    film = read_dicom(make_dicom(pixels, RescaleSlope="2", RescaleIntercept="-100"))
    assert np.array_equal(film.pixels, pixels * 2.0 - 100)


def test_the_modality_lut_is_applied():
    pixels = (hand_pixels() // 16).astype(np.uint16)
    table = Dataset()
    table.LUTDescriptor = [256, 0, 16]
    table.ModalityLUTType = "US"
    table.LUTData = (np.arange(256, dtype=np.uint16) * 7).tobytes()
    film = read_dicom(make_dicom(pixels, ModalityLUTSequence=[table]))
    assert np.array_equal(film.pixels, pixels * 7.0)


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless])
def test_the_same_film_compressed_has_the_same_pixels_and_digest(syntax):
    pixels = hand_pixels()
    dataset = make_dataset(pixels)
    if syntax == JPEG2000Lossless:
        dataset.compress(syntax, encoding_plugin="pylibjpeg", generate_instance_uid=False)
    else:
        dataset.compress(syntax, generate_instance_uid=False)
    film = read_dicom(as_file(dataset))
    assert np.array_equal(film.pixels, pixels)
    assert film.sha256 == read_dicom(make_dicom(pixels)).sha256


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_other_native_encodings_read_the_same(syntax):
    pixels = hand_pixels()
    dataset = make_dataset(pixels)
    dataset.file_meta.TransferSyntaxUID = syntax
    if syntax == ExplicitVRBigEndian:
        dataset.PixelData = pixels.byteswap().tobytes()
    assert np.array_equal(read_dicom(as_file(dataset)).pixels, pixels)


@pytest.mark.parametrize(
    ("attributes", "spacing", "source"),
    [
        ({}, 0.175, "pixel_spacing"),
        ({"ImagerPixelSpacing": [0.175, 0.175]}, 0.175, "pixel_spacing"),
        ({"ImagerPixelSpacing": [0.2, 0.2]}, 0.175, "calibrated"),
        ({"PixelSpacingCalibrationType": "FIDUCIAL"}, 0.175, "calibrated"),
        ({"PixelSpacing": None, "ImagerPixelSpacing": [0.1, 0.1]}, 0.1, "imager_pixel_spacing"),
        ({"PixelSpacing": None, "NominalScannedPixelSpacing": [0.1, 0.1]}, 0.1, "nominal_scanned_spacing"),
        ({"PixelSpacing": None}, None, None),
        ({"PixelSpacing": [0, 0]}, None, None),
        ({"PixelSpacing": [5, 5]}, None, None),
    ],
    ids=str,
)
def test_spacing_keeps_its_source(attributes, spacing, source):
    film = read_dicom(make_dicom(**attributes))
    assert (film.pixel_spacing_mm, film.spacing_source) == (spacing, source)


def test_an_impossible_spacing_is_said_to_be_one():
    assert [code for code, _ in read_dicom(make_dicom(PixelSpacing=[5, 5])).warnings] == [
        "spacing_implausible"
    ]


@pytest.mark.parametrize(
    ("attributes", "warned"),
    [({"BodyPartExamined": "CHEST"}, "body_part_not_hand"), ({"BurnedInAnnotation": "YES"}, "burned_in")],
    ids=str,
)
def test_doubtful_films_are_read_with_a_warning(attributes, warned):
    assert [code for code, _ in read_dicom(make_dicom(**attributes)).warnings] == [warned]


@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        ({"Modality": "CT", "SOPClassUID": CTImageStorage}, "not_projection_xray"),
        ({"Modality": None}, "not_projection_xray"),
        ({"PixelData": None}, "truncated"),
        ({"NumberOfFrames": 2}, "multi_frame"),
        ({"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"}, "not_greyscale"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "not_greyscale"),
        ({"PixelSpacing": [0.1, 0.2]}, "non_square_pixels"),
        ({"Rows": 16384, "Columns": 16384}, "too_many_pixels"),
        ({"Rows": 161}, "truncated"),
        ({"Rows": 16}, "too_small"),
        ({"BitsAllocated": 32}, "unsupported_encoding"),
        ({"BitsStored": None}, "damaged_header"),
    ],
    ids=str,
)
def test_what_cannot_be_measured_is_refused_with_a_reason(attributes, code):
    assert code_of(make_dicom(**attributes)) == code


def test_a_text_file_is_no_dicom():
    assert code_of(BytesIO(b"Dear colleague,\n" * 100)) == "not_dicom"
    assert code_of(BytesIO(b"")) == "not_dicom"


@pytest.mark.parametrize("kept", [140, 300, 700, 5_000, -1])
def test_a_film_cut_short_is_refused_wherever_the_cut_is(kept):
    assert code_of(BytesIO(make_dicom().getvalue()[:kept])) == "truncated"


def test_a_compressed_film_cut_short_is_refused():
    dataset = make_dataset()
    dataset.compress(RLELossless, generate_instance_uid=False)
    file = as_file(dataset).getvalue()
    assert code_of(BytesIO(file[: len(file) // 2])) == "truncated"


def test_a_file_over_the_limit_is_refused_before_it_is_read():
    with pytest.raises(DicomRejected) as rejected:
        read_dicom(make_dicom(), max_bytes=1000)
    assert rejected.value.code == "too_large"


def test_a_blank_film_is_refused():
    assert code_of(make_dicom(np.zeros((160, 140), np.uint16))) == "blank"


def test_a_small_header_over_a_huge_codestream_is_refused_before_decoding():
    dataset = make_dataset()
    dataset.compress(JPEG2000Lossless, encoding_plugin="pylibjpeg", generate_instance_uid=False)
    marker = dataset.PixelData.index(b"\xff\x4f\xff\x51")
    size = marker + 8
    huge = (60_000).to_bytes(4, "big") * 2
    dataset["PixelData"].value = dataset.PixelData[:size] + huge + dataset.PixelData[size + 8 :]
    assert code_of(as_file(dataset)) == "truncated"


def test_a_deflated_file_is_refused_before_it_is_inflated():
    bomb = zlib.compress(b"\0" * 10_000_000)[2:-4]
    dataset = make_dataset()
    file = as_file(dataset).getvalue()
    syntax, deflated = b"1.2.840.10008.1.2.1\0", DeflatedExplicitVRLittleEndian.encode()
    head = file[: file.index(syntax)] + deflated.ljust(len(syntax) + 2, b"\0")
    head = head.replace(b"UI\x14\x00" + deflated, b"UI\x16\x00" + deflated)
    assert code_of(BytesIO(head + bomb)) in ("unsupported_encoding", "truncated")


def test_reading_says_nothing_about_the_patient(caplog, capsys, recwarn):
    with caplog.at_level("DEBUG"):
        read_dicom(make_dicom(PatientBirthDate="not-a-date", PatientID="x" * 200))
    said = caplog.text + "".join(capsys.readouterr()) + "".join(str(warning.message) for warning in recwarn)
    assert "Doe" not in said and "not-a-date" not in said


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_files_are_read_or_refused_but_never_crash(data):
    file = bytearray(_SOUND)
    for _ in range(data.draw(st.integers(1, 8))):
        position = data.draw(st.integers(0, min(len(file) - 1, 1400)))
        file[position] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(0, len(file)))
    try:
        film = read_dicom(BytesIO(bytes(file[: end or len(file)])))
    except DicomRejected as rejected:
        assert rejected.message
    else:
        assert film.pixels.shape == (film.rows, film.columns)
        assert np.isfinite(film.pixels).all()


@given(st.binary(max_size=400))
def test_any_bytes_have_a_frame_size_or_none(codestream):
    for head in (b"", b"\xff\xd8", b"\xff\x4f\xff\x51"):
        size = frame_size(head + codestream)
        assert size is None or len(size) == 2


@pytest.mark.skipif(not REAL.exists(), reason="the real films are not on this machine")
@pytest.mark.parametrize("name", WG04)
def test_every_encoding_of_one_real_film_shows_the_same_film(name):
    lossless = read_dicom(REAL / "WG04_RG3_RLE.dcm")
    film = read_dicom(REAL / f"WG04_RG3_{name}.dcm")
    difference = film.pixels - lossless.pixels
    assert np.mean(np.abs(difference - np.median(difference))) < 2.0
    assert film.pixel_spacing_mm is None and film.laterality == "R"


@pytest.mark.skipif(not REAL.exists(), reason="the real films are not on this machine")
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("CR-ModalitySequenceLUT", (0.15, "pixel_spacing", [])),
        ("Orthanc_Monochrome1-Jpeg", (0.175, "pixel_spacing", [])),
        ("gdcm-CR-MONO1-10-chest", (None, None, ["body_part_not_hand"])),
    ],
)
def test_real_films_are_read(name, expected):
    film = read_dicom(REAL / f"{name}.dcm")
    assert (film.pixel_spacing_mm, film.spacing_source, [code for code, _ in film.warnings]) == expected


@pytest.mark.skipif(not REAL.exists(), reason="the real films are not on this machine")
def test_real_images_that_are_no_radiographs_are_refused():
    assert code_of(REAL / "mlut_18.dcm") == "not_projection_xray"


_SOUND = make_dicom().getvalue()
