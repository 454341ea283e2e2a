"""Shape of shafts and joint ends: the mesh's one man has narrow knuckles and flat sockets; people differ."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .bone import smoothing, smoothstep
from .meshes import bone_mesh
from .skeleton import Link

Floats = NDArray[np.float64]


def shape_ends(rng: np.random.Generator, name: str, link: Link, variation: float) -> Floats:
    """Vertices (N, 3), mm, of a bone whose head is broadened (metacarpals) or whose base is hollowed (phalanges).

    The mesh's own scan lines are smoothed away a little. variation 0 gives the mesh as it is.
    """
    broaden, hollow = rng.uniform(0.04, 0.26), rng.uniform(0.4, 1.5)
    vertices = bone_mesh(name).vertices
    if variation == 0.0 or not ("mc" in name or "ph" in name or "thumb" in name):
        return vertices
    average = smoothing(name)
    for _ in range(3):
        vertices = average @ vertices
    along = vertices @ link.axis
    low, high = along.min(), along.max()
    place = (along - low) / (high - low)
    if name.endswith("mc"):
        head = smoothstep(place, 0.68, 0.88)
        across = vertices @ link.flexion_axis
        middle = across[place > 0.8].mean()
        return vertices + np.outer(head * variation * broaden * (across - middle), link.flexion_axis)
    base = place < 0.12
    centre = vertices[base].mean(axis=0)
    sideways = vertices - centre - np.outer((vertices - centre) @ link.axis, link.axis)
    distance = np.linalg.norm(sideways, axis=1)
    rim = np.quantile(distance[base], 0.9)
    bowl = np.clip(1.0 - (distance / rim) ** 2, 0.0, 1.0) * (1.0 - smoothstep(place, 0.04, 0.16))
    depth = hollow * variation * (0.9 if "prox" in name else 0.35)
    return np.asarray(vertices + np.outer(bowl * depth, link.axis))


def shape_shaft(rng: np.random.Generator, vertices: Floats, link: Link, variation: float) -> Floats:
    """Vertices (N, 3), mm, of a long bone with another waist, flare and bow; its two ends stay where they are.

    The waist is drawn within 10 %, either end flares or tapers within 8 %, the shaft bows by up to about 1 mm.
    """
    waist, base, head = rng.normal(0, (0.045, 0.035, 0.035)) * variation
    bow = rng.normal(0, 0.45, 2) * variation
    along = vertices @ link.axis
    place = (along - along.min()) / np.ptp(along)
    middle = smoothstep(place, 0.10, 0.45) * (1.0 - smoothstep(place, 0.55, 0.90))
    factor = (
        waist * middle + base * (1.0 - smoothstep(place, 0.05, 0.40)) + head * smoothstep(place, 0.60, 0.95)
    )
    sideways = vertices - np.outer(along, link.axis)
    centre = np.median(sideways[np.abs(place - 0.5) < 0.2], axis=0)
    arch = 4.0 * place * (1.0 - place)
    across = np.stack([link.flexion_axis, link.abduction_axis])
    return np.asarray(vertices + factor[:, None] * (sideways - centre) + np.outer(arch, bow @ across))
