"""Synthetic DICOM radiographs full of identity, as a hospital would export them."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid

#: Nothing of this may survive intake, anywhere.
IDENTITY = (
    "Doe",
    "Jane",
    "MRN-556677",
    "19610214",
    "Saint Elsewhere",
    "Wolf",
    "ACC-9911",
    "20240131",
    "Referrer",
)

#: Distinct pixels per call unless a seed is given.
_seeds = iter(range(1_000_000))


def hand_pixels(seed: int | None = None, rows: int = 160, columns: int = 140) -> npt.NDArray[np.uint16]:
    """(rows, columns) 12-bit noise with a bright stripe: enough of an image for intake, which looks for no
    hand.
    """
    rng = np.random.default_rng(next(_seeds) if seed is None else seed)
    pixels = rng.integers(200, 900, (rows, columns)).astype(np.uint16)
    pixels[:, columns // 3 : columns // 2] += 2000
    return pixels


def make_dataset(pixels: npt.NDArray[Any] | None = None, **overrides: Any) -> Dataset:
    """A DX radiograph of a left hand at 0.175 mm; ``overrides`` by keyword, None removes the attribute."""
    pixels = hand_pixels() if pixels is None else pixels
    dataset = Dataset()
    dataset.SOPClassUID = DigitalXRayImageStorageForPresentation
    for keyword in ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"):
        setattr(dataset, keyword, generate_uid())
    dataset.PatientName = "Doe^Jane"
    dataset.PatientID = "MRN-556677"
    dataset.PatientBirthDate = "19610214"
    dataset.InstitutionName = "Saint Elsewhere"
    dataset.OperatorsName = "Wolf^Virginia"
    dataset.AccessionNumber = "ACC-9911"
    dataset.StudyDate = dataset.SeriesDate = dataset.AcquisitionDate = "20240131"
    dataset.ReferringPhysicianName = "Referrer^Rita"
    dataset.StudyDescription = "Hand of Jane Doe"
    block = dataset.private_block(0x0011, "ACME", create=True)
    block.add_new(0x01, "LO", "Doe, Jane")
    dataset.Manufacturer = "ACME"
    dataset.Modality = "DX"
    dataset.BodyPartExamined = "HAND"
    dataset.ImageLaterality = "L"
    dataset.PixelSpacing = [0.175, 0.175]
    dataset.Rows, dataset.Columns = pixels.shape[:2]
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated = pixels.dtype.itemsize * 8
    dataset.BitsStored = min(12, dataset.BitsAllocated)
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = 0
    dataset.PixelData = pixels.tobytes()
    for keyword, value in overrides.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return dataset


def as_file(dataset: Dataset) -> BytesIO:
    buffer = BytesIO()
    pydicom.dcmwrite(buffer, dataset, enforce_file_format=True)
    buffer.seek(0)
    return buffer


def make_dicom(pixels: npt.NDArray[Any] | None = None, **overrides: Any) -> BytesIO:
    """``make_dataset`` as an open file."""
    return as_file(make_dataset(pixels, **overrides))
