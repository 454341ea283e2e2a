"""The way of an uploaded file to a verdict: inspect, settle the side, look for duplicates, store. One row per
file.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import PurePath
from typing import BinaryIO

from django.conf import settings
from django.core.files.base import ContentFile
from django.db import IntegrityError, transaction
from pydicom.dataset import FileDataset

from jsnsite.accounts.models import User
from jsnsite.errors import NotAllowed
from jsnsite.queue import LOCATE_JOINTS, send_on_commit
from jsnsite.radiographs import deidentify, dicom
from jsnsite.radiographs.dicom import DicomFilm, DicomRejected
from jsnsite.radiographs.models import Laterality, Radiograph, RadiographState, UploadRecord, Verdict
from jsnsite.radiographs.preview import preview_png
from jsnsite.scoping import Action, allowed
from jsnsite.studies.models import Timepoint

logger = logging.getLogger(__name__)

NO_SPACING = (
    "no_spacing",
    "The file does not say how large a pixel is. Enter the pixel spacing in mm; processing waits for it.",
)
REPLACED = (
    "replaced",
    "This film takes the place of the one filed before for this hand; the old one is kept.",
)


@dataclass(frozen=True)
class _Inspected:
    """A film that passed the checks on its own, and its de-identified file."""

    film: DicomFilm
    laterality: str
    stored: bytes
    preview: bytes


def receive(
    *, file: BinaryIO, name: str, timepoint: Timepoint, laterality: str | None, user: User
) -> UploadRecord:
    """Take in one uploaded file for ``timepoint``; ``laterality`` is "L", "R", or None to believe the file.

    Returns the verdict's row whatever the file is. Raises ``NotAllowed`` where ``user`` may not upload there.
    Processing is scheduled on commit.
    """
    if not allowed(user, Action.UPLOAD, timepoint):
        raise NotAllowed("You cannot upload radiographs here. Ask your study's administrator.")
    shown_name = PurePath(name.replace("\\", "/")).name[:120]
    try:
        dataset = dicom.open_dicom(file, max_bytes=settings.JSN_MAX_UPLOAD_BYTES)
        # the pseudonym may stay: the file may carry it already
        words = deidentify.identifying_words(dataset) - deidentify.words_of(timepoint.patient.code)
        shown_name = deidentify.without_identity(shown_name, words, instead="(name removed)")
        inspected = _inspect(dataset, timepoint, laterality)
        record = _file(inspected, shown_name, timepoint, user)
    except DicomRejected as rejected:
        record = UploadRecord.objects.create(
            timepoint=timepoint,
            uploaded_by=user,
            file_name=shown_name,
            verdict=Verdict.REJECTED,
            code=rejected.code,
            message=rejected.message,
        )
    logger.info("upload %s: %s %s", record.uuid, record.verdict, record.code)
    return record


def _inspect(dataset: FileDataset, timepoint: Timepoint, chosen: str | None) -> _Inspected:
    film = dicom.decode(dataset)
    laterality = _settle_laterality(film, chosen)
    stored = deidentify.deidentify(
        dataset,
        pseudonym=timepoint.patient.code,
        laterality=laterality,
        body_part=film.body_part,
        salt=settings.JSN_UID_SALT,
    )
    return _Inspected(film, laterality, stored, preview_png(film.pixels))


def _settle_laterality(film: DicomFilm, chosen: str | None) -> str:
    if chosen is not None and chosen not in Laterality.values:
        raise DicomRejected("laterality_unknown", "Choose left or right hand.")
    if chosen and film.laterality and chosen != film.laterality:
        raise DicomRejected(
            "laterality_conflict",
            f"Filed as {Laterality(chosen).label} hand, but it says {Laterality(film.laterality).label}. "
            "File it under the other hand, or have the file corrected.",
        )
    laterality = chosen or film.laterality
    if not laterality:
        raise DicomRejected(
            "laterality_missing",
            "The file does not say which hand it shows. Choose left or right and upload it again.",
        )
    return laterality


def _file(inspected: _Inspected, name: str, timepoint: Timepoint, user: User) -> UploadRecord:
    """Store the film and its row. Files already written are removed where the row cannot be kept."""
    radiograph = _radiograph(inspected, timepoint, user)
    try:
        radiograph.file.save("", ContentFile(inspected.stored), save=False)
        radiograph.preview.save("", ContentFile(inspected.preview), save=False)
        with transaction.atomic():
            return _keep(radiograph, inspected.film, name)
    except OSError as error:
        _remove_files(radiograph)
        logger.exception("an upload could not be stored")
        raise DicomRejected("not_stored", "The server could not store the file. Try again later.") from error
    except IntegrityError as error:
        _remove_files(radiograph)
        # Another upload of the same film, or of this hand, came in between.
        raise DicomRejected(
            "duplicate", "The same film, or another of this hand, was uploaded at this moment. Look again."
        ) from error
    except BaseException:
        _remove_files(radiograph)
        raise


def _radiograph(inspected: _Inspected, timepoint: Timepoint, user: User) -> Radiograph:
    film = inspected.film
    return Radiograph(
        timepoint=timepoint,
        laterality=inspected.laterality,
        sha256=film.sha256,
        rows=film.rows,
        columns=film.columns,
        bits=film.bits,
        photometric=film.photometric,
        manufacturer=film.manufacturer,
        body_part=film.body_part,
        pixel_spacing_mm=film.pixel_spacing_mm,
        spacing_source=film.spacing_source or "",
        state=RadiographState.QUEUED if film.pixel_spacing_mm else RadiographState.NEEDS_SPACING,
        uploaded_by=user,
    )


def _keep(radiograph: Radiograph, film: DicomFilm, name: str) -> UploadRecord:
    notes = list(film.warnings)
    if film.pixel_spacing_mm is None and not any(code == "spacing_implausible" for code, _ in notes):
        notes.insert(0, NO_SPACING)
    if _supersede(radiograph):
        notes.append(REPLACED)
    if radiograph.state == RadiographState.QUEUED:
        send_on_commit(LOCATE_JOINTS, radiograph.uuid)
    code, message = notes[0] if notes else ("accepted", "Accepted.")
    return UploadRecord.objects.create(
        timepoint=radiograph.timepoint,
        uploaded_by=radiograph.uploaded_by,
        file_name=name,
        verdict=Verdict.ACCEPTED_WITH_WARNING if notes else Verdict.ACCEPTED,
        code=code,
        message=message,
        warnings=[list(note) for note in notes[1:]],
        radiograph=radiograph,
    )


def _supersede(radiograph: Radiograph) -> bool:
    """Save ``radiograph`` in the place of what it replaces. Raises ``DicomRejected`` for a duplicate.

    Returns whether it replaces a film of the same hand. A film filed under the wrong hand gives way to
    itself.
    """
    timepoint = Timepoint.objects.select_for_update().get(pk=radiograph.timepoint_id)
    same_pixels = Radiograph.objects.filter(study_id=timepoint.patient.study_id, sha256=radiograph.sha256)
    misfiled = same_pixels.filter(timepoint=timepoint, current=True, failure_code="laterality_mismatch")
    misfiled = misfiled.exclude(laterality=radiograph.laterality)
    put_back = same_pixels.filter(timepoint=timepoint, current=False)
    other = same_pixels.exclude(pk__in=misfiled).exclude(pk__in=put_back).first()
    if other:
        raise DicomRejected("duplicate", _where(other, radiograph.uploaded_by))
    slot = Radiograph.objects.filter(timepoint=timepoint, laterality=radiograph.laterality, current=True)
    replaced = list(slot) + list(misfiled)
    Radiograph.objects.filter(pk__in=[old.pk for old in replaced]).update(current=False)
    radiograph.save()
    Radiograph.objects.filter(pk__in=[old.pk for old in replaced]).update(superseded_by=radiograph)
    return any(old.laterality == radiograph.laterality for old in replaced)


def _where(other: Radiograph, user: User) -> str:
    if not allowed(user, Action.VIEW, other):
        return "This image is in the study already. Check that you chose the right file."
    place = f"{other.timepoint.patient} at {other.timepoint}, {other.get_laterality_display()} hand"
    return f"This image is in the study already: {place}. Check that you chose the right file."


def _remove_files(radiograph: Radiograph) -> None:
    for field in (radiograph.file, radiograph.preview):
        if field.name:
            field.storage.delete(field.name)
