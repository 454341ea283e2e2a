"""The way of an uploaded file to a verdict: inspect, settle the hands, look for duplicates, store. One verdict per
file, one radiograph per hand.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import PurePath
from typing import BinaryIO

from django.conf import settings
from django.core.files.base import ContentFile
from django.db import IntegrityError, transaction
from django.utils import translation
from django.utils.translation import gettext_noop as _
from pydicom.dataset import FileDataset

from jsnsite.accounts.models import User
from jsnsite.errors import NotAllowed
from jsnsite.language import NEUTRAL
from jsnsite.measurements import services as measurements
from jsnsite.queue import LOCATE_JOINTS, send_on_commit
from jsnsite.radiographs import deidentify, dicom
from jsnsite.radiographs.dicom import BOTH, DicomFilm, DicomRejected
from jsnsite.radiographs.models import Laterality, Radiograph, RadiographState, UploadRecord, Verdict
from jsnsite.radiographs.preview import preview_png
from jsnsite.scoping import Action, allowed
from jsnsite.studies.models import Timepoint

logger = logging.getLogger(__name__)

NO_SPACING = (
    "no_spacing",
    _("The file does not say how large a pixel is. Enter the pixel spacing in mm; processing waits for it."),
)
BOTH_HANDS = (
    "both_hands",
    _("The film shows both hands: it is filed for the left hand and for the right one."),
)
REPLACED = (
    "replaced",
    _("This film takes the place of the one filed before for this hand; the old one is kept."),
)


@dataclass(frozen=True)
class _Inspected:
    """A film that passed the checks on its own, its de-identified file for each hand it is filed for, and whether it
    is said to show both.
    """

    film: DicomFilm
    stored: dict[str, bytes]
    preview: bytes
    shows_both: bool


@translation.override(NEUTRAL)
def receive(
    *, file: BinaryIO, name: str, timepoint: Timepoint, laterality: str | None, user: User
) -> UploadRecord:
    """Take in one uploaded file for ``timepoint``; ``laterality`` is "L", "R", "B" for both hands on one film, or None
    to believe the file. A film of both hands becomes one radiograph for each.

    Returns the verdict's row whatever the file is, in the language of the record (``pages.sentences``). Raises
    ``NotAllowed`` where ``user`` may not upload there. Processing is scheduled on commit.
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
    hands = _settle_hands(film, chosen)
    stored = {
        hand: deidentify.deidentify(
            dataset,
            pseudonym=timepoint.patient.code,
            laterality=hand,
            body_part=film.body_part,
            salt=settings.JSN_UID_SALT,
        )
        for hand in hands
    }
    return _Inspected(film, stored, preview_png(film.pixels), BOTH in (film.laterality, chosen))


def _settle_hands(film: DicomFilm, chosen: str | None) -> list[str]:
    """The hands that the film is to be filed for."""
    if chosen is not None and chosen not in (*Laterality.values, BOTH):
        raise DicomRejected("laterality_unknown", "Choose left hand, right hand or both.")
    if chosen and film.laterality and film.laterality not in (BOTH, chosen):
        said = (
            f"Filed as {_in_words(chosen)}, but it says {_in_words(film.laterality)}. "
            "File it as that, or have the file corrected."
        )
        raise DicomRejected("laterality_conflict", said)
    hand = chosen or film.laterality
    if not hand:
        raise DicomRejected(
            "laterality_missing",
            "The file does not say which hand it shows. Choose left, right or both hands and upload it again.",
        )
    return list(Laterality.values) if hand == BOTH else [hand]


def _in_words(laterality: str) -> str:
    return "both hands" if laterality == BOTH else f"{Laterality(laterality).label} hand"


def _file(inspected: _Inspected, name: str, timepoint: Timepoint, user: User) -> UploadRecord:
    """Store the film and its rows. Files already written are removed where the rows cannot be kept."""
    radiographs = [
        _radiograph(inspected.film, hand, timepoint, user)
        for hand in _hands_without(inspected, timepoint) or inspected.stored
    ]
    try:
        for radiograph in radiographs:
            radiograph.file.save("", ContentFile(inspected.stored[radiograph.laterality]), save=False)
            radiograph.preview.save("", ContentFile(inspected.preview), save=False)
        with transaction.atomic():
            return _keep(radiographs, inspected, name)
    except OSError as error:
        _remove_files(radiographs)
        logger.exception("an upload could not be stored")
        raise DicomRejected("not_stored", "The server could not store the file. Try again later.") from error
    except IntegrityError as error:
        _remove_files(radiographs)
        # Another upload of the same film, or of this hand, came in between.
        raise DicomRejected(
            "duplicate", "The same film, or another of this hand, was uploaded at this moment. Look again."
        ) from error
    except BaseException:
        _remove_files(radiographs)
        raise


def _hands_without(inspected: _Inspected, timepoint: Timepoint) -> list[str]:
    """The hands of a film that are not filed with it at this timepoint already."""
    filed = Radiograph.objects.filter(timepoint=timepoint, sha256=inspected.film.sha256, current=True)
    return [hand for hand in inspected.stored if hand not in set(filed.values_list("laterality", flat=True))]


def _radiograph(film: DicomFilm, hand: str, timepoint: Timepoint, user: User) -> Radiograph:
    return Radiograph(
        timepoint=timepoint,
        laterality=hand,
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


def _keep(radiographs: list[Radiograph], inspected: _Inspected, name: str) -> UploadRecord:
    film = inspected.film
    notes = list(film.warnings)
    if film.pixel_spacing_mm is None and not any(code == "spacing_implausible" for code, _words in notes):
        notes.insert(0, NO_SPACING)
    replaces = [_supersede(radiograph, inspected.shows_both) for radiograph in radiographs]
    if any(replaces):
        notes.append(REPLACED)
    # what a replaced film, or a later baseline, took part in counts no more
    measurements.refresh_trends(radiographs[0].timepoint.patient)
    for radiograph in radiographs:
        if radiograph.state == RadiographState.QUEUED:
            send_on_commit(LOCATE_JOINTS, radiograph.uuid)
    verdict = Verdict.ACCEPTED_WITH_WARNING if notes else Verdict.ACCEPTED
    if len(radiographs) > 1:
        notes.append(BOTH_HANDS)
    code, message = notes[0] if notes else ("accepted", "Accepted.")
    return UploadRecord.objects.create(
        timepoint=radiographs[0].timepoint,
        uploaded_by=radiographs[0].uploaded_by,
        file_name=name,
        verdict=verdict,
        code=code,
        message=message,
        warnings=[list(note) for note in notes[1:]],
        radiograph=radiographs[0],
    )


def _supersede(radiograph: Radiograph, shows_both: bool) -> bool:
    """Save ``radiograph`` in the place of what it replaces. Raises ``DicomRejected`` for a duplicate.

    Returns whether it replaces a film of the same hand. A film filed under the wrong hand gives way to
    itself; one that shows both hands may stand for each of them.
    """
    timepoint = Timepoint.objects.select_for_update().get(pk=radiograph.timepoint_id)
    same_pixels = Radiograph.objects.filter(study_id=timepoint.patient.study_id, sha256=radiograph.sha256)
    other_hand = same_pixels.filter(timepoint=timepoint, current=True)
    other_hand = other_hand.exclude(laterality=radiograph.laterality)
    misfiled = (
        Radiograph.objects.none() if shows_both else other_hand.filter(failure_code="laterality_mismatch")
    )
    allowed_twice = other_hand if shows_both else misfiled
    put_back = same_pixels.filter(timepoint=timepoint, current=False)
    other = same_pixels.exclude(pk__in=allowed_twice).exclude(pk__in=put_back).first()
    if other:
        raise DicomRejected("duplicate", _where(other, radiograph))
    slot = Radiograph.objects.filter(timepoint=timepoint, laterality=radiograph.laterality, current=True)
    replaced = list(slot) + list(misfiled)
    Radiograph.objects.filter(pk__in=[old.pk for old in replaced]).update(current=False)
    radiograph.save()
    Radiograph.objects.filter(pk__in=[old.pk for old in replaced]).update(superseded_by=radiograph)
    return any(old.laterality == radiograph.laterality for old in replaced)


def _where(other: Radiograph, radiograph: Radiograph) -> str:
    if not allowed(radiograph.uploaded_by, Action.VIEW, other):
        return _("This image is in the study already. Check that you chose the right file.")
    place = f"{other.timepoint.patient} at {other.timepoint}, {other.get_laterality_display()} hand"
    is_twin = other.timepoint_id == radiograph.timepoint_id and other.laterality != radiograph.laterality
    way_out = (
        "If it shows both hands, upload it as both." if is_twin else "Check that you chose the right file."
    )
    return f"This image is in the study already: {place}. {way_out}"


def _remove_files(radiographs: list[Radiograph]) -> None:
    for radiograph in radiographs:
        for field in (radiograph.file, radiograph.preview):
            if field.name:
                field.storage.delete(field.name)
