"""From thicknesses to a film: attenuation, scatter, blur, noise, and the reader unit's processing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from .furniture import Furniture, make_furniture, transmission
from .processing import Processing, draw_processing, enhance, look_up, smooth
from .projection import Projection
from .subject import Laterality

Image = NDArray[np.float32]
Photometric = Literal["MONOCHROME1", "MONOCHROME2"]

LEVELS = 4096


@dataclass(frozen=True)
class Exposure:
    """One machine's way with a film.

    bone_per_mm, soft_per_mm: attenuation of cortical bone (in place of soft tissue) and of soft tissue. photons: per
    film pixel in air. scatter: its share of what arrives behind nothing. blur_mm: detector's point spread (one
    sigma). edge_*, equalise_*: fine and coarse unsharp masking. gamma, air_level, top_level: the tone curve; air and
    the densest bone land on these shares of the range. sigmoid: 0 = straight, 1 = S-shaped. processing: what the
    vendor adds to that.
    """

    kvp: float = 52.0
    bone_per_mm: float = 0.125
    soft_per_mm: float = 0.025
    photons: float = 8000.0
    scatter: float = 0.12
    scatter_mm: float = 18.0
    heel: tuple[float, float] = (0.03, 0.0)
    focal_spot_mm: float = 0.6
    blur_mm: float = 0.09
    readout_noise: float = 0.002
    edge_amount: float = 0.3
    edge_mm: float = 0.8
    equalise_amount: float = 0.15
    equalise_mm: float = 10.0
    gamma: float = 1.0
    sigmoid: float = 0.3
    air_level: float = 0.05
    top_level: float = 0.97
    photometric: Photometric = "MONOCHROME2"
    furniture: Furniture = field(default_factory=Furniture)
    processing: Processing = field(default_factory=Processing)


@dataclass(frozen=True)
class Film:
    """A finished film. pixels: (H, W) uint16, 12 bits, bone bright (whatever `photometric` it will be stored in)."""

    pixels: NDArray[np.uint16]
    pixel_spacing_mm: float
    laterality: Laterality
    photometric: Photometric
    kvp: float
    seed: int


def make_exposure(seed: int, spread: float = 1.0) -> Exposure:
    """An exposure drawn from `seed`. spread: 1 = any machine and any reader, 0.3 = one site's drift between visits."""
    rng = np.random.default_rng([seed, 0xE8])

    def around(middle: float, factor: float) -> float:
        return float(middle * np.exp(rng.uniform(-1, 1) * np.log(factor) * spread))

    def between(low: float, high: float) -> float:
        middle = 0.5 * (low + high)
        return float(middle + rng.uniform(-0.5, 0.5) * (high - low) * spread)

    kvp = between(44.0, 60.0)
    softness = (52.0 / kvp) ** 1.2
    return Exposure(
        kvp=kvp,
        bone_per_mm=around(0.125, 1.2) * softness,
        soft_per_mm=around(0.025, 1.15) * softness**0.5,
        photons=around(9000.0, 4.0),
        scatter=between(0.03, 0.25),
        scatter_mm=between(10.0, 26.0),
        heel=(between(-0.08, 0.08), between(-0.08, 0.08)),
        focal_spot_mm=between(0.3, 1.0),
        blur_mm=between(0.05, 0.17),
        readout_noise=between(0.0, 0.006),
        edge_amount=between(0.0, 0.9),
        edge_mm=between(0.4, 1.6),
        equalise_amount=between(0.0, 0.4),
        equalise_mm=between(6.0, 16.0),
        gamma=around(1.0, 1.45),
        sigmoid=between(0.0, 0.7),
        air_level=between(-0.02, 0.16),
        top_level=between(0.86, 1.03),
        photometric="MONOCHROME1" if rng.random() < 0.35 else "MONOCHROME2",
        furniture=make_furniture(rng),
        processing=draw_processing(rng, spread),
    )


def expose(projection: Projection, exposure: Exposure, seed: int) -> Film:
    """Make a film; the same projection, exposure and seed give the same pixels.

    Beer-Lambert, scatter as a broad blur, penumbra and detector blur, Poisson noise, read-out noise, logarithm,
    vendor's processing, unsharp masking, tone curve, 12 bits.
    """
    rng = np.random.default_rng([seed, 0xF1])
    spacing = projection.pixel_spacing_mm
    path = projection.bone_mm() * np.float32(exposure.bone_per_mm)
    path += projection.soft_mm * np.float32(exposure.soft_per_mm)
    beam = np.exp(-path)
    beam *= _heel(projection.shape, exposure.heel)
    hand = projection.soft_mm > 1.0
    beam *= transmission(exposure.furniture, projection, hand, rng)
    beam += np.float32(exposure.scatter) * (smooth(beam, exposure.scatter_mm / spacing) - beam)

    penumbra = exposure.focal_spot_mm * 0.015 * 0.4  # of bone some 15 mm above the detector; as a sigma
    blur = np.hypot(exposure.blur_mm, penumbra) / spacing
    beam = gaussian_filter(beam, 0.85 * blur, truncate=3.0)  # light spreads before it is counted ...
    quanta = beam * np.float32(exposure.photons)
    quanta += np.sqrt(np.maximum(quanta, 0.0)) * rng.standard_normal(quanta.shape, np.float32)
    quanta = gaussian_filter(quanta, 0.53 * blur, truncate=3.0)  # ... and the read-out spreads it again
    beam = quanta * np.float32(1.0 / exposure.photons)
    beam += np.float32(exposure.readout_noise) * rng.standard_normal(beam.shape, np.float32)

    density = -np.log(np.maximum(beam, np.float32(2e-3)))
    density = enhance(density, exposure.processing, spacing)
    sharp = density + np.float32(exposure.edge_amount) * (
        density - smooth(density, exposure.edge_mm / spacing)
    )
    sharp -= np.float32(exposure.equalise_amount) * smooth(density, exposure.equalise_mm / spacing)
    shade = look_up(_tone(sharp, hand, exposure), exposure.processing)
    pixels = np.rint(shade * (LEVELS - 1)).astype(np.uint16)
    return Film(pixels, spacing, projection.laterality, exposure.photometric, exposure.kvp, seed)


def _tone(density: Image, hand: NDArray[np.bool_], exposure: Exposure) -> Image:
    air = np.quantile(density[::4, ::4], 0.02)
    inside = density[::4, ::4][hand[::4, ::4]]
    top = np.quantile(inside, 0.997) if inside.size else air + 1.0
    span = (top - air) / (exposure.top_level - exposure.air_level)
    x = np.clip(
        (density - np.float32(air)) / np.float32(span) + np.float32(exposure.air_level),
        0.0,
        1.0,
    )
    x = x ** np.float32(exposure.gamma)
    return x + np.float32(exposure.sigmoid) * (x * x * (3.0 - 2.0 * x) - x)


def _heel(shape: tuple[int, int], heel: tuple[float, float]) -> Image:
    y = np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, shape[1], dtype=np.float32)[None, :]
    return np.float32(1.0) + np.float32(heel[0]) * x + np.float32(heel[1]) * y
