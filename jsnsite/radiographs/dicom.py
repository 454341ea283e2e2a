"""Reading one plain radiograph from DICOM: checks, limits, pixels with bone bright, spacing, laterality.

No Django here. Standard sections are those of DICOM PS3.3.
"""

from __future__ import annotations

import hashlib
import logging
import math
import os
import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.dataset import FileDataset
from pydicom.encaps import generate_frames
from pydicom.filereader import read_dataset
from pydicom.pixel_data_handlers import gdcm_handler
from pydicom.pixels.processing import apply_modality_lut
from pydicom.uid import DeflatedExplicitVRLittleEndian, JPEGExtended12Bit, MediaStorageDirectoryStorage

from jsnsite.radiographs.codestream import frame_size

# pydicom's warnings quote the values they are about, and those may be a name or a date.
warnings.filterwarnings("ignore", module=r"pydicom")
logging.getLogger("pydicom").setLevel(logging.CRITICAL)
pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE

MAX_PIXELS = 64_000_000
MAX_BYTES = 200 * 1024 * 1024
MIN_SIDE_PX = 128
#: Pixel spacing of a hand radiograph lies in here, mm; anything else is a mistake in the file.
SPACING_RANGE_MM = (0.02, 0.5)
#: Laterality of a film that shows both hands (C.7.3.1, Image Laterality).
BOTH = "B"

MODALITIES = {"CR", "DX", "RG"}
HAND_BODY_PARTS = {
    "",
    "HAND",
    "HANDS",
    "FINGER",
    "THUMB",
    "WRIST",
    "EXTREMITY",
    "UPPER EXTREMITY",
    "UPPEREXTREMITY",
}

FloatArray = npt.NDArray[np.float32]


class DicomRejected(Exception):
    """This file cannot be taken in. ``message`` says what to do and quotes nothing that may identify a
    patient.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True)
class DicomFilm:
    """One radiograph as measured.

    ``pixels``: (H, W) float32 after the modality LUT, bone bright (MONOCHROME1 is inverted, once, here).
    ``sha256``: over the stored pixel values and their shape, whatever the encoding. ``laterality``: "L", "R", ``BOTH``,
    or None where the file does not say. ``warnings``: (code, sentence).
    """

    pixels: FloatArray
    sha256: str
    rows: int
    columns: int
    bits: int
    photometric: str
    pixel_spacing_mm: float | None
    spacing_source: str | None
    laterality: str | None
    body_part: str
    manufacturer: str
    warnings: tuple[tuple[str, str], ...] = ()


def read_dicom(source: Path | str | BinaryIO, *, max_bytes: int = MAX_BYTES) -> DicomFilm:
    """The radiograph in a DICOM file. Raises ``DicomRejected``."""
    return decode(open_dicom(source, max_bytes=max_bytes))


def open_dicom(source: Path | str | BinaryIO, *, max_bytes: int = MAX_BYTES) -> FileDataset:
    """The parsed file, nothing decoded yet. Raises ``DicomRejected`` for what is no sound DICOM file."""
    if isinstance(source, str | Path):
        with Path(source).open("rb") as file:
            return open_dicom(file, max_bytes=max_bytes)
    size = source.seek(0, os.SEEK_END)
    if size > max_bytes:
        raise DicomRejected(
            "too_large", f"The file is larger than {max_bytes // 2**20} MB. Export the single radiograph."
        )
    source.seek(0)
    preamble = source.read(132)
    if preamble[128:] != b"DICM":
        raise DicomRejected(
            "not_dicom", "This is not a DICOM file. Export the radiograph from the PACS as DICOM."
        )
    try:
        meta = read_dataset(source, False, True, stop_when=lambda tag, vr, length: tag.group != 2)
        if (
            meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian
        ):  # inflated on reading, without a limit
            raise DicomRejected(
                "unsupported_encoding", "Deflated DICOM is not supported. Export it uncompressed."
            )
        source.seek(0)
        dataset = pydicom.dcmread(source)
        dataset.decode()
    except DicomRejected:
        raise
    except Exception as error:  # pydicom raises many kinds on damaged files
        raise DicomRejected(
            "truncated", "The file is damaged or cut short. Export it from the PACS again."
        ) from error
    return dataset


def decode(dataset: FileDataset) -> DicomFilm:
    """Check the header, then decode the pixels. Raises ``DicomRejected``."""
    try:
        _check_kind(dataset)
        rows, columns = _check_size(dataset)
        _check_encoding(dataset, rows, columns)
        spacing, source, notes = _spacing(dataset)
        side = _laterality(dataset)
        body_part = _body_part(dataset)
        bits = int(dataset.BitsStored)
    except DicomRejected:
        raise
    except Exception as error:
        raise DicomRejected(
            "damaged_header", "The file's header is damaged. Export it from the PACS again."
        ) from error
    stored = _stored_pixels(dataset, rows, columns)
    if body_part not in HAND_BODY_PARTS:
        notes.append(
            ("body_part_not_hand", "The file says it shows another part of the body. Check the radiograph.")
        )
    if str(dataset.get("BurnedInAnnotation", "")).strip().upper() == "YES":
        notes.append(
            (
                "burned_in",
                "The file says that text is burned into the image. Check that it shows no name or date.",
            )
        )
    return DicomFilm(
        pixels=_bone_bright(stored, dataset),
        sha256=_digest(stored),
        rows=rows,
        columns=columns,
        bits=bits,
        photometric=str(dataset.PhotometricInterpretation),
        pixel_spacing_mm=spacing,
        spacing_source=source,
        laterality=side,
        body_part=body_part,
        manufacturer=str(dataset.get("Manufacturer", "") or "")[:64],
        warnings=tuple(notes),
    )


def _check_kind(dataset: FileDataset) -> None:
    modality = str(dataset.get("Modality", "") or "").strip().upper()
    is_image = dataset.file_meta.get("MediaStorageSOPClassUID") != MediaStorageDirectoryStorage
    if is_image and not modality and "PixelData" not in dataset:
        raise _cut_short()
    if modality not in MODALITIES:
        raise DicomRejected(
            "not_projection_xray",
            "This is not a plain radiograph (CR, DX or RG). Choose the radiograph of the hand.",
        )
    if "PixelData" not in dataset or "Rows" not in dataset or "Columns" not in dataset:
        raise _cut_short()
    if int(dataset.get("NumberOfFrames", 1) or 1) > 1:
        raise DicomRejected("multi_frame", "The file holds several images. Export one radiograph per file.")
    if int(dataset.get("SamplesPerPixel", 1)) != 1 or dataset.get("PhotometricInterpretation") not in (
        "MONOCHROME1",
        "MONOCHROME2",
    ):
        raise DicomRejected(
            "not_greyscale",
            "This is a colour image. Export the original greyscale radiograph, not a screenshot.",
        )


def _cut_short() -> DicomRejected:
    return DicomRejected("truncated", "The file ends before the image. Export it from the PACS again.")


def _check_size(dataset: FileDataset) -> tuple[int, int]:
    rows, columns = int(dataset.Rows), int(dataset.Columns)
    if rows * columns > MAX_PIXELS:
        raise DicomRejected(
            "too_many_pixels",
            f"The image has {columns} x {rows} pixels, over {MAX_PIXELS // 10**6} million. Make it smaller.",
        )
    if min(rows, columns) < MIN_SIDE_PX:
        raise DicomRejected(
            "too_small", "The image is too small for a hand radiograph. Export the full image."
        )
    return rows, columns


def _check_encoding(dataset: FileDataset, rows: int, columns: int) -> None:
    """Refuse too few bytes, and codestreams of another size than the header says."""
    if int(dataset.BitsAllocated) not in (8, 16):
        raise DicomRejected(
            "unsupported_encoding", "Only images of 8 or 16 bits are supported. Export it so."
        )
    if dataset.file_meta.TransferSyntaxUID.is_encapsulated:
        first = next(generate_frames(dataset.PixelData, number_of_frames=1), b"")
        size = frame_size(first)
        if size is not None and size != (rows, columns):
            raise DicomRejected(
                "truncated", "The image does not fit its header: the file is damaged. Export it again."
            )
    elif len(dataset.PixelData) < rows * columns * int(dataset.BitsAllocated) // 8:
        raise DicomRejected("truncated", "The file ends within the image. Export it from the PACS again.")


def _stored_pixels(dataset: FileDataset, rows: int, columns: int) -> npt.NDArray[np.generic]:
    try:
        stored = _decoded(dataset, rows, columns)
    except NotImplementedError as error:
        raise DicomRejected(
            "unsupported_encoding", "This image compression is not supported. Export it uncompressed."
        ) from error
    except Exception as error:  # decoders raise many kinds on damaged data
        raise DicomRejected(
            "truncated", "The image data are damaged or cut short. Export the file again."
        ) from error
    if stored.shape != (rows, columns):
        raise DicomRejected(
            "truncated", "The image does not fit its header: the file is damaged. Export it again."
        )
    if stored.min() == stored.max():
        raise DicomRejected("blank", "The image is blank. Export the radiograph again.")
    return stored


def _decoded(dataset: FileDataset, rows: int, columns: int) -> npt.NDArray[np.generic]:
    """The stored values, (H, W). JPEG Extended beyond 8 bits goes to GDCM, the one decoder that reads it;
    pydicom's own plugin for GDCM refuses it.
    """
    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax == JPEGExtended12Bit and int(dataset.BitsStored) > 8:
        values: npt.NDArray[np.generic] = gdcm_handler.get_pixeldata(dataset)
        return values.reshape(rows, columns)
    return dataset.pixel_array


def _bone_bright(stored: npt.NDArray[np.generic], dataset: FileDataset) -> FloatArray:
    """Modality LUT or rescale (C.11.1), then MONOCHROME1 inverted within the image's own range
    (C.7.6.3.1.2).
    """
    try:
        values = np.asarray(apply_modality_lut(stored, dataset), dtype=np.float32)
    except Exception as error:
        raise DicomRejected(
            "damaged_header", "The file's modality LUT is damaged. Export it again."
        ) from error
    if not np.isfinite(values).all():
        raise DicomRejected("damaged_header", "The file's rescale values are damaged. Export it again.")
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        values = values.min() + values.max() - values
    return np.ascontiguousarray(values, dtype=np.float32)


def _digest(stored: npt.NDArray[np.generic]) -> str:
    values = np.ascontiguousarray(stored.astype("<i4", copy=False))
    return hashlib.sha256(f"{values.shape}".encode() + values.tobytes()).hexdigest()


def _spacing(dataset: FileDataset) -> tuple[float | None, str | None, list[tuple[str, str]]]:
    """Pixel spacing and where it comes from, by 10.7.1.3: PixelSpacing is calibrated where it says so or
    where it differs from ImagerPixelSpacing, which is the detector's own; NominalScannedPixelSpacing is a
    film digitiser's.
    """
    imager = _pair(dataset, "ImagerPixelSpacing")
    pixel = _pair(dataset, "PixelSpacing")
    scanned = _pair(dataset, "NominalScannedPixelSpacing")
    if pixel and (dataset.get("PixelSpacingCalibrationType") or (imager and not _close(pixel[0], imager[0]))):
        found, source = pixel, "calibrated"
    elif pixel:
        found, source = pixel, "pixel_spacing"
    elif imager:
        found, source = imager, "imager_pixel_spacing"
    elif scanned:
        found, source = scanned, "nominal_scanned_spacing"
    else:
        return None, None, []
    if not _close(*found):
        raise DicomRejected(
            "non_square_pixels", "The pixels are not square. Export the original image, not resampled."
        )
    if not SPACING_RANGE_MM[0] <= found[0] <= SPACING_RANGE_MM[1]:
        note = f"The file says {found[0]:g} mm per pixel, which cannot be right. Enter the pixel spacing."
        return None, None, [("spacing_implausible", note)]
    return found[0], source, []


def _pair(dataset: FileDataset, keyword: str) -> tuple[float, float] | None:
    value = dataset.get(keyword)
    try:
        row, column = (float(part) for part in value)
    except (TypeError, ValueError):
        return None
    return (row, column) if all(math.isfinite(part) and part > 0 for part in (row, column)) else None


def _close(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=1e-3)


def _laterality(dataset: FileDataset) -> str | None:
    for keyword in ("ImageLaterality", "Laterality"):
        value = str(dataset.get(keyword, "") or "").strip().upper()
        if value in ("L", "R", BOTH):
            return value
    return None


def _body_part(dataset: FileDataset) -> str:
    """BodyPartExamined, where it is a code string; free text is left out."""
    value = str(dataset.get("BodyPartExamined", "") or "").strip().upper()
    return value if re.fullmatch(r"[A-Z _]{0,16}", value) else ""
