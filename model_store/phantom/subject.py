"""A subject: one person's hand, the same on every film of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .bone import (
    SHEETS,
    Bone,
    Cortex,
    Deformation,
    Marrow,
    make_bone,
    random_deformation,
)
from .ends import shape_ends, shape_shaft
from .joints import JointAnatomy, far_end, measure_joint
from .meshes import FOREARM, Mesh, bone_mesh, ellipsoid
from .posture import LIES, Lie, rest
from .skeleton import JOINT_BONES, RAYS, links
from .texture import COLUMNS, MESHES

Floats = NDArray[np.float64]
Laterality = Literal["L", "R"]

# Joint spaces of adults on films, mm: mean and spread between people, per kind of joint.
SPACES_MM: Mapping[str, tuple[float, float]] = {
    "MCP": (1.30, 0.24), "PIP": (1.00, 0.15), "DIP": (0.88, 0.12), "IP": (1.05, 0.14)
}  # fmt: skip
LEAST_CLEARANCE_MM = 0.25  # between bones in depth, at rest
SESAMOIDS: Mapping[str, tuple[tuple[float, float, float, float], ...]] = {
    # metacarpal: (lateral, along, palmar) from the centre of its head and radius, all as shares of 10 mm
    "1mc": ((0.45, 0.05, 0.72, 0.27), (-0.45, 0.05, 0.72, 0.25)),
    "2mc": ((0.45, 0.10, 0.90, 0.15),),
    "5mc": ((-0.45, 0.10, 0.80, 0.15),),
}


@dataclass(frozen=True)
class SoftTissue:
    """Half-width of the fingers against their bone, thickness of finger and palm, in mm at scale 1."""

    finger_half_width_mm: float
    finger_thickness_mm: float
    palm_thickness_mm: float
    texture_seed: int


@dataclass(frozen=True)
class Subject:
    """Anatomy of one hand, kept as a right hand at rest; a left hand is mirrored on its way to the film."""

    seed: int
    laterality: Laterality
    scale: float
    bones: Mapping[str, Bone]
    positions: Mapping[str, Floats]
    rotations: Mapping[str, Floats]
    joints: Mapping[str, JointAnatomy]
    soft_tissue: SoftTissue
    texture_seed: int
    trabecular_period_mm: float


def make_subject(
    seed: int,
    laterality: Laterality = "R",
    *,
    scale: float | None = None,
    variation: float = 1.0,
    cortical_factor: float | None = None,
    trabecular_contrast: float | None = None,
    spaces_mm: Mapping[str, float] | None = None,
) -> Subject:
    """A subject drawn from `seed`; both hands of a person share a seed.

    scale: size of the hand (1 = the mesh's adult man; 0.75 to 1.15 is drawn about 0.95). variation: how far shapes
    and posture stray from the mesh, 0 = not at all. cortical_factor: 1 = healthy, 0.6 = osteoporotic.
    trabecular_contrast: 0 to about 1. spaces_mm: initial joint space by joint, drawn where not given.
    Raises ValueError for an unknown laterality or joint.
    """
    if laterality not in ("L", "R"):
        raise ValueError(f"Laterality is L or R, not {laterality!r}")
    if unknown := set(spaces_mm or {}) - set(JOINT_BONES):
        raise ValueError(f"Unknown joints: {sorted(unknown)}")
    rng = np.random.default_rng([seed, 0x5B])
    size = float(np.clip(rng.normal(0.94, 0.075), 0.75, 1.15))
    size = size if scale is None else scale
    thickness = (
        float(np.clip(rng.normal(1.0, 0.16), 0.6, 1.35)) if cortical_factor is None else cortical_factor
    )
    contrast = float(rng.uniform(0.5, 1.2)) if trabecular_contrast is None else trabecular_contrast

    lies = {
        name: Lie(
            lie.radial + variation * rng.normal(0, 1.6),
            lie.dip + variation * rng.normal(0, 1.2),
            lie.roll + variation * rng.normal(0, 3.5),
        )
        for name, lie in LIES.items()
    }
    rest_positions, rotations = rest(lies)
    slender = rng.normal(0, 0.045) * variation
    waviness = float(rng.uniform(0.12, 0.34))
    juxta_articular = float(rng.uniform(0.45, 0.9)) if rng.random() < 0.35 else 1.0
    deformations = {
        name: random_deformation(
            rng,
            (link.axis, link.flexion_axis),
            (
                size * (1 + variation * rng.normal(0, 0.025)),
                size * (1 + slender + variation * rng.normal(0, 0.035)),
                size * (1 + slender + variation * rng.normal(0, 0.045)),
            ),
            waviness * variation * (0.3 if name in FOREARM else 1.0),
        )
        for name, link in links().items()
    }
    positions = {
        name: deformations[link.parent](rest_positions[name][None])[0]
        if link.parent
        else rest_positions[name]
        for name, link in links().items()
    }
    world = _world(rotations)
    density = thickness * float(rng.uniform(0.85, 1.15))
    bones: dict[str, Bone] = {}
    for name, deformation in deformations.items():
        bones[name] = _draw_bone(
            rng, name, deformation, world[name], thickness, (density, juxta_articular), contrast, variation
        )
    for metacarpal, places in SESAMOIDS.items():
        if metacarpal != "1mc" and rng.random() < 0.45:
            continue
        for number, where in enumerate(places):
            bone = _sesamoid(
                rng,
                f"sesamoid{metacarpal[0]}{'ab'[number]}",
                metacarpal,
                where,
                bones,
                size,
                density,
            )
            bones[bone.name] = bone

    joints: dict[str, JointAnatomy] = {}
    for joint, (upper, lower) in JOINT_BONES.items():
        mean, spread = SPACES_MM[joint.rstrip("12345")]
        wanted = (mean + rng.normal(0, spread)) * size**0.5
        wanted = wanted if spaces_mm is None or joint not in spaces_mm else spaces_mm[joint]
        beam = world[lower].T @ np.array([0.0, 0.0, 1.0])
        anatomy = measure_joint(joint, bones[upper], bones[lower], rotations[upper], positions[upper], beam)
        widen = max(wanted - anatomy.space_mm, LEAST_CLEARANCE_MM - anatomy.clearance_mm)
        positions[upper] = positions[upper] + widen * anatomy.direction
        joints[joint] = measure_joint(
            joint, bones[upper], bones[lower], rotations[upper], positions[upper], beam
        )
    tissue = SoftTissue(
        finger_half_width_mm=float(rng.uniform(7.0, 8.8)) * size,
        finger_thickness_mm=float(rng.uniform(13.0, 17.0)) * size,
        palm_thickness_mm=float(rng.uniform(22.0, 30.0)) * size,
        texture_seed=int(rng.integers(1 << 31)),
    )
    return Subject(
        seed, laterality, size, bones, positions, rotations, joints, tissue,
        int(rng.integers(1 << 31)), round(float(rng.uniform(0.50, 0.80)), 2),
    )  # fmt: skip


def _world(rotations: Mapping[str, Floats]) -> dict[str, Floats]:
    world: dict[str, Floats] = {}
    for name, link in links().items():
        world[name] = (world[link.parent] if link.parent else np.eye(3)) @ rotations[name]
    return world


def _draw_bone(
    rng: np.random.Generator,
    name: str,
    deformation: Deformation,
    orientation: Floats,
    thickness: float,
    densities: tuple[float, float],
    contrast: float,
    variation: float,
) -> Bone:
    link = links()[name]
    mesh = bone_mesh(name)
    density, juxta_articular = densities
    tubular = any(name in ray for ray in RAYS.values()) or name in FOREARM
    shape = shape_ends(rng, name, link, variation)
    if tubular and name not in FOREARM:
        shape = shape_shaft(rng, shape, link, variation)
    outer = Mesh(deformation(shape), mesh.faces)
    beam = orientation.T @ np.array([0.0, 0.0, 1.0])  # at rest, in the bone's frame
    through = beam - (beam @ link.axis) * link.axis
    through /= np.linalg.norm(through)
    basis = np.stack([np.cross(link.axis, through), link.axis, through])
    size = float(np.cbrt(np.linalg.det(deformation.stretch)))
    distal = name.endswith(("dist", "distph"))
    cortex = Cortex(
        shaft_share=(0.28 if name in FOREARM or distal else 0.40 if "mc" in name else 0.33) * thickness,
        end_mm=0.30 * thickness * size,
        base_plate_mm=float(rng.uniform(0.45, 0.85)) * size * thickness**0.5,
        head_plate_mm=float(rng.uniform(0.25, 0.5)) * size * thickness**0.5,
    )
    length = float(np.ptp(outer.vertices @ link.axis))
    marrow = Marrow(
        end_density=0.15 * density * juxta_articular * float(rng.uniform(0.9, 1.1)),
        shaft_density=(0.05 if tubular else 0.17) * density,
        plate_density=(0.14 if tubular else 0.0) * density * juxta_articular,
        reach_mm=0.30 * length if tubular else 100.0,
        contrast=contrast * float(rng.uniform(0.85, 1.15)),
        offsets=_offsets(rng, COLUMNS if tubular and not name.endswith("mc") else MESHES),
        lean=rng.normal(0, 0.12, SHEETS),
    )
    return make_bone(rng, name, name, outer, basis, cortex, marrow, tubular)


def _sesamoid(
    rng: np.random.Generator,
    name: str,
    metacarpal: str,
    where: tuple[float, float, float, float],
    bones: Mapping[str, Bone],
    size: float,
    density: float,
) -> Bone:
    """A pea-shaped bone in the palmar tendon under a metacarpal's head; it moves with the metacarpal."""
    carrier, link = bones[metacarpal], links()[metacarpal]
    palmar = -np.cross(link.flexion_axis, link.axis)
    if (palmar @ np.array([0.0, 0.0, -1.0])) < 0 and metacarpal != "1mc":
        palmar = -palmar
    head = far_end(carrier) - 4.5 * size * link.axis
    lateral, along, down, radius = (10.0 * size * share for share in where)
    lateral, radius = (
        lateral + rng.normal(0, 0.6),
        radius * float(rng.uniform(0.8, 1.15)),
    )
    centre = head + lateral * link.flexion_axis + along * link.axis + down * palmar
    outer = ellipsoid(centre, radius * rng.uniform(0.8, 1.2, 3))
    marrow = Marrow(0.22 * density, 0.22 * density, 0.0, 50.0, 0.3, _offsets(rng, MESHES), np.zeros(SHEETS))
    return make_bone(
        rng,
        name,
        metacarpal,
        outer,
        carrier.basis,
        Cortex(0.0, 0.35, 0.35, 0.35),
        marrow,
        False,
    )


def _offsets(rng: np.random.Generator, kinds: range) -> Floats:
    return np.column_stack([rng.integers(kinds.start, kinds.stop, SHEETS), rng.uniform(0, 51.2, (SHEETS, 2))])
