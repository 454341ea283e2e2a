"""Taking the films: phantom radiographs as DICOM, and what is true on them.

No Django: it runs in processes of its own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from io import BytesIO
from multiprocessing import get_context

from deploy.demo.protocol import JOINTS, FilmPlan, SeriesPlan
from model_store.phantom import (
    Exposure,
    Projection,
    expose,
    joint_motion,
    make_exposure,
    make_pose,
    make_subject,
    project,
    write_dicom,
)

_CAREFUL, _DIFFICULT = 0.3, 0.9  # spread of poses between the visits of a patient
_MACHINE_SPREAD, _VISIT_SPREAD = 0.6, 0.4
_UNDEREXPOSED_PHOTONS = 900.0


@dataclass(frozen=True)
class Truth:
    """What a perfect reading of one joint between baseline and one later film would say."""

    patient: str
    laterality: str
    timepoint: int
    joint: str
    jsn_mm: float


@dataclass(frozen=True)
class Series:
    """One hand: a DICOM file for each film of its plan, and the truth about every later film."""

    plan: SeriesPlan
    files: tuple[bytes, ...]
    truth: tuple[Truth, ...]


def take_all(plans: Sequence[SeriesPlan]) -> Iterator[Series]:
    """Take the films of many hands, in parallel but leaving a core to others; each hand when it is done."""
    # spawned, not forked: the caller has open database connections
    with ProcessPoolExecutor(
        max_workers=max(1, (os.cpu_count() or 2) - 1),
        mp_context=get_context("spawn"),
        initializer=os.nice,
        initargs=(5,),
    ) as pool:
        for future in as_completed([pool.submit(take, plan) for plan in plans]):
            yield future.result()


def take(plan: SeriesPlan) -> Series:
    """Take the films of one hand."""
    subject = make_subject(plan.patient.seed, plan.laterality)
    baseline: Projection | None = None
    files, truth = [], []
    for film in plan.films:
        pose = make_pose(film.seed, _DIFFICULT if film.difficult else _CAREFUL)
        projection = project(subject, pose, jsn_mm=film.jsn_mm)
        baseline = baseline or projection
        files.append(_dicom(plan, film, projection))
        if film.ordinal:
            truth += [
                Truth(
                    plan.patient.code,
                    plan.laterality,
                    film.ordinal,
                    joint,
                    round(joint_motion(baseline, projection, joint).jsn_mm, 4),
                )
                for joint in JOINTS
            ]
    return Series(plan, tuple(files), tuple(truth))


def _dicom(plan: SeriesPlan, film: FilmPlan, projection: Projection) -> bytes:
    file = BytesIO()
    write_dicom(
        file,
        expose(projection, _exposure(plan, film), seed=film.seed),
        patient_id=plan.patient.code,
        study_date=film.date,
        spacing_tag=film.spacing_tag,
        institution=plan.patient.site.name,
        uid_entropy=f"{plan.key}-{film.ordinal}",
    )
    return file.getvalue()


def _exposure(plan: SeriesPlan, film: FilmPlan) -> Exposure:
    """The visit's exposure on the site's machine."""
    machine = make_exposure(sum(plan.patient.site.code.encode()), _MACHINE_SPREAD)
    visit = make_exposure(film.seed, _VISIT_SPREAD)
    return replace(
        visit,
        blur_mm=machine.blur_mm,
        focal_spot_mm=machine.focal_spot_mm,
        edge_amount=machine.edge_amount,
        edge_mm=machine.edge_mm,
        sigmoid=machine.sigmoid,
        furniture=replace(
            machine.furniture, ring=None, band=False
        ),  # accidents of one film, not of a machine
        processing=machine.processing,
        photometric="MONOCHROME1" if film.inverted else "MONOCHROME2",
        photons=_UNDEREXPOSED_PHOTONS if film.difficult else visit.photons,
    )
