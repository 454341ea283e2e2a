"""What the page of a whole film shows: its joints with their results, and everything that people have corrected."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from math import hypot

from django.db.models import Q
from django.utils.translation import gettext as _

from jsnsite.accounts.models import User
from jsnsite.measurements import queries as measurement_queries
from jsnsite.measurements.models import JointMeasurement, Run, RunState
from jsnsite.pages.words import as_written, signed_mm, unsigned_mm
from jsnsite.radiographs import queries
from jsnsite.radiographs.models import (
    AnnotationSource,
    Bone,
    BoneOutline,
    CorrectionKind,
    FilmCorrection,
    JointAnnotation,
    Laterality,
    Radiograph,
)
from jsnsite.scoping import Person

ACTIVE = (RunState.QUEUED, RunState.RUNNING)
STANDINGS = ("counts", "between", "earlier")


@dataclass(frozen=True)
class Result:
    """A result from this film; it ``counts``, is ``between`` follow-ups, or is an ``earlier`` one of its pair."""

    row: JointMeasurement
    standing: str


@dataclass
class FilmJoint:
    """One joint of the study on this film. ``annotation`` is None where it has not been found or placed."""

    joint: str
    annotation: JointAnnotation | None
    outlines: dict[str, BoneOutline] = field(default_factory=dict)
    #: Every result from this film, newest first, and the keys of those that count.
    results: list[JointMeasurement] = field(default_factory=list)
    current: set[int] = field(default_factory=set)
    pending: int = 0
    #: Whether to tell what readers have flagged.
    show_flags: bool = True

    @property
    def leading(self) -> JointMeasurement | None:
        """The result that counts, to the latest follow-up."""
        counting = [row for row in self.results if row.pk in self.current]
        return max(counting, key=lambda row: row.run.followup.timepoint.ordinal, default=None)

    @property
    def listed(self) -> list[Result]:
        """Every result with what it is worth, newest first; an earlier one of a pair stays in the list."""
        newest: set[tuple[int, int]] = set()
        listed = []
        for row in sorted(self.results, key=lambda row: row.run.attempt, reverse=True):
            pair = (row.run.baseline_id, row.run.followup_id)
            standing = "counts" if row.pk in self.current else "earlier" if pair in newest else "between"
            newest.add(pair)
            listed.append(Result(row, standing))
        return sorted(listed, key=lambda each: STANDINGS.index(each.standing))

    @property
    def by_person(self) -> bool:
        return self.annotation is not None and self.annotation.source == AnnotationSource.PERSON

    @property
    def status(self) -> str:
        """A reliability, ``measuring`` or ``none``."""
        if self.pending:
            return "measuring"
        leading = self.leading
        if leading is None:
            return "none"
        flagged = self.show_flags and leading.flagged  # type: ignore[attr-defined]
        return "flagged" if flagged else leading.reliability


@dataclass(frozen=True)
class Correction:
    """One line of the history: who changed what, and when."""

    when: datetime.datetime
    who: User
    what: str
    detail: str = ""


def film_joints(user: Person, radiograph: Radiograph, *, show_flags: bool = True) -> list[FilmJoint]:
    """The study's joints on this film, in the study's order. A constant number of queries.

    Without ``show_flags``, as for an independent reader, nothing tells what others have flagged.
    """
    placed = queries.annotations_of(radiograph)
    joints = {
        joint: FilmJoint(joint, placed.get(joint), show_flags=show_flags) for joint in radiograph.study.joints
    }
    for outline in BoneOutline.objects.filter(radiograph=radiograph, joint__in=joints).counting():
        joints[outline.joint].outlines[outline.bone] = outline
    with_film = Q(run__baseline=radiograph) | Q(run__followup=radiograph)
    found = measurement_queries.measurements(user).filter(with_film, joint__in=joints)
    for row in found.order_by("-run__finished_at", "-run__attempt"):
        joints[row.joint].results.append(row)
    for joint, pk in found.current().order_by().values_list("joint", "pk"):
        joints[joint].current.add(pk)
    films = Q(baseline=radiograph) | Q(followup=radiograph)
    for run in Run.objects.restrict(user).filter(films, state__in=ACTIVE).select_related("baseline__study"):
        for joint in run.joints:
            if joint in joints:
                joints[joint].pending += 1
    return list(joints.values())


def corrections_of(radiograph: Radiograph) -> list[Correction]:
    """What people have corrected on this film, newest first, under whichever hand it was filed."""
    same_film = _as_filed_before(radiograph)
    rows: list[Correction] = []
    for correction in FilmCorrection.objects.filter(radiograph__in=same_film).select_related("created_by"):
        rows.append(_film_line(correction))
    versions: dict[tuple[int, str], list[JointAnnotation]] = defaultdict(list)
    placed = JointAnnotation.objects.filter(radiograph__in=same_film).select_related("created_by")
    for annotation in placed.order_by("version"):
        versions[annotation.radiograph_id, annotation.joint].append(annotation)
    for history in versions.values():
        rows += _joint_lines(history, radiograph.pixel_spacing_mm)
    for outline in BoneOutline.objects.filter(radiograph__in=same_film).select_related("created_by"):
        rows.append(_outline_line(outline))
    return sorted(rows, key=lambda row: row.when, reverse=True)


def films_of_hand(user: Person, radiograph: Radiograph) -> list[Radiograph]:
    """Current films of the same hand, in order of time."""
    hand = queries.radiographs(user).filter(
        current=True,
        timepoint__patient=radiograph.timepoint.patient_id,
        laterality=radiograph.laterality,
    )
    return list(hand.order_by("timepoint__ordinal"))


def _as_filed_before(radiograph: Radiograph) -> list[int]:
    """This film and the ones that it took the place of when it was filed under another hand."""
    keys, newest = [radiograph.pk], [radiograph.pk]
    while newest:
        before = Radiograph.objects.filter(superseded_by__in=newest, sha256=radiograph.sha256)
        newest = list(before.exclude(pk__in=keys).values_list("pk", flat=True))
        keys += newest
    return keys


def _film_line(correction: FilmCorrection) -> Correction:
    if correction.kind == CorrectionKind.LATERALITY:
        after = str(Laterality(correction.after).label)
        if correction.before == correction.after:
            what = _("Confirmed as %(side)s hand") % {"side": after}
        else:
            before = str(Laterality(correction.before).label)
            what = _("Filed as %(after)s hand instead of %(before)s") % {"after": after, "before": before}
    elif correction.before:
        what = _("Pixel spacing %(after)s mm instead of %(before)s mm") % {
            "after": as_written(correction.after),
            "before": as_written(correction.before),
        }
    else:
        what = _("Pixel spacing %(after)s mm") % {"after": as_written(correction.after)}
    return Correction(correction.created_at, correction.created_by, what, correction.note)


def _joint_lines(history: list[JointAnnotation], spacing_mm: float | None) -> Iterable[Correction]:
    if history and history[0].created_by is not None:
        first = history[0]
        yield Correction(
            first.created_at, history[0].created_by, _("%(joint)s placed") % {"joint": first.joint}
        )
    for before, after in pairwise(history):
        if after.created_by is None:
            continue
        what = _("%(joint)s corrected, version %(version)s") % {
            "joint": after.joint,
            "version": after.version,
        }
        yield Correction(after.created_at, after.created_by, what, _change(before, after, spacing_mm))


def _change(before: JointAnnotation, after: JointAnnotation, spacing_mm: float | None) -> str:
    moved = hypot(after.x_px - before.x_px, after.y_px - before.y_px) * (spacing_mm or 0)
    turned = (after.angle_deg - before.angle_deg + 180) % 360 - 180
    size_mm = after.size_px * (spacing_mm or 0)
    parts = []
    if moved >= 0.05:
        parts.append(_("moved %(mm)s mm") % {"mm": unsigned_mm(moved, 1)})
    if abs(turned) >= 0.05:
        parts.append(_("turned %(degrees)s°") % {"degrees": signed_mm(turned, 1)})
    if abs(after.size_px / before.size_px - 1) >= 0.002:
        parts.append(_("now %(mm)s mm wide") % {"mm": unsigned_mm(size_mm, 1)})
    return ", ".join(parts)


def _outline_line(outline: BoneOutline) -> Correction:
    bone = str(Bone(outline.bone).label)
    words = {"joint": outline.joint, "bone": bone, "version": outline.version}
    if outline.polygon:
        what = _("%(joint)s: outline of the %(bone)s drawn, version %(version)s") % words
    else:
        what = _("%(joint)s: outline of the %(bone)s given back to the model") % words
    return Correction(outline.created_at, outline.created_by, what)
