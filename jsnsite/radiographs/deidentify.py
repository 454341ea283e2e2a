"""De-identification by allow-list: what is not named here does not survive. No Django here.

After DICOM PS3.15 Annex E (Basic Application Level Confidentiality Profile), stricter: technical attributes
of the image are kept, everything else goes, private tags and dates included. Pixel data stay as they are, bit
by bit.
"""

from __future__ import annotations

import hmac
import re
from io import BytesIO
from typing import Any, BinaryIO

import pydicom
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, generate_uid

from jsnsite.radiographs.dicom import DicomRejected

#: Numbers and code strings that describe the image and how it was taken.
KEPT = (
    "SOPClassUID Modality PresentationIntentType ConversionType ImageType Manufacturer "
    "ManufacturerModelName ViewPosition PatientOrientation KVP Exposure ExposureInuAs ExposureTime "
    "XRayTubeCurrent DistanceSourceToDetector DistanceSourceToPatient "
    "EstimatedRadiographicMagnificationFactor FocalSpots ImagerPixelSpacing PixelSpacing "
    "PixelSpacingCalibrationType NominalScannedPixelSpacing PixelAspectRatio DetectorType "
    "DetectorConfiguration DetectorElementSpacing Grid Sensitivity RelativeXRayExposure "
    "PixelIntensityRelationship PixelIntensityRelationshipSign SamplesPerPixel "
    "PhotometricInterpretation Rows Columns BitsAllocated BitsStored HighBit PixelRepresentation "
    "SmallestImagePixelValue LargestImagePixelValue PixelPaddingValue RescaleIntercept RescaleSlope "
    "RescaleType WindowCenter WindowWidth VOILUTFunction PresentationLUTShape LossyImageCompression "
    "LossyImageCompressionRatio LossyImageCompressionMethod BurnedInAnnotation QualityControlImage"
).split()
#: Look-up tables, with what is kept of their items.
KEPT_TABLES = {
    "ModalityLUTSequence": ("LUTDescriptor", "ModalityLUTType", "LUTData"),
    "VOILUTSequence": ("LUTDescriptor", "LUTData"),
}
_REMAPPED = ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
_EMPTY = (
    "PatientBirthDate PatientSex StudyDate StudyTime StudyID AccessionNumber "
    "ReferringPhysicianName SeriesNumber InstanceNumber"
).split()
#: Attributes whose words must not turn up in anything that is kept.
_IDENTITY = (
    "PatientName PatientID OtherPatientNames PatientBirthName PatientBirthDate AccessionNumber "
    "ReferringPhysicianName PerformingPhysicianName OperatorsName InstitutionName"
).split()


def deidentify(dataset: FileDataset, *, pseudonym: str, laterality: str, body_part: str, salt: str) -> bytes:
    """The file as it is kept: ``pseudonym`` for the patient, UIDs remapped by a keyed hash, pixel data
    untouched.

    The same UID under the same ``salt`` always maps to the same UID, so images of one series stay together;
    without the salt nobody can go back. Raises ``DicomRejected`` where the file cannot be written again.
    """
    try:
        return _written(_kept(dataset, pseudonym, laterality, body_part, salt), dataset, salt)
    except Exception as error:  # pydicom raises many kinds on values it cannot encode
        raise DicomRejected(
            "damaged_header", "The file's header is damaged. Export it from the PACS again."
        ) from error


def with_laterality(file: BinaryIO, laterality: str) -> bytes:
    """A file that is kept already, filed under the other hand; nothing else changes."""
    dataset = pydicom.dcmread(file)
    dataset.ImageLaterality = laterality
    buffer: Any = BytesIO()
    pydicom.dcmwrite(buffer, dataset, enforce_file_format=True)
    return bytes(buffer.getvalue())


def identifying_words(dataset: Dataset) -> frozenset[str]:
    """Words of names, ids and dates in the header, lower case, three letters and more. Never store or log
    them.
    """
    text = " ".join(str(dataset.get(keyword, "") or "") for keyword in _IDENTITY)
    return words_of(text)


def words_of(text: str) -> frozenset[str]:
    """The words of three letters and more, lower case."""
    return frozenset(word for word in re.split(r"[\W_]+", text.lower()) if len(word) >= 3)


def without_identity(text: str, words: frozenset[str], instead: str = "") -> str:
    """``text``, or ``instead`` where it contains one of the identifying words."""
    return instead if any(word in text.lower() for word in words) else text


def _kept(dataset: FileDataset, pseudonym: str, laterality: str, body_part: str, salt: str) -> Dataset:
    words = identifying_words(dataset)
    kept = Dataset()
    for keyword in KEPT:
        _copy(dataset, kept, keyword, words)
    for keyword, inner in KEPT_TABLES.items():
        if keyword in dataset:
            setattr(kept, keyword, [_table(item, inner) for item in dataset[keyword].value])
    for keyword in _REMAPPED:
        setattr(kept, keyword, _remapped(str(dataset.get(keyword, "") or keyword), salt))
    for keyword in _EMPTY:
        setattr(kept, keyword, None)
    kept.PatientName = kept.PatientID = pseudonym
    kept.PatientIdentityRemoved = "YES"
    kept.DeidentificationMethod = "allow-list, see PS3.15 Annex E"
    kept.ImageLaterality = laterality
    kept.BodyPartExamined = body_part
    kept.add(dataset["PixelData"])
    return kept


def _copy(source: Dataset, target: Dataset, keyword: str, words: frozenset[str]) -> None:
    """Copy one attribute, unless it is absent, damaged, or has identifying words in it."""
    if keyword not in source:
        return
    element = source[keyword]
    is_text = element.VR in ("LO", "SH", "LT", "ST", "UT", "CS", "PN")
    if is_text and without_identity(str(element.value), words) != str(element.value):
        return
    target.add(element)


def _table(item: Dataset, keywords: tuple[str, ...]) -> Dataset:
    kept = Dataset()
    for keyword in keywords:
        _copy(item, kept, keyword, frozenset())
    return kept


def _remapped(uid: str, salt: str) -> UID:
    return generate_uid(entropy_srcs=[hmac.new(salt.encode(), uid.encode(), "sha256").hexdigest()])


def _written(kept: Dataset, original: FileDataset, salt: str) -> bytes:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = original.file_meta.TransferSyntaxUID
    meta.MediaStorageSOPClassUID = kept.SOPClassUID
    meta.MediaStorageSOPInstanceUID = kept.SOPInstanceUID
    kept.file_meta = meta
    buffer: Any = BytesIO()
    pydicom.dcmwrite(buffer, kept, enforce_file_format=True)
    return bytes(buffer.getvalue())
