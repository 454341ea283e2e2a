"""What a person says about a film that its file does not say, or says wrongly: pixel spacing and side."""

from __future__ import annotations

from io import BytesIO

from django.core.files.base import ContentFile
from django.db import IntegrityError, transaction

from jsnsite.accounts.models import User
from jsnsite.errors import DomainError
from jsnsite.measurements import services as measurements
from jsnsite.radiographs import deidentify, dicom
from jsnsite.radiographs.models import (
    AnnotationSource,
    BoneOutline,
    CorrectionKind,
    FilmCorrection,
    JointAnnotation,
    Laterality,
    Radiograph,
    RadiographState,
    SpacingSource,
)
from jsnsite.radiographs.steps import ready, requeue, require
from jsnsite.scoping import Action

#: Where a spacing may come from that a person enters.
ENTERED_SOURCES = (SpacingSource.ENTERED, SpacingSource.CALIBRATED)

_IN_WORK = (RadiographState.QUEUED, RadiographState.LOCATING)


@transaction.atomic
def set_spacing(
    *,
    radiograph: Radiograph,
    pixel_spacing_mm: float,
    user: User,
    source: str = SpacingSource.ENTERED,
    note: str = "",
) -> Radiograph:
    """Enter the pixel spacing of a film that came without, or correct one that a person has entered.

    Every pair with this film is measured with the new number. Where the joints are in pixels does not depend on it, so
    they are located only where that has not been done.
    """
    require(user, Action.UPLOAD, radiograph)
    low, high = dicom.SPACING_RANGE_MM
    if not low <= pixel_spacing_mm <= high:
        raise DomainError(
            "spacing_range",
            "Pixel spacing of a hand radiograph lies between %(low)s and %(high)s mm.",
            low=low,
            high=high,
        )
    if source not in ENTERED_SOURCES:
        raise DomainError("spacing_source", "Say where the number comes from.")
    radiograph = Radiograph.objects.select_for_update(no_key=True).get(pk=radiograph.pk)
    if not may_enter_spacing(radiograph):
        raise DomainError("spacing_known", "This film has its pixel spacing already.")
    before = "" if radiograph.pixel_spacing_mm is None else repr(radiograph.pixel_spacing_mm)
    radiograph.pixel_spacing_mm = pixel_spacing_mm
    radiograph.spacing_source = source
    _note(radiograph, CorrectionKind.SPACING, before, repr(pixel_spacing_mm), user, note=note)
    if radiograph.state != RadiographState.READY:
        return requeue(radiograph)
    _keep_region_sizes(radiograph, pixel_spacing_mm / float(before))
    return ready(radiograph)


def _keep_region_sizes(radiograph: Radiograph, factor: float) -> None:
    """The locator's regions are of one size in mm: with a pixel ``factor`` times as large they take fewer pixels. What
    a person has placed or drawn in stays as it was seen.
    """
    drawn = BoneOutline.objects.filter(radiograph=radiograph).counting().values("joint")
    newest = JointAnnotation.objects.filter(radiograph=radiograph, source=AnnotationSource.LOCATOR).newest()
    JointAnnotation.objects.bulk_create(
        JointAnnotation(
            radiograph=radiograph,
            joint=old.joint,
            version=old.version + 1,
            x_px=old.x_px,
            y_px=old.y_px,
            angle_deg=old.angle_deg,
            size_px=old.size_px / factor,
            confidence=old.confidence,
            source=old.source,
        )
        for old in newest.exclude(joint__in=drawn)
    )


def may_enter_spacing(radiograph: Radiograph) -> bool:
    """Whether the film's spacing is missing, or came from a person and may be corrected by one."""
    entered = radiograph.spacing_source in ENTERED_SOURCES and radiograph.state not in _IN_WORK
    return radiograph.current and (radiograph.state == RadiographState.NEEDS_SPACING or entered)


@transaction.atomic
def settle_laterality(*, radiograph: Radiograph, laterality: str, user: User) -> Radiograph:
    """A person decides the side of a film whose image looks like the other hand; it is processed again."""
    require(user, Action.UPLOAD, radiograph)
    radiograph = Radiograph.objects.select_for_update(no_key=True).get(pk=radiograph.pk)
    if radiograph.failure_code != "laterality_mismatch" or not radiograph.current:
        raise DomainError("laterality_settled", "The side of this film is not in question.")
    if laterality not in Laterality.values:
        raise DomainError("laterality_unknown", "Choose left or right hand.")
    before = radiograph.laterality
    measured = radiograph.runs_as_baseline.exists() or radiograph.runs_as_followup.exists()
    try:
        with transaction.atomic():
            if measured and laterality != before:
                return _refile([(radiograph, laterality)], user)[0]
            radiograph.laterality = laterality
            radiograph.laterality_settled = True
            _note(radiograph, CorrectionKind.LATERALITY, before, laterality, user)
            return requeue(radiograph)
    except IntegrityError as error:
        raise _taken(laterality) from error


@transaction.atomic
def correct_laterality(*, radiograph: Radiograph, user: User, swap: bool = False) -> Radiograph:
    """File a film under the other hand, because it was filed wrongly; ``swap``: and that hand's film under this one.

    The film as it was filed stays, with all that was measured from it; a copy takes its place on the other side and
    is processed from the start. Returns the copy.
    """
    require(user, Action.UPLOAD, radiograph)
    films = {
        film.laterality: film
        for film in Radiograph.objects.select_for_update(no_key=True).filter(
            timepoint=radiograph.timepoint_id, current=True
        )
    }
    wrong = films.get(radiograph.laterality)
    if wrong is None or wrong.pk != radiograph.pk:
        raise DomainError("radiograph_superseded", "A newer film has taken the place of this one.")
    if any(film.state in _IN_WORK for film in films.values()):
        raise DomainError("radiograph_in_work", "The film is being processed. Try again in a moment.")
    if wrong.failure_code == "laterality_mismatch":
        raise DomainError("laterality_open", "Say first which hand this film shows.")
    other = Laterality.LEFT if wrong.laterality == Laterality.RIGHT else Laterality.RIGHT
    if other in films and not swap:
        raise _taken(other)
    moves = [(wrong, str(other))]
    if other in films:
        moves.append((films[other], wrong.laterality))
    return _refile(moves, user)[0]


def _refile(moves: list[tuple[Radiograph, str]], user: User) -> list[Radiograph]:
    """Put a copy of each film on its new side, in the place of the film as it was."""
    Radiograph.objects.filter(pk__in=[film.pk for film, _ in moves]).update(current=False)
    copies = []
    for film, laterality in moves:
        copy = _copy(film, laterality)
        Radiograph.objects.filter(pk=film.pk).update(superseded_by=copy)
        _note(copy, CorrectionKind.LATERALITY, film.laterality, laterality, user)
        copies.append(requeue(copy) if copy.pixel_spacing_mm else copy)
    # a film without spacing, too, may have left its hand without a baseline or be the other's
    measurements.refresh_trends(moves[0][0].timepoint.patient)
    return copies


def _copy(film: Radiograph, laterality: str) -> Radiograph:
    copied = (
        "timepoint_id", "sha256", "rows", "columns", "bits", "photometric", "manufacturer", "body_part",
        "pixel_spacing_mm", "spacing_source", "uploaded_by_id",
    )  # fmt: skip
    copy = Radiograph(
        laterality=laterality,
        laterality_settled=True,
        state=RadiographState.QUEUED if film.pixel_spacing_mm else RadiographState.NEEDS_SPACING,
        **{name: getattr(film, name) for name in copied},
    )
    with film.file.open("rb") as stored, film.preview.open("rb") as preview:
        relabelled = deidentify.with_laterality(BytesIO(stored.read()), laterality)
        copy.file.save("", ContentFile(relabelled), save=False)
        copy.preview.save("", ContentFile(preview.read()), save=False)
    copy.save()
    return copy


def _note(
    radiograph: Radiograph, kind: CorrectionKind, before: str, after: str, user: User, *, note: str = ""
) -> None:
    FilmCorrection.objects.create(
        radiograph=radiograph, kind=kind, before=before, after=after, note=note, created_by=user
    )


def _taken(laterality: str) -> DomainError:
    return DomainError(
        "laterality_taken",
        "There is a film of the %(side)s hand at this timepoint already.",
        side=Laterality(laterality).label,
    )
