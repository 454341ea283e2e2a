"""One bone of one subject: its deformed surface, the inner shell that bounds its cortex, and what fills it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from .meshes import Mesh, bone_mesh

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SHEETS = 3  # depths at which the trabecular texture lies


@dataclass(frozen=True)
class Deformation:
    """A smooth map of a bone's frame onto the subject's: stretch (3, 3), then a few long waves (mm)."""

    stretch: Floats
    amplitude: Floats  # (K, 3) mm
    wave: Floats  # (K, 3) radians per mm
    phase: Floats  # (K,)

    def __call__(self, points: Floats) -> Floats:
        return points @ self.stretch.T + np.sin(points @ self.wave.T + self.phase) @ self.amplitude


def random_deformation(
    rng: np.random.Generator,
    axes: tuple[Floats, Floats],
    scales: tuple[float, float, float],
    waviness_mm: float,
) -> Deformation:
    """A map of its own for every bone.

    axes: unit vectors along the bone and across it in the hand's plane. scales: along, across, and through the hand.
    waviness_mm: of the free part, for waves of 18 mm; longer waves are higher, none is shorter than 9 mm.
    """
    along, across = axes
    through = np.cross(along, across)
    stretch = sum(
        scale * np.outer(axis, axis) for scale, axis in zip(scales, (along, across, through), strict=True)
    )
    waves = 6
    wavelength_mm = rng.uniform(9.0, 28.0, waves)
    direction = rng.normal(size=(waves, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    amplitude = rng.normal(size=(waves, 3)) * waviness_mm / np.sqrt(waves) * (wavelength_mm / 18.0)[:, None]
    return Deformation(
        np.asarray(stretch),
        amplitude,
        direction * (2 * np.pi / wavelength_mm)[:, None],
        rng.uniform(0, 2 * np.pi, waves),
    )


@dataclass(frozen=True)
class Marrow:
    """Cancellous bone: cortical-equivalent density along the bone and the seed of its texture."""

    end_density: float
    shaft_density: float
    plate_density: float  # extra, just under the proximal joint surface
    reach_mm: float  # how far from an end the cancellous bone reaches
    contrast: float
    offsets: Floats  # (SHEETS, 3): tile number, and where on the tile, mm
    lean: Floats  # (SHEETS,) how far the trabeculae lean off the bone's axis, as a slope

    def density(self, from_proximal_mm: Floats, from_distal_mm: Floats) -> Floats:
        ends = np.exp(-((from_proximal_mm / self.reach_mm) ** 2)) + np.exp(
            -((from_distal_mm / self.reach_mm) ** 2)
        )
        plate = self.plate_density * np.exp(-np.maximum(from_proximal_mm, 0.0) / 1.8)
        return self.shaft_density + (self.end_density - self.shaft_density) * np.minimum(ends, 1.0) + plate


@dataclass(frozen=True)
class Bone:
    """Vertices in mm in the frame of the chain's bone `carrier`; basis rows: lateral, along (distal), through."""

    name: str
    carrier: str
    outer: Mesh
    inner: Floats  # (N, 3): each vertex of `outer`, moved in by the cortex
    basis: Floats
    proximal_mm: float  # where the bone ends along basis[1]
    distal_mm: float
    depths_mm: Floats  # (SHEETS,) along basis[2]
    marrow: Marrow

    @cached_property
    def sphere(self) -> tuple[Floats, float]:
        """Centre (3,) and radius of a ball that holds the bone, mm, in its frame."""
        middle = 0.5 * (self.outer.vertices.min(axis=0) + self.outer.vertices.max(axis=0))
        return middle, float(np.linalg.norm(self.outer.vertices - middle, axis=1).max())


@dataclass(frozen=True)
class Cortex:
    """Thickness of the cortex, mm: of the shaft as a share of its radius, of ends and joint surfaces."""

    shaft_share: float
    end_mm: float
    base_plate_mm: float
    head_plate_mm: float


@cache
def smoothing(name: str) -> csr_array:
    """One step of averaging over each vertex and its neighbours on a bone's mesh."""
    mesh = bone_mesh(name)
    i = mesh.faces[:, [0, 1, 2, 1, 2, 0]].ravel()
    j = mesh.faces[:, [1, 2, 0, 0, 1, 2]].ravel()
    n = len(mesh.vertices)
    links = csr_array((np.ones(len(i)), (i, j)), shape=(n, n)) + csr_array(
        (np.full(n, 4.0), (np.arange(n), np.arange(n))), shape=(n, n)
    )
    return csr_array(links.multiply(1.0 / links.sum(axis=1)[:, None]))


def make_bone(
    rng: np.random.Generator,
    name: str,
    carrier: str,
    outer: Mesh,
    basis: Floats,
    cortex: Cortex,
    marrow: Marrow,
    tubular: bool,
) -> Bone:
    """Give a surface its cortex (thick along the shaft, thin at the ends, a dense plate under each joint)."""
    normals = outer.normals()
    if not name.startswith("sesamoid"):
        smooth = smoothing(name)
        for _ in range(4):
            normals = smooth @ normals
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    local = outer.vertices @ basis.T
    low, high = float(local[:, 1].min()), float(local[:, 1].max())
    place = (local[:, 1] - low) / (high - low)
    if tubular:
        middle = np.abs(place - 0.52) < 0.12
        centre = local[middle].mean(axis=0)
        radius = float(np.median(np.hypot(local[middle, 0] - centre[0], local[middle, 2] - centre[2])))
        shaft = smoothstep(place, 0.06, 0.40) * smoothstep(1.0 - place, 0.08, 0.40)
        facing = normals @ basis[1]
        base = np.clip(-facing - 0.35, 0, 0.4) / 0.4 * (1 - smoothstep(place, 0.10, 0.22))
        head = np.clip(facing - 0.2, 0, 0.4) / 0.4 * (1 - smoothstep(1 - place, 0.10, 0.25))
        thickness = cortex.end_mm + (cortex.shaft_share * radius - cortex.end_mm) * shaft
        thickness = thickness + base * (cortex.base_plate_mm - cortex.end_mm)
        thickness = thickness + head * (cortex.head_plate_mm - cortex.end_mm)
    else:
        thickness = np.full(len(local), 0.5 * (cortex.end_mm + cortex.head_plate_mm))
    wave = rng.normal(size=(3, 3)) * 0.45
    ripple = np.sin(local @ wave.T + rng.uniform(0, 6.3, 3)).sum(axis=1)
    thickness = np.maximum(thickness * (1.0 + 0.09 * ripple), 0.15)
    inner = outer.vertices - normals * thickness[:, None]
    spread = np.quantile(local[:, 2], [0.25, 0.5, 0.75])
    return Bone(name, carrier, outer, inner, basis, low, high, spread, marrow)


def moved(bone: Bone, by: Floats) -> Bone:
    """The same bone, shifted within its frame by `by` (3,), mm."""
    shift = bone.basis @ by
    return replace(
        bone,
        outer=Mesh(bone.outer.vertices + by, bone.outer.faces),
        inner=bone.inner + by,
        proximal_mm=bone.proximal_mm + float(shift[1]),
        distal_mm=bone.distal_mm + float(shift[1]),
        depths_mm=bone.depths_mm + shift[2],
    )


def smoothstep(x: Floats, low: float, high: float) -> Floats:
    t = np.clip((x - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)
