"""What arthritis does to a joint: erosions that grow, osteophytes, subluxation, ulnar drift.

Each takes a subject (or pose) and gives another; the bones' frames stay, so motion between any two of them is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import trimesh
from numpy.typing import NDArray

from .bone import Bone
from .meshes import Mesh
from .pose import Pose
from .subject import Subject

Floats = NDArray[np.float64]
Side = Literal["upper", "lower"]

_BARE_MM = 0.15  # what is left of the cortex under an erosion
_SPUR_MM = 0.35  # cortex of an osteophyte


@dataclass(frozen=True)
class Lesion:
    """A change of one bone's surface about a site on it: a bowl eaten out, or a spur grown.

    site, direction: (3,) in the bone's frame; the surface moves by depth_mm along `direction` (a unit vector, inwards
    for an erosion, outwards for an osteophyte), less and less towards radius_mm.
    """

    bone: str
    kind: Literal["erosion", "osteophyte"]
    site: Floats
    direction: Floats
    radius_mm: float
    depth_mm: float

    def grown(self, factor: float) -> Lesion:
        """The same lesion at another time, `factor` times as large; 0 = not there yet."""
        return replace(
            self, radius_mm=self.radius_mm * max(factor, 1e-3) ** 0.5, depth_mm=self.depth_mm * factor
        )


def draw_erosion(rng: np.random.Generator, subject: Subject, joint: str) -> Lesion:
    """A marginal erosion: at the bare area beside the joint's cartilage, 1.2 to 2.8 mm wide, 0.6 to 2.4 mm deep."""
    bone, site, outwards = _margin(rng, subject, joint, "lower" if rng.random() < 0.6 else "upper")
    radius, depth = rng.uniform(1.6, 3.4), rng.uniform(0.6, 2.4)
    return Lesion(bone, "erosion", site, -outwards, float(radius), float(depth))


def draw_osteophyte(rng: np.random.Generator, subject: Subject, joint: str) -> Lesion:
    """A spur at the joint's margin, 0.7 to 2.2 mm high, leaning over the joint."""
    side: Side = "lower" if rng.random() < 0.5 else "upper"
    bone, site, outwards = _margin(rng, subject, joint, side)
    toward = subject.bones[bone].basis[1] * (1.0 if side == "lower" else -1.0)
    lean = outwards + rng.uniform(0.1, 0.8) * toward
    height, radius = rng.uniform(0.7, 2.2), rng.uniform(1.3, 2.2)
    return Lesion(bone, "osteophyte", site, lean / np.linalg.norm(lean), float(radius), float(height))


def _margin(rng: np.random.Generator, subject: Subject, joint: str, side: Side) -> tuple[str, Floats, Floats]:
    """A vertex at the radial or ulnar margin of a joint's surface: (bone, position, outward normal)."""
    anatomy = subject.joints[joint]
    name, point = (
        (anatomy.upper_bone, anatomy.upper_point)
        if side == "upper"
        else (anatomy.lower_bone, anatomy.lower_point)
    )
    bone = subject.bones[name]
    normals = bone.outer.normals()
    lateral, along, through = ((bone.outer.vertices - point) @ bone.basis.T).T
    away = along if side == "upper" else -along  # from the joint, into the bone
    facing = (normals @ bone.basis[0]) * (1.0 if rng.random() < 0.5 else -1.0)
    middle = np.median(through[np.abs(along) < 4.0])
    fit = facing - 0.15 * np.abs(through - middle) - 0.3 * np.abs(away - rng.uniform(1.0, 4.0))
    chosen = int(np.argmax(np.where(np.abs(lateral) > 1.0, fit, -np.inf)))
    return name, bone.outer.vertices[chosen], normals[chosen]


def with_lesions(subject: Subject, lesions: Iterable[Lesion]) -> Subject:
    """The subject with these lesions on its bones."""
    bones = dict(subject.bones)
    for name, own in _by_bone(lesions).items():
        bone = _refined(bones[name])
        for lesion in own:
            bone = _reshaped(bone, lesion)
        bones[name] = bone
    return replace(subject, bones=bones)


def _by_bone(lesions: Iterable[Lesion]) -> Mapping[str, list[Lesion]]:
    found: dict[str, list[Lesion]] = {}
    for lesion in lesions:
        found.setdefault(lesion.bone, []).append(lesion)
    return found


def _refined(bone: Bone) -> Bone:
    """The same surfaces with four faces for one: a lesion is hardly wider than the scan's triangles."""
    vertices, faces, attributes = trimesh.remesh.subdivide(
        bone.outer.vertices, bone.outer.faces, vertex_attributes={"inner": bone.inner}
    )
    return replace(bone, outer=Mesh(vertices, faces), inner=attributes["inner"])


def _reshaped(bone: Bone, lesion: Lesion) -> Bone:
    vertices = bone.outer.vertices
    distance = np.linalg.norm(vertices - lesion.site, axis=1) / lesion.radius_mm
    strength = np.clip(1.0 - distance**2, 0.0, 1.0) ** 1.5
    outer = vertices + (strength * lesion.depth_mm)[:, None] * lesion.direction
    inwards = lesion.direction if lesion.kind == "erosion" else -lesion.direction
    left_mm = _BARE_MM if lesion.kind == "erosion" else _SPUR_MM
    under = outer + left_mm * inwards
    share = np.clip(2.0 * strength, 0.0, 1.0)[:, None] * min(1.0, lesion.depth_mm / left_mm)
    inner = bone.inner + share * (under - bone.inner)
    return replace(bone, outer=Mesh(outer, bone.outer.faces), inner=inner)


def with_subluxation(subject: Subject, joint: str, across_mm: float, palmar_mm: float) -> Subject:
    """The subject with the distal bone of a joint, and all beyond it, slipped ulnarwards or radially, and palmarwards.

    across_mm: along the proximal bone's lateral axis; palmar_mm: along its axis through the palm.
    """
    anatomy = subject.joints[joint]
    lateral, _, through = subject.bones[anatomy.lower_bone].basis
    slip = across_mm * lateral - palmar_mm * through
    positions = dict(subject.positions)
    positions[anatomy.upper_bone] = positions[anatomy.upper_bone] + slip
    return replace(subject, positions=positions)


def with_ulnar_drift(pose: Pose, drift_deg: float) -> Pose:
    """The pose with the four fingers turned ulnarwards at their knuckles, each more than its radial neighbour."""
    angles = dict(pose.angles_deg)
    for ray, share in ((2, 0.8), (3, 0.95), (4, 1.05), (5, 1.2)):
        name = f"{ray}proxph:abduction"
        angles[name] = angles.get(name, 0.0) - share * drift_deg
    return replace(pose, angles_deg=angles)
