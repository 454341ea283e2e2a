"""Films of joints composed of bone layers: remodelled bones, sesamoids, exposure, processing, noise."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from model_store.segmenter.contract import INPUT_PX
from model_store.training import augment as a

EDGE_MM = 0.12  # path through a bone that counts as bone


def remodelled(bone: Tensor, generator: Generator) -> Tensor:
    """Another cortex and marrow for the same silhouette: stronger or weaker trabeculae, rim, sclerosis, erosions."""
    count, _, height, width = bone.shape
    shape = (height, width)
    inside = (bone > EDGE_MM).float()
    depth = a.blur(inside, torch.full((count,), 4.0)) * inside
    rim = inside * torch.exp(-(((depth - 0.5) / 0.12) ** 2))  # 0.5 on a straight edge, 1 deep inside
    mean = (bone * inside).sum((-2, -1), keepdim=True) / inside.sum((-2, -1), keepdim=True).clamp_min(1)
    columns = a.band_noise(count, shape, a.uniform(count, 2.2, 6.0, generator), generator, elongation=3.0)
    mesh = a.band_noise(count, shape, a.uniform(count, 2.5, 7.0, generator), generator)
    patches = a.band_noise(count, shape, a.uniform(count, 14.0, 40.0, generator), generator)

    def strength(low: float, high: float, probability: float) -> Tensor:
        drawn = a.uniform(count, low, high, generator) * a.sometimes(count, probability, generator)
        return drawn[:, None, None, None]

    smooth = a.blur(bone, a.uniform(count, 0.3, 4.0, generator)) * inside
    bone = torch.lerp(bone, smooth, strength(0.2, 1.0, 0.3))
    bone = bone * (1 + strength(0.03, 0.25, 0.7) * columns + strength(0.02, 0.2, 0.5) * mesh)
    bone = bone * (1 + strength(0.02, 0.2, 0.5) * patches)
    bone = bone + mean * strength(-0.5, 0.7, 0.6) * rim * (1 + 0.7 * patches)  # a margin may fade on one side
    centre = torch.rand(count, 2, generator=generator) * INPUT_PX
    angle = a.uniform(count, 0.0, 90.0, generator)
    lesion = a.rectangles(shape, centre, torch.full((count, 2), 3.0), angle, edge_px=3.0)[0]
    lesion = a.blur(lesion, torch.full((count,), 1.5)) * inside
    bone = bone * (1 - strength(0.3, 0.9, 0.25) * lesion) + mean * strength(0.2, 0.8, 0.15) * lesion
    return bone.clamp_min(0) * inside


def faded_margin(bone: Tensor, generator: Generator) -> Tensor:
    """A thin flange along part of the outline, as the palmar condyles of metacarpal heads show, bounded by a line."""
    count, _, height, width = bone.shape
    inside = (bone > EDGE_MM).float()
    middle = torch.full((2,), (INPUT_PX - 1) / 2)
    shift = torch.stack(
        [a.uniform(count, -15.0, 15.0, generator), a.uniform(count, -6.0, 6.0, generator)], -1
    )
    grid = a.affine(
        a.normal(count, 8.0, generator), a.uniform(count, 0.95, 1.2, generator), middle + shift, middle
    )
    thick = a.blur(inside * a.warp(inside, grid, (height, width)), a.uniform(count, 0.8, 2.0, generator))
    window = (
        torch.exp(
            -(((torch.arange(height) - a.uniform(count, 10.0, 118.0, generator)[:, None]) / 24.0) ** 4)
        )[:, None, :, None]
        * a.sometimes(count, 0.45, generator)[:, None, None, None]
    )
    line = torch.exp(-(((thick - 0.5) / 0.2) ** 2)) * inside * window
    loss = a.uniform(count, 0.3, 0.75, generator)[:, None, None, None]
    mean = (bone * inside).sum((-2, -1), keepdim=True) / inside.sum((-2, -1), keepdim=True).clamp_min(1)
    return (
        bone * (1 - loss * window * (1 - thick))
        + a.uniform(count, 0.0, 0.9, generator)[:, None, None, None] * mean * line
    )


def sesamoids(count: int, generator: Generator) -> Tensor:
    """Round small bones beside or over the joint."""
    total = torch.zeros(count, 1, INPUT_PX, INPUT_PX)
    y, x = torch.meshgrid(torch.arange(INPUT_PX), torch.arange(INPUT_PX), indexing="ij")
    for _ in range(2):
        middle = torch.rand(count, 2, generator=generator) * INPUT_PX
        radius = torch.stack(
            [a.uniform(count, 5.0, 15.0, generator), a.uniform(count, 5.0, 15.0, generator)], -1
        )
        away = (torch.stack([x, y], -1)[None] - middle[:, None, None]) / radius[:, None, None]
        ball = torch.sqrt((1 - (away**2).sum(-1)).clamp_min(0))[:, None]
        present = a.sometimes(count, 0.25, generator) * a.uniform(count, 0.3, 1.6, generator)
        total = total + present[:, None, None, None] * ball
    return total


def expose_roi(bone: Tensor, soft: Tensor, generator: Generator) -> Tensor:
    """Expose and process: attenuation, display curve, local contrast, resolution, noise."""
    count = len(bone)

    def draw(low: float, high: float) -> Tensor:
        return a.uniform(count, low, high, generator)[:, None, None, None]

    texture = a.band_noise(count, (INPUT_PX, INPUT_PX), a.uniform(count, 10.0, 60.0, generator), generator)
    tissue = a.blur(soft * (1 + draw(0.0, 0.06) * texture), a.uniform(count, 0.5, 2.5, generator))
    flat = tissue.mean((-2, -1), keepdim=True)
    tissue = torch.lerp(tissue, flat, draw(0.0, 0.9))  # dynamic-range compression flattens the soft tissue
    film = 1 - torch.exp(-(draw(0.15, 1.0) * bone + draw(0.02, 0.09) * tissue) * draw(0.1, 0.7))
    film = a.tone(a.unit_range(film), generator)
    film = a.sharpened(film, generator, (6.0, 20.0), 1.5)
    film = a.blur(film, a.uniform(count, 0.0, 1.3, generator))
    film = a.sharpened(film, generator, (0.8, 2.5), 1.5)
    film = (
        film
        + draw(-0.25, 0.25) * torch.linspace(-1, 1, INPUT_PX)
        + draw(-0.25, 0.25) * torch.linspace(-1, 1, INPUT_PX).reshape(1, 1, -1, 1)
    )
    film = _foreign(a.noisy(film, generator, 0.05, 0.04), generator)
    return a.blur(film, a.uniform(count, 0.0, 0.6, generator))


def cut_off(image: Tensor, masks: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
    """One ROI in eight reaches beyond the film: there the film's last pixels are repeated, and no bone is known.

    Args:
        image: (N, 1, S, S); masks: (N, 2, S, S).
    """
    count, _, side, _ = image.shape
    struck = a.sometimes(count, 0.12, generator)
    depth = (a.uniform(count, 0.02, 0.35, generator) * struck * side).long()
    edge = torch.randint(0, 4, (count,), generator=generator)
    steps = torch.arange(side)
    where, inside = [], []
    for near, far in ((0, 1), (2, 3)):  # rows, columns
        first = torch.where(edge == near, depth, 0)[:, None]
        last = torch.where(edge == far, side - 1 - depth, side - 1)[:, None]
        where.append(steps.clamp(first, last))
        inside.append(((steps >= first) & (steps <= last)).float())
    kept = inside[0][:, None, :, None] * inside[1][:, None, None, :]
    which = torch.arange(count)[:, None, None]
    repeated = image[:, 0][which, where[0][:, :, None], where[1][:, None, :]]
    return repeated[:, None], masks * kept


def _foreign(film: Tensor, generator: Generator) -> Tensor:
    """A film edge, a ring or a marker across the ROI, now and then."""
    count = len(film)
    centre = torch.rand(count, 2, generator=generator) * (INPUT_PX + 60) - 30
    half = torch.stack([a.uniform(count, 4.0, 50.0, generator), a.uniform(count, 4.0, 50.0, generator)], -1)
    angle = a.uniform(count, -90.0, 90.0, generator)
    filled, outline = a.rectangles((INPUT_PX, INPUT_PX), centre, half, angle)
    level = a.uniform(count, -0.6, 0.6, generator) * a.sometimes(count, 0.1, generator)
    line = a.uniform(count, -0.4, 0.4, generator) * a.sometimes(count, 0.1, generator)
    film = film + level[:, None, None, None] * filled + line[:, None, None, None] * outline
    return _ringed(_twice_exposed(film, generator), generator)


def _twice_exposed(film: Tensor, generator: Generator) -> Tensor:
    """A straight edge across the ROI beyond which the film is darker or brighter, now and then."""
    count = len(film)
    half = torch.full((count, 2), float(INPUT_PX))
    centre = (torch.rand(count, 2, generator=generator) - 0.5) * INPUT_PX
    centre[:, 1] += INPUT_PX * (0.5 + torch.sign(centre[:, 1]))
    angle = a.uniform(count, -90.0, 90.0, generator) * a.sometimes(count, 0.5, generator)
    beyond, _ = a.rectangles((INPUT_PX, INPUT_PX), centre, half, angle, edge_px=0.5)
    level = a.uniform(count, -0.5, 0.6, generator) * a.sometimes(count, 0.08, generator)
    return film + level[:, None, None, None] * beyond


def _ringed(film: Tensor, generator: Generator) -> Tensor:
    """A metal ring seen from its side, 4 to 12 mm from the joint, on one film in twelve."""
    count = len(film)
    side = 2 * a.sometimes(count, 0.5, generator) - 1
    centre = (
        torch.stack([a.normal(count, 8.0, generator), side * a.uniform(count, 24.0, 66.0, generator)], -1)
        + INPUT_PX / 2
    )
    half = torch.stack([a.uniform(count, 28.0, 80.0, generator), a.uniform(count, 5.0, 15.0, generator)], -1)
    metal, _ = a.rectangles((INPUT_PX, INPUT_PX), centre, half, a.normal(count, 6.0, generator), edge_px=0.5)
    bright = film.amax((-2, -1), keepdim=True) * a.uniform(count, 1.0, 2.5, generator)[:, None, None, None]
    return torch.lerp(film, bright, metal * a.sometimes(count, 0.08, generator)[:, None, None, None])
