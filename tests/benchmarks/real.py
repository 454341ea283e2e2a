"""Real films of ``../shared/data``: read where they lie, never copied."""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from jsnsite.radiographs.dicom import DicomRejected, read_dicom
from tests.benchmarks.cases import Case
from tests.benchmarks.settings import DATA
from workers.pipeline.types import BoolArray, FloatArray

#: A fair guess: the series carry none.
SERIES_SPACING_MM = 0.087
PHANTOM_SPACING_MM = {"RadiographyAir": 0.15, "TomosynthesisAir": 0.26}
#: The space widens from 1.20 to 1.70 mm.
PHANTOM_JSN_MM = -0.50


@dataclass(frozen=True)
class Series:
    """Repeat films of one joint: ROIs (256, 256), and masks (upper, lower) of each."""

    name: str
    rois: list[FloatArray]
    masks: list[tuple[BoolArray, BoolArray]]


@dataclass(frozen=True)
class RealHand:
    """A film, and the joints on it that somebody has marked: (x, y) px; empty where nobody has."""

    name: str
    pixels: FloatArray
    joints: dict[str, tuple[float, float]]


def grey(file: Path) -> FloatArray:
    return np.asarray(Image.open(file).convert("F"), np.float32)


def repeat_films() -> list[Series]:
    """All series, sorted by folder."""
    found = []
    for folder in sorted((DATA / "clinical_mcp_series").iterdir()):
        films = sorted(folder.glob("*.jpg"))
        masks = [
            (
                grey(film.with_name(f"{film.stem}_upper.png")) > 0,
                grey(film.with_name(f"{film.stem}_lower.png")) > 0,
            )
            for film in films
        ]
        found.append(Series(folder.name, [grey(film) for film in films], masks))
    return found


def physical_phantom(kind: str) -> Case:
    """Both films, and the one segmentation there is; on the second film the lower bone's is moved with it.

    In the file 1 is the upper bone and 0 the lower one, other than the data's own description says.
    """
    folder = DATA / "physical_phantom" / kind
    labels = np.asarray(Image.open(folder / "segmentation.png"))
    masks = (np.asarray(labels == 1), np.asarray(labels == 0))
    rois = grey(folder / "1.20mm.png"), grey(folder / "1.70mm.png")
    down_px = round(-PHANTOM_JSN_MM / PHANTOM_SPACING_MM[kind])
    moved = np.roll(masks[1], down_px, axis=0)
    moved[:down_px] = False
    return Case(f"phantom {kind}", kind, *rois, masks, (masks[0], moved), PHANTOM_JSN_MM)


def halved(case: Case) -> Case:
    """The case at half the resolution: the series' films are enlarged about twofold, and hold no more than this."""
    fixed, moving = (
        np.asarray(roi.reshape(roi.shape[0] // 2, 2, -1, 2).mean(axis=(1, 3)), np.float32)
        for roi in (case.fixed, case.moving)
    )
    before, after = (
        (upper[::2, ::2], lower[::2, ::2]) for upper, lower in (case.fixed_masks, case.moving_masks)
    )
    return replace(case, fixed=fixed, moving=moving, fixed_masks=before, moving_masks=after)


def hands() -> list[RealHand]:
    marked: dict[str, dict[str, tuple[float, float]]] = {}
    with (DATA / "hands/joints.csv").open() as file:
        for line in csv.DictReader(file):
            marked.setdefault(line["file"], {})[line["joint"]] = (float(line["x"]), float(line["y"]))
    return [
        RealHand(file.name, grey(file), marked.get(file.name, {}))
        for file in sorted((DATA / "hands").glob("*.png"))
    ]


def other_body_parts() -> list[tuple[str, FloatArray]]:
    """Films that show no hand, read as the intake reads them: bone bright."""
    found = []
    for file in sorted((DATA / "dicom").glob("*.dcm")):
        try:
            found.append((file.name, read_dicom(file).pixels))
        except DicomRejected as refusal:
            if refusal.code != "not_projection_xray":  # such a file never comes as far as the locator
                raise
    return found
