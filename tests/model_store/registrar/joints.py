"""Simple joints whose bones moved as we say, drawn from formulae at any sub-pixel position."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from model_store.registrar.model import Registrar
from model_store.registrar.network import RegistrationNetwork

SIZE = 128
SPACING_MM = 0.175
Image = npt.NDArray[np.float32]


def registrar() -> Registrar:
    """The registrar with a network that proposes no motion: what the search and the refinement do alone."""
    network = RegistrationNetwork()
    for parameter in list(network.features.parameters())[-2:]:
        parameter.data.zero_()
    return Registrar(network)


def _back(x: Image, y: Image, motion: tuple[float, float, float]) -> tuple[Image, Image]:
    """Where a point of the film was before the bone moved by (dx mm, dy mm, degrees clockwise) about the centre."""
    dx, dy, degrees = motion
    angle = np.deg2rad(degrees)
    u, v = x - dx, y - dy
    return np.cos(angle) * u + np.sin(angle) * v, -np.sin(angle) * u + np.cos(angle) * v


def draw(
    upper: tuple[float, float, float],
    lower: tuple[float, float, float],
    *,
    seed: int = 0,
    noise: float = 0.0,
    grain: int = 0,
    gain: float = 1.0,
    offset: float = 0.0,
    magnified: float = 1.0,
) -> tuple[Image, npt.NDArray[np.bool_]]:
    """A joint (128, 128) and its masks (2, 128, 128) after each bone moved by (dx mm, dy mm, degrees), on a film that
    shows it so many times magnified about its middle.

    ``seed``: which joint; ``grain``: which noise.
    """
    rows, columns = np.mgrid[:SIZE, :SIZE].astype(np.float32)
    x, y = ((axis - 63.5) * SPACING_MM / magnified for axis in (columns, rows))
    rng = np.random.default_rng(seed)
    waves = rng.normal(size=(40, 2)) * 3.0
    phases, strengths = rng.uniform(0, 2 * np.pi, 40), rng.normal(size=40) / 40
    image, masks = np.zeros((SIZE, SIZE)), []
    for motion, sign in ((upper, 1.0), (lower, -1.0)):
        u, v = _back(x, y, motion)
        end = -0.8 - 0.04 * u**2 if sign > 0 else 0.8 + 0.05 * u**2
        depth_end = (end - v) if sign > 0 else (v - end)
        depth = np.minimum(depth_end, 6.0 - np.abs(u))
        texture = sum(
            s * np.cos(a * u + b * v + p) for (a, b), p, s in zip(waves, phases, strengths, strict=True)
        )
        cortex = np.exp(-(((depth - 0.5) / 0.4) ** 2))
        image += (0.5 + 0.4 * cortex + 0.5 * texture) / (1 + np.exp(-depth / 0.08))
        masks.append(depth > 0)
    image = gain * image + offset + noise * np.random.default_rng([seed, grain]).normal(size=image.shape)
    return image.astype(np.float32), np.stack(masks)


def request(pairs: list[tuple[tuple[Image, Image], tuple[Image, Image]]]) -> dict[str, Image]:
    """The registrar's inputs for pairs of ((fixed, masks), (moving, masks))."""
    return {
        "fixed": np.stack([fixed[0] for fixed, _ in pairs]),
        "moving": np.stack([moving[0] for _, moving in pairs]),
        "fixed_masks": np.stack([fixed[1] for fixed, _ in pairs]).astype(np.float32),
        "moving_masks": np.stack([moving[1] for _, moving in pairs]).astype(np.float32),
        "spacing_mm": np.full(len(pairs), SPACING_MM, np.float32),
    }
