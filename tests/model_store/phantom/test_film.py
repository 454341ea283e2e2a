"""Films look as they should and read back as they were written."""

import io
from dataclasses import replace
from datetime import date

import numpy as np
import pydicom
import pytest

from model_store.phantom import (
    Exposure,
    Film,
    Furniture,
    Projection,
    bone_masks,
    expose,
    make_exposure,
    write_dicom,
)
from model_store.phantom.exposure import Photometric

PLAIN = Exposure(furniture=Furniture(marker="none"))


@pytest.fixture(scope="module")
def film(film_at_baseline: Projection) -> Film:
    return expose(film_at_baseline, PLAIN, seed=1)


def test_bone_is_brighter_than_flesh_and_flesh_than_air(film: Film, film_at_baseline: Projection) -> None:
    upper, _ = bone_masks(film_at_baseline, "MCP3")
    flesh = (film_at_baseline.bone_mm() == 0) & (film_at_baseline.soft_mm > 8)
    air = film_at_baseline.soft_mm == 0
    assert np.median(film.pixels[upper]) > np.median(film.pixels[flesh]) > np.median(film.pixels[air])
    assert film.pixels.max() <= 4095


def test_the_same_seed_gives_the_same_film(film: Film, film_at_baseline: Projection) -> None:
    np.testing.assert_array_equal(expose(film_at_baseline, PLAIN, seed=1).pixels, film.pixels)
    assert not np.array_equal(expose(film_at_baseline, PLAIN, seed=2).pixels, film.pixels)


def test_every_drawn_exposure_uses_the_range(film_at_baseline: Projection) -> None:
    for seed in range(4):
        pixels = expose(film_at_baseline, make_exposure(seed), seed).pixels
        hand = film_at_baseline.soft_mm > 5
        assert np.ptp(np.quantile(pixels[hand], [0.02, 0.98])) > 800


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_a_dicom_file_reads_back_with_bone_bright(film: Film, photometric: Photometric) -> None:
    buffer = io.BytesIO()
    write_dicom(
        buffer,
        replace(film, photometric=photometric),
        patient_id="P-001",
        study_date=date(2024, 3, 1),
        patient_name="Doe^Jane",
        patient_birth_date=date(1960, 1, 2),
        uid_entropy="film-1",
    )
    buffer.seek(0)
    read = pydicom.dcmread(buffer)
    assert read.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
    assert read.SOPClassUID == "1.2.840.10008.5.1.4.1.1.1.1"
    assert (
        [float(v) for v in read.PixelSpacing] == [0.175, 0.175] == [float(v) for v in read.ImagerPixelSpacing]
    )
    assert (read.ImageLaterality, read.BodyPartExamined, read.ViewPosition) == (
        "R",
        "HAND",
        "PA",
    )
    assert read.PhotometricInterpretation == photometric
    assert (read.PatientID, str(read.PatientName), read.PatientBirthDate) == (
        "P-001",
        "Doe^Jane",
        "19600102",
    )
    pixels = read.pixel_array
    shown = 4095 - pixels if photometric == "MONOCHROME1" else pixels
    np.testing.assert_array_equal(shown, film.pixels)


def test_uids_follow_their_entropy(film: Film) -> None:
    def uid(entropy: str | None) -> str:
        buffer = io.BytesIO()
        write_dicom(
            buffer,
            film,
            patient_id="P",
            study_date=date(2024, 1, 1),
            uid_entropy=entropy,
        )
        buffer.seek(0)
        return str(pydicom.dcmread(buffer, stop_before_pixels=True).SOPInstanceUID)

    assert uid("a") == uid("a") != uid("b")
    assert uid(None) != uid(None)


def test_spacing_can_be_left_out(film: Film) -> None:
    buffer = io.BytesIO()
    write_dicom(buffer, film, patient_id="P", study_date=date(2024, 1, 1), spacing_tag="none")
    buffer.seek(0)
    assert "PixelSpacing" not in pydicom.dcmread(buffer, stop_before_pixels=True)
