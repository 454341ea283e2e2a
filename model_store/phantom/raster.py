"""Exact thickness of closed meshes along the beam.

Over a closed surface the length of a ray inside the solid is the sum, over the triangles it crosses, of
sign(projected area) x depth. Depth is affine over a triangle, so along an image row a triangle adds an affine
function of x between two edge crossings: two entries in a difference array, summed up once per row.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def thickness(uv: Floats, depth: Floats, faces: Ints, shape: tuple[int, int]) -> Floats:
    """Length of each pixel's ray inside a closed mesh.

    uv: (N, 2) vertex positions on the image, pixels, centres at integers, x right and y down. depth: (N,) position
    of the vertices along the beam, in the unit wanted (mm). faces: (M, 3), all wound the same way round.
    shape: (H, W) of the image. Returns (H, W) float64, never negative, whichever way the mesh is wound.
    """
    height, width = shape
    x, y = uv[:, 0][faces], uv[:, 1][faces]
    z = depth[faces]
    double_area = (x[:, 1] - x[:, 0]) * (y[:, 2] - y[:, 0]) - (x[:, 2] - x[:, 0]) * (y[:, 1] - y[:, 0])
    seen = np.abs(double_area) > 1e-12
    seen &= (y.max(axis=1) >= 0.0) & (y.min(axis=1) <= height - 1)
    seen &= (x.max(axis=1) >= 0.0) & (x.min(axis=1) <= width - 1)
    faces, x, y, z, double_area = (
        faces[seen],
        x[seen],
        y[seen],
        z[seen],
        double_area[seen],
    )
    slope_x = (
        (z[:, 1] - z[:, 0]) * (y[:, 2] - y[:, 0]) - (z[:, 2] - z[:, 0]) * (y[:, 1] - y[:, 0])
    ) / double_area
    slope_y = (
        (x[:, 1] - x[:, 0]) * (z[:, 2] - z[:, 0]) - (x[:, 2] - x[:, 0]) * (z[:, 1] - z[:, 0])
    ) / double_area
    offset = z[:, 0] - slope_x * x[:, 0] - slope_y * y[:, 0]

    constant = np.zeros(height * (width + 1))
    linear = np.zeros(height * (width + 1))
    for side in range(3):
        # An edge is always walked from its upper to its lower end, so two neighbours agree on where it crosses a row.
        a, b = faces[:, side], faces[:, (side + 1) % 3]
        down = uv[b, 1] > uv[a, 1]
        top, end = np.where(down, a, b), np.where(down, b, a)
        first = np.clip(np.ceil(uv[top, 1]), 0, height).astype(np.int64)
        last = np.clip(np.ceil(uv[end, 1]), 0, height).astype(np.int64)
        count = last - first
        owner = np.repeat(np.arange(len(faces)), count)
        row = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count) + first[owner]
        upper, lower = uv[top[owner]], uv[end[owner]]
        crossing = upper[:, 0] + (row - upper[:, 1]) * (lower[:, 0] - upper[:, 0]) / (
            lower[:, 1] - upper[:, 1]
        )
        start = np.clip(np.ceil(crossing), 0, width).astype(np.int64)
        # Going round a face, edges that run down open the span and edges that run up close it (or the reverse
        # for a face seen from behind): the walk's direction carries the sign of the projected area with it.
        sign = np.where(down, 1.0, -1.0)[owner]
        cell = row * (width + 1) + start
        constant += np.bincount(cell, sign * (offset[owner] + slope_y[owner] * row), len(constant))
        linear += np.bincount(cell, sign * slope_x[owner], len(linear))
    constants = np.cumsum(constant.reshape(height, width + 1), axis=1)[:, :width]
    linears = np.cumsum(linear.reshape(height, width + 1), axis=1)[:, :width]
    return np.abs(constants + linears * np.arange(width))
