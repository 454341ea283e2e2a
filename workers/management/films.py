"""Reads a whole-hand film from a file as people have them: DICOM, or a picture with its pixel spacing given."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from jsnsite.radiographs.dicom import MAX_PIXELS, DicomRejected, read_dicom
from workers.pipeline.types import FloatArray, Laterality

#: Grey modes of Pillow that hold more than 8 bits.
_DEEP = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")


class FilmUnreadable(ValueError):
    """The file can not be used; the message says what to do."""


@dataclass(frozen=True)
class Film:
    """``pixels`` (H, W) float32, bone bright; ``spacing_mm`` and ``laterality`` None where the file does not say."""

    name: str
    pixels: FloatArray
    spacing_mm: float | None
    laterality: Laterality | None
    notes: tuple[str, ...] = ()


def read_film(path: Path, *, invert: bool = False) -> Film:
    """Read DICOM, PNG, JPEG or TIFF, of 8 or 16 bits. ``invert``: the picture shows bone dark; DICOM says so itself.

    Raises ``FilmUnreadable``.
    """
    try:
        with path.open("rb") as file:
            start = file.read(132)
    except OSError as error:
        raise FilmUnreadable(f"{path} can not be opened: {error.strerror}.") from error
    if start[128:] == b"DICM" or path.suffix.lower() in (".dcm", ".dicom"):
        return _read_dicom(path)
    return _read_picture(path, invert)


def _read_dicom(path: Path) -> Film:
    try:
        film = read_dicom(path)
    except DicomRejected as error:
        raise FilmUnreadable(f"{path.name}: {error.message}") from error
    sides: dict[str | None, Laterality] = {"L": "L", "R": "R"}  # a film of both hands is of neither alone
    side = sides.get(film.laterality)
    return Film(path.name, film.pixels, film.pixel_spacing_mm, side, tuple(text for _, text in film.warnings))


def _read_picture(path: Path, invert: bool) -> Film:
    try:
        with Image.open(path) as picture:
            width, height = picture.size
            if width * height > MAX_PIXELS:
                raise FilmUnreadable(
                    f"{path.name} has {width} x {height} pixels; the limit is {MAX_PIXELS // 10**6} million."
                )
            upright = ImageOps.exif_transpose(picture)
            grey = upright if upright.mode in _DEEP else upright.convert("L")
            pixels = np.asarray(grey).astype(np.float32)
    except UnidentifiedImageError as error:
        raise FilmUnreadable(f"{path.name} is neither DICOM nor PNG, JPEG or TIFF.") from error
    except Image.DecompressionBombError as error:
        raise FilmUnreadable(
            f"{path.name} has more pixels than a radiograph; the limit is {MAX_PIXELS // 10**6} million."
        ) from error
    except (OSError, ValueError, SyntaxError) as error:
        if isinstance(error, FilmUnreadable):
            raise
        raise FilmUnreadable(f"{path.name} is damaged or cut short: {error}") from error
    if pixels.min() == pixels.max():
        raise FilmUnreadable(f"{path.name} is blank.")
    if invert:
        pixels = pixels.min() + pixels.max() - pixels
    return Film(os.fspath(path.name), pixels, None, None)
