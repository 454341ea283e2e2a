"""Bone surfaces of the right hand, from the `myo-sim` package (Apache-2.0), as closed meshes.

Frame of every mesh: the body frame of the MyoArm chain in millimetres, right hand, anatomical position:
+x radial (towards the thumb), +y proximal, +z dorsal; so fingers point along -y.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import trimesh
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.spatial import ConvexHull

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FOREARM = ("radius", "ulna")
FOREARM_LENGTH_MM = 95.0  # what of radius and ulna can reach the film; the open proximal ends are cut off


@dataclass(frozen=True)
class Mesh:
    """A closed surface: vertices (N, 3) in mm, faces (M, 3) wound so that normals point outwards."""

    vertices: Floats
    faces: Ints

    def normals(self) -> Floats:
        """Unit vertex normals (N, 3), pointing outwards, averaged over the faces around a vertex by area."""
        corners = self.vertices[self.faces]
        weighted = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        total = np.stack(
            [
                np.bincount(self.faces.ravel(), np.repeat(weighted[:, i], 3), len(self.vertices))
                for i in range(3)
            ],
            axis=1,
        )
        return total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12)


def from_trimesh(mesh: trimesh.Trimesh) -> Mesh:
    if mesh.volume < 0:
        mesh.invert()
    return Mesh(np.asarray(mesh.vertices, np.float64), np.asarray(mesh.faces, np.int64))


@cache
def bone_mesh(name: str) -> Mesh:
    """The mesh of one bone (`2mc`, `2proxph`, `thumbdist`, `capitate`, ...), closed.

    Raises ValueError where the package's mesh cannot be closed.
    """
    mesh = trimesh.load_mesh(files("myo_sim") / "models" / "meshes" / f"{name}.stl", file_type="stl")
    mesh.apply_scale(1000.0)
    mesh.merge_vertices(digits_vertex=3)
    if name in FOREARM:
        return _loft(mesh)
    if name == "pisiform":  # its own surface is torn; the bone is a pea, so its hull is the bone
        return from_trimesh(mesh.convex_hull.subdivide())
    mesh.update_faces(mesh.nondegenerate_faces())
    if not mesh.is_watertight:
        mesh.fill_holes()
    if not mesh.is_watertight:
        raise ValueError(f"The mesh of {name} is open")
    return from_trimesh(mesh)


def ellipsoid(centre: Floats, radii: Floats) -> Mesh:
    """An ellipsoid with semi-axes `radii` (3,) along x, y, z about `centre` (3,), mm: a sesamoid bone."""
    ball = trimesh.creation.icosphere(subdivisions=3)
    return Mesh(np.asarray(ball.vertices) * radii + centre, np.asarray(ball.faces, np.int64))


def _loft(mesh: trimesh.Trimesh, step_mm: float = 0.8, sectors: int = 72) -> Mesh:
    """A smooth closed tube through the cross-sections of a coarse, torn long bone, distal end kept."""
    distal = mesh.vertices[:, 1].min()
    points, _ = trimesh.sample.sample_surface(mesh, 60000, seed=0)
    points = np.vstack([points, mesh.vertices])
    points = points[points[:, 1] < distal + FOREARM_LENGTH_MM]
    angles = np.linspace(0, 2 * np.pi, sectors, endpoint=False)
    rays = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    levels = np.arange(distal + 0.6, distal + FOREARM_LENGTH_MM - 1.0, step_mm)
    centres, radii = [], []
    for level in levels:
        near = points[np.abs(points[:, 1] - level) < 1.5][:, [0, 2]]
        hull = ConvexHull(near)
        centre = near[hull.vertices].mean(axis=0)
        distance = -(hull.equations[:, :2] @ centre + hull.equations[:, 2])
        approach = hull.equations[:, :2] @ rays.T
        with np.errstate(divide="ignore"):
            reach = np.where(approach > 1e-9, distance[:, None] / approach, np.inf).min(axis=0)
        centres.append(centre)
        radii.append(reach)
    centre_line = gaussian_filter1d(np.array(centres), 3.0, axis=0, mode="nearest")
    radius = gaussian_filter1d(np.array(radii), 3.0, axis=0, mode="nearest")
    radius = gaussian_filter1d(radius, 1.5, axis=1, mode="wrap")
    ends = np.minimum(1.0, np.sqrt((np.arange(len(levels)) + 1) / 4.0))  # rounds the distal rim
    ring = centre_line[:, None, :] + (radius * ends[:, None])[:, :, None] * rays[None]
    level_column = np.broadcast_to(levels[:, None, None], (*radius.shape, 1))
    tube = np.concatenate([ring[..., :1], level_column, ring[..., 1:]], axis=2).reshape(-1, 3)
    caps = np.array([tube[:sectors].mean(axis=0), tube[-sectors:].mean(axis=0)])
    index = np.arange(len(tube)).reshape(len(levels), sectors)
    after = np.roll(index, -1, axis=1)
    sides = [(index[:-1], after[:-1], index[1:]), (after[:-1], after[1:], index[1:])]
    bottom = (np.full(sectors, len(tube)), after[0], index[0])
    top = (np.full(sectors, len(tube) + 1), index[-1], after[-1])
    faces = np.concatenate([np.stack(corner, axis=-1).reshape(-1, 3) for corner in [*sides, bottom, top]])
    return from_trimesh(trimesh.Trimesh(np.vstack([tube, caps]), faces, process=False))
