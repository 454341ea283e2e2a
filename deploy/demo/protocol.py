"""The demo study on paper: who is seen where and when, what happens to their joints, how films are taken.

Everything follows from fixed seeds, so a start that was interrupted goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import numpy as np

Laterality = Literal["L", "R"]
SpacingTag = Literal["both", "ImagerPixelSpacing"]

STUDY_CODE = "demo"
STUDY_NAME = "Joint space narrowing in early arthritis (simulated demonstration study)"
JOINTS = ("MCP1", "MCP2", "MCP3", "MCP4", "MCP5", "IP1", "PIP2", "PIP3", "PIP4", "PIP5")
MONTHS = (0, 6, 12, 24)
MOST_NARROWING_MM = 0.6


@dataclass(frozen=True)
class SitePlan:
    """A hospital. ``planned``: patients it is to recruit; ``inverted``: its machine stores MONOCHROME1."""

    code: str
    name: str
    planned: int
    inverted: bool = False


@dataclass(frozen=True)
class PatientPlan:
    """A patient. ``visits``: how many of ``MONTHS``; ``activity``: share of joints that narrow.

    ``difficult``: hands that can not be laid flat, and underexposed films. ``detector_spacing_at``: visit
    whose films give the spacing at the detector only.
    """

    site: SitePlan
    code: str
    seed: int
    visits: int
    first_visit: date
    activity: float
    difficult: bool = False
    detector_spacing_at: int | None = None


@dataclass(frozen=True)
class FilmPlan:
    """One film: when, with which narrowing since baseline (mm by joint), and how it is taken."""

    ordinal: int
    date: date
    label: str
    jsn_mm: dict[str, float]
    seed: int
    inverted: bool
    difficult: bool
    spacing_tag: SpacingTag


@dataclass(frozen=True)
class SeriesPlan:
    """All films of one hand of a patient, baseline first."""

    patient: PatientPlan
    laterality: Laterality
    films: tuple[FilmPlan, ...]

    @property
    def key(self) -> str:
        """Name of the series in files."""
        return f"{self.patient.code}-{self.laterality}"


_NORTH = SitePlan("north", "Northern Rheumatology Centre", planned=6)
_COAST = SitePlan("coast", "Coast University Hospital", planned=4)
_HILL = SitePlan("hill", "Hillside Clinic", planned=2, inverted=True)
SITES = (_NORTH, _COAST, _HILL)

PATIENTS = (
    PatientPlan(_NORTH, "N-101", 101, 4, date(2023, 2, 14), activity=0.4),
    PatientPlan(_NORTH, "N-102", 102, 3, date(2023, 5, 3), activity=0.1),
    PatientPlan(_NORTH, "N-103", 103, 4, date(2023, 9, 19), activity=0.2),
    PatientPlan(_COAST, "C-201", 201, 4, date(2023, 3, 8), activity=0.3),
    PatientPlan(_COAST, "C-202", 202, 3, date(2023, 6, 27), activity=0.2, detector_spacing_at=2),
    PatientPlan(_COAST, "C-203", 203, 3, date(2024, 1, 16), activity=0.2, difficult=True),
    PatientPlan(_HILL, "H-301", 301, 4, date(2023, 4, 12), activity=0.5),
    PatientPlan(_HILL, "H-302", 302, 3, date(2023, 11, 22), activity=0.0),
)


def timepoints(patient: PatientPlan) -> list[tuple[int, date, str]]:
    """Ordinal, date and label of a patient's visits: as planned, give or take a few days."""
    rng = np.random.default_rng([patient.seed, 0xDA])
    visits = []
    for ordinal, month in enumerate(MONTHS[: patient.visits]):
        late = int(rng.integers(-9, 13)) if ordinal else 0
        day = patient.first_visit + timedelta(days=round(month * 30.44) + late)
        visits.append((ordinal, day, f"month {month}" if month else "baseline"))
    return visits


def series(patients: tuple[PatientPlan, ...] = PATIENTS) -> Iterator[SeriesPlan]:
    """Every hand of every patient."""
    for patient in patients:
        for side in ("L", "R"):
            yield _hand(patient, side)


def _hand(patient: PatientPlan, laterality: Laterality) -> SeriesPlan:
    rng = np.random.default_rng([patient.seed, ord(laterality)])
    active = rng.random(len(JOINTS)) < patient.activity
    mm_per_year = np.where(active, rng.uniform(0.08, 0.4, len(JOINTS)), 0.0)
    films = []
    for ordinal, day, label in timepoints(patient):
        years = (day - patient.first_visit).days / 365.25
        narrowing = np.minimum(mm_per_year * years, MOST_NARROWING_MM)
        films.append(
            FilmPlan(
                ordinal=ordinal,
                date=day,
                label=label,
                jsn_mm={joint: float(mm) for joint, mm in zip(JOINTS, narrowing, strict=True) if mm},
                seed=int(rng.integers(2**31)),
                inverted=patient.site.inverted,
                difficult=patient.difficult,
                spacing_tag="ImagerPixelSpacing" if ordinal == patient.detector_spacing_at else "both",
            )
        )
    return SeriesPlan(patient, laterality, tuple(films))
