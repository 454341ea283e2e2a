"""Soft tissue: a smooth envelope of the skeleton, as thickness along the beam."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RectBivariateSpline
from scipy.ndimage import gaussian_filter

from .camera import Camera
from .joints import far_end
from .skeleton import RAYS, Placement, metacarpal_base
from .subject import SoftTissue, Subject

Floats = NDArray[np.float64]

_GRID_MM = 1.2
_MARGIN = 8  # grid points beyond the film, where smoothing has not settled
_BLEND_MM2 = 30.0  # how softly neighbouring tubes run into one another
_GIRTH: Mapping[int, float] = {1: 1.12, 2: 1.0, 3: 1.02, 4: 0.96, 5: 0.86}


@dataclass(frozen=True)
class Tube:
    """An elliptical tube between two points on the film (mm): half-width and thickness at either end."""

    start: Floats
    end: Floats
    half_width: tuple[float, float]
    thickness: tuple[float, float]

    def squared_thickness(self, x: Floats, y: Floats) -> Floats:
        """thickness^2 inside, falling through 0 at the tube's edge, negative outside; smooth everywhere (mm^2)."""
        run = self.end - self.start
        along = ((x - self.start[0]) * run[0] + (y - self.start[1]) * run[1]) / (run @ run)
        along = np.clip(along, 0.0, 1.0)
        distance2 = (x - self.start[0] - along * run[0]) ** 2 + (y - self.start[1] - along * run[1]) ** 2
        half_width = self.half_width[0] + along * (self.half_width[1] - self.half_width[0])
        thickness = self.thickness[0] + along * (self.thickness[1] - self.thickness[0])
        return thickness**2 * (1.0 - distance2 / half_width**2)


def soft_tissue(subject: Subject, placed: Mapping[str, Placement], camera: Camera) -> NDArray[np.float32]:
    """Thickness of the whole hand, skin to skin, mm, (H, W) float32."""
    all_rows, all_columns = (np.arange(length, dtype=np.float64) for length in camera.shape)
    across, down = camera.on_detector(all_columns, all_rows)
    # The grid lies still in the film frame, so that a part of a film shows what the whole film does.
    columns, rows = _grid(across), _grid(down)
    x, y = np.meshgrid(columns, rows)
    tubes = _tubes(subject, placed, camera)
    stack = np.stack([tube.squared_thickness(x, y) for tube in tubes])
    peak = stack.max(axis=0)
    merged = peak + _BLEND_MM2 * np.log(np.exp(np.maximum((stack - peak) / _BLEND_MM2, -50.0)).sum(axis=0))
    merged = gaussian_filter(np.maximum(merged, -400.0), 1.6 / _GRID_MM)
    squared = RectBivariateSpline(rows, columns, merged, kx=3, ky=3)(down, across)
    muscle = RectBivariateSpline(
        rows, columns, _muscle(subject.soft_tissue, placed, camera, x, y), kx=3, ky=3
    )(down, across)
    return (np.sqrt(np.maximum(squared, 0.0)) * muscle).astype(np.float32)


def _grid(along_mm: Floats) -> Floats:
    first, last = np.floor(along_mm[0] / _GRID_MM) - _MARGIN, np.ceil(along_mm[-1] / _GRID_MM) + _MARGIN
    return np.arange(first, last + 1.0) * _GRID_MM


def _muscle(
    tissue: SoftTissue,
    placed: Mapping[str, Placement],
    camera: Camera,
    x: Floats,
    y: Floats,
) -> Floats:
    """Uneven density of muscle and fat, a factor about 1; it lies still in the frame of the hand."""
    rng = np.random.default_rng(tissue.texture_seed)
    hand = placed["3mc"]
    origin = np.array(camera.on_detector(*camera.project(hand.position)))
    # Nearly a rotation (and mirror): the metacarpal lies in the film's plane.
    inward = hand.rotation[:2, :2].T
    local = np.stack([x - origin[0], y - origin[1]], axis=-1) @ inward.T
    factor = np.ones_like(x)
    for _ in range(14):
        direction = rng.uniform(0, np.pi)
        wave = 2 * np.pi / rng.uniform(6.0, 35.0)
        phase = local[..., 0] * np.cos(direction) * wave + local[..., 1] * np.sin(direction) * wave * 0.5
        factor += rng.uniform(0.004, 0.016) * np.sin(phase + rng.uniform(0, 2 * np.pi))
    return factor


def _tubes(subject: Subject, placed: Mapping[str, Placement], camera: Camera) -> list[Tube]:
    tissue, size = subject.soft_tissue, subject.scale
    width, thick, palm = (
        tissue.finger_half_width_mm,
        tissue.finger_thickness_mm,
        tissue.palm_thickness_mm,
    )

    def film(bone: str, point: Floats) -> Floats:
        return np.array(camera.on_detector(*camera.project(placed[bone](point))))

    def centre(joint: str) -> Floats:
        anatomy = subject.joints[joint]
        upper = film(anatomy.upper_bone, anatomy.upper_point)
        return np.asarray(0.5 * (upper + film(anatomy.lower_bone, anatomy.lower_point)))

    tubes: list[Tube] = []
    bases, knuckles = {}, {}
    for ray, bones in RAYS.items():
        girth = _GIRTH[ray]
        bases[ray] = film(bones[0], metacarpal_base(bones[0]) * size)
        knuckles[ray] = centre(f"MCP{ray}")
        names = ["IP1"] if ray == 1 else [f"PIP{ray}", f"DIP{ray}"]
        end = far_end(subject.bones[bones[-1]])
        tip = film(bones[-1], end + 1.2 * size * subject.bones[bones[-1]].basis[1])
        stations = [knuckles[ray], *map(centre, names), tip]
        widths = [1.12, 1.0, 0.80] if ray == 1 else [1.12, 1.04, 0.92, 0.74]
        depths = [1.25, 1.0, 0.72] if ray == 1 else [1.2, 1.0, 0.86, 0.66]
        for i in range(len(stations) - 1):
            half = (girth * width * widths[i], girth * width * widths[i + 1])
            tubes.append(
                Tube(
                    stations[i],
                    stations[i + 1],
                    half,
                    (thick * depths[i], thick * depths[i + 1]),
                )
            )
    for ray in (2, 3, 4, 5):  # the palm reaches over the knuckles to the webs
        web = knuckles[ray] + 0.33 * (centre(f"PIP{ray}") - knuckles[ray])
        tubes.append(
            Tube(
                bases[ray],
                knuckles[ray],
                (13.5 * size, 12.5 * size),
                (palm, 0.92 * palm),
            )
        )
        tubes.append(
            Tube(
                knuckles[ray],
                web,
                (12.5 * size, 10.4 * size),
                (0.92 * palm, 0.62 * palm),
            )
        )
    tubes.append(
        Tube(
            bases[1],
            knuckles[1],
            (14.5 * size, 11.5 * size),
            (1.05 * palm, 0.85 * palm),
        )
    )
    for share, thickness in (
        (0.35, 1.0),
        (0.6, 0.85),
        (0.85, 0.6),
    ):  # the thenar muscles and the thumb's web
        thumb = bases[1] + share * (knuckles[1] - bases[1])
        index = bases[2] + share * (knuckles[2] - bases[2])
        tubes.append(Tube(thumb, index, (11.0 * size, 13.0 * size), (thickness * palm, palm)))
    wrist = 0.5 * (
        film("radius", far_end(subject.bones["radius"])) + film("ulna", far_end(subject.bones["ulna"]))
    )
    up = film("lunate", np.array([0.0, 40.0, 0.0]) * size) - film("lunate", np.zeros(3))
    middle = np.mean([bases[ray] for ray in (2, 3, 4, 5)], axis=0)
    tubes.append(Tube(middle, wrist, (27.0 * size, 27.0 * size), (1.15 * palm, 1.35 * palm)))
    tubes.append(
        Tube(
            wrist,
            wrist + 3.0 * up,
            (27.0 * size, 36.0 * size),
            (1.35 * palm, 1.8 * palm),
        )
    )
    return tubes
