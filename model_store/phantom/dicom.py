"""Write a phantom film as a DICOM object: Digital X-Ray Image Storage - For Presentation (PS3.3 A.26)."""

from __future__ import annotations

from datetime import date
from os import PathLike
from typing import BinaryIO, Literal

import numpy as np
from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    UID,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    generate_uid,
)

from .exposure import LEVELS, Film
from .subject import Laterality


def write_dicom(
    path_or_buffer: str | PathLike[str] | BinaryIO,
    film: Film,
    *,
    patient_id: str,
    study_date: date,
    laterality: Laterality | None = None,
    pixel_spacing_mm: float | None = None,
    spacing_tag: Literal["PixelSpacing", "ImagerPixelSpacing", "both", "none"] = "both",
    patient_name: str | None = None,
    patient_birth_date: date | None = None,
    patient_sex: str = "",
    institution: str = "",
    uid_entropy: str | None = None,
) -> None:
    """Write `film` as explicit VR little endian.

    laterality and pixel_spacing_mm default to the film's; giving others makes a wrongly labelled file, as
    intake will meet. spacing_tag says where the spacing is written. patient_name and patient_birth_date stand for
    what a site forgot to remove. uid_entropy seeds the UIDs, so that the same film gets the same ones; None = random.
    Pixels are stored as the film's photometric interpretation wants: bone is bright once it is applied.
    """
    dataset = FileDataset("", {}, preamble=b"\0" * 128)
    _patient(dataset, patient_id, patient_name, patient_birth_date, patient_sex)
    _study(dataset, study_date, uid_entropy, institution)
    _projection(dataset, film, laterality or film.laterality)
    _spacing(
        dataset,
        film.pixel_spacing_mm if pixel_spacing_mm is None else pixel_spacing_mm,
        spacing_tag,
    )
    _pixels(dataset, film)
    dataset.file_meta = _file_meta(dataset.SOPInstanceUID)
    dcmwrite(path_or_buffer, dataset, enforce_file_format=True)


def _uid(entropy: str | None, kind: str) -> str:
    return str(generate_uid(entropy_srcs=None if entropy is None else [entropy, kind]))


def _file_meta(instance_uid: str) -> FileMetaDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    meta.MediaStorageSOPInstanceUID = UID(instance_uid)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return meta


def _patient(
    dataset: Dataset,
    patient_id: str,
    name: str | None,
    birth_date: date | None,
    sex: str,
) -> None:
    dataset.PatientID = patient_id
    dataset.PatientName = name or ""
    dataset.PatientBirthDate = birth_date.strftime("%Y%m%d") if birth_date else ""
    dataset.PatientSex = sex
    dataset.PatientIdentityRemoved = "NO" if name or birth_date else "YES"
    if dataset.PatientIdentityRemoved == "YES":
        dataset.DeidentificationMethod = "Simulated radiograph of a digital phantom"


def _study(dataset: Dataset, study_date: date, entropy: str | None, institution: str) -> None:
    day = study_date.strftime("%Y%m%d")
    dataset.SOPClassUID = DigitalXRayImageStorageForPresentation
    dataset.SOPInstanceUID = _uid(entropy, "instance")
    dataset.StudyInstanceUID = _uid(entropy, "study")
    dataset.SeriesInstanceUID = _uid(entropy, "series")
    dataset.StudyDate = dataset.SeriesDate = dataset.AcquisitionDate = dataset.ContentDate = day
    dataset.StudyTime = dataset.AcquisitionTime = dataset.ContentTime = "120000"
    dataset.StudyID = "1"
    dataset.AccessionNumber = ""
    dataset.ReferringPhysicianName = ""
    dataset.StudyDescription = "Hand PA"
    dataset.SeriesNumber = 1
    dataset.InstanceNumber = 1
    dataset.Modality = "DX"
    dataset.PresentationIntentType = "FOR PRESENTATION"
    dataset.Manufacturer = "Digital hand phantom"
    dataset.ManufacturerModelName = "model_store.phantom"
    dataset.SoftwareVersions = "1"
    dataset.InstitutionName = institution


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = (
        value,
        scheme,
        meaning,
    )
    return item


def _projection(dataset: Dataset, film: Film, laterality: Laterality) -> None:
    """DX anatomy, positioning and acquisition."""
    dataset.ImageLaterality = laterality
    dataset.BodyPartExamined = "HAND"
    dataset.AnatomicRegionSequence = Sequence([_code("85562004", "SCT", "Hand")])
    dataset.ViewPosition = "PA"
    view = _code("272479007", "SCT", "postero-anterior")
    view.ViewModifierCodeSequence = Sequence([])
    dataset.ViewCodeSequence = Sequence([view])
    # Either hand, back up and fingers first: across the film is towards the patient's left, down it to the head.
    dataset.PatientOrientation = ["L", "H"]
    dataset.AcquisitionContextSequence = Sequence([])
    dataset.KVP = f"{film.kvp:.1f}"
    dataset.DistanceSourceToDetector = "1050"
    dataset.DetectorType = "STORAGE"
    dataset.PositionerType = "NONE"


def _spacing(
    dataset: Dataset,
    spacing_mm: float,
    tag: Literal["PixelSpacing", "ImagerPixelSpacing", "both", "none"],
) -> None:
    pair = [f"{spacing_mm:.6g}"] * 2
    if tag in ("ImagerPixelSpacing", "both"):
        dataset.ImagerPixelSpacing = pair
    if tag in ("PixelSpacing", "both"):
        dataset.PixelSpacing = pair


def _pixels(dataset: Dataset, film: Film) -> None:
    inverted = film.photometric == "MONOCHROME1"
    stored = (LEVELS - 1 - film.pixels) if inverted else film.pixels
    dataset.ImageType = ["DERIVED", "PRIMARY"]
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = film.photometric
    dataset.PresentationLUTShape = "INVERSE" if inverted else "IDENTITY"
    dataset.PixelIntensityRelationship = "LOG"
    # With inverted storage a larger value means more X-rays arrived; otherwise fewer.
    dataset.PixelIntensityRelationshipSign = 1 if inverted else -1
    dataset.Rows, dataset.Columns = stored.shape
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    dataset.PixelRepresentation = 0
    dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = "0", "1", "US"
    dataset.WindowCenter, dataset.WindowWidth = f"{LEVELS // 2}", f"{LEVELS}"
    dataset.BurnedInAnnotation = "NO"
    dataset.LossyImageCompression = "00"
    dataset.PixelData = np.ascontiguousarray(stored, dtype="<u2").tobytes()
