"""What the locator learns from: films of whole phantom hands, framed, turned, mirrored and spoilt at random."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Generator, Tensor, nn

from model_store.locator.contract import HEATMAP_PX, INPUT_PX, LANDMARKS
from model_store.locator.network import decode, log_probability
from model_store.training import augment as a

_SHAPE = (INPUT_PX, INPUT_PX)
_HALF = (INPUT_PX // 2, INPUT_PX // 2)  # what lies on a film is drawn at half the resolution
_TARGET_SIGMA = 1.0  # of the heatmap's target, heatmap px
_NO_HAND = 0.12  # share of films without a hand
_CLOSE_UP = 0.5  # share of films like the second look: upright, a right hand, filling the frame
_KNUCKLES = [LANDMARKS.index("MCP2"), LANDMARKS.index("MCP5")]


class LocatorTask:
    """Random films from layers of hands.

    Args:
        training, validation: (bone, soft, landmarks) of ``pool.Hand``, stacked.
    """

    def __init__(
        self, training: Sequence[npt.NDArray[np.generic]], validation: Sequence[npt.NDArray[np.generic]]
    ) -> None:
        self._training = [torch.from_numpy(array) for array in training]
        held_out = [torch.from_numpy(array) for array in validation]
        generator = Generator().manual_seed(11)
        self._held_out = []
        for close_up in (0.0, 1.0):
            for part in torch.arange(len(held_out[0])).split(10):
                bone, soft, landmarks = (array[part] for array in held_out)
                films = compose_films(bone, soft, landmarks, generator, close_up, no_hand=0.0)
                self._held_out.append((close_up, *films))
        first = torch.arange(min(20, len(held_out[0])))
        bone, soft, landmarks = (array[first] for array in held_out)
        self._empty = compose_films(bone, soft, landmarks, generator, 0.3, no_hand=1.0)[0]

    def batch(self, size: int, generator: Generator) -> Mapping[str, Tensor]:
        """``image`` (N, 1, 256, 256), ``points`` (N, 19, 2) input px, ``present`` (N, 19) 0 or 1."""
        chosen = torch.randint(len(self._training[0]), (size,), generator=generator)
        bone, soft, landmarks = (array[chosen] for array in self._training)
        image, points, present = compose_films(bone, soft, landmarks, generator, _CLOSE_UP, _NO_HAND)
        return {"image": image, "points": points, "present": present}

    def loss(self, network: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
        """Cross-entropy between the heatmaps, with "not on this film" as one more pixel, and Gaussian targets."""
        log_heatmap = log_probability(network(batch["image"]))
        target = gaussian_targets(batch["points"], batch["present"])
        return -(target * log_heatmap).sum(-1).mean()

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Joint error relative to the breadth MCP2-MCP5, and confidence with and without a hand."""
        metrics: dict[str, float] = {}
        for name, kind in (("any_pose", 0.0), ("close_up", 1.0)):
            errors, seen = [], []
            for close_up, image, points, present in self._held_out:
                if close_up != kind:
                    continue
                found, confidence = decode(network(image))
                breadth = (points[:, _KNUCKLES[0]] - points[:, _KNUCKLES[1]]).norm(dim=-1, keepdim=True)
                error = (found - points).norm(dim=-1) / breadth
                joints = present[:, :14] > 0
                errors.append(error[:, :14][joints])
                seen.append(confidence[:, :14][joints])
            error = torch.cat(errors)
            metrics[f"{name}_median_error"] = float(error.median())
            metrics[f"{name}_missed"] = float((error > 0.2).float().mean())
            metrics[f"{name}_confidence"] = float(torch.cat(seen).mean())
        metrics["no_hand_confidence"] = float(decode(network(self._empty))[1].mean(dim=1).max())
        return metrics


def gaussian_targets(points: Tensor, present: Tensor) -> Tensor:
    """Target distributions (N, L, 128 * 128 + 1): a Gaussian about each landmark, or all on the last, "not here"."""
    stride = INPUT_PX / HEATMAP_PX
    centre = (points - (stride - 1) / 2) / stride
    axis = torch.arange(HEATMAP_PX, dtype=torch.float32)
    x = torch.exp(-0.5 * ((axis - centre[..., :1]) / _TARGET_SIGMA) ** 2)
    y = torch.exp(-0.5 * ((axis - centre[..., 1:]) / _TARGET_SIGMA) ** 2)
    x, y = (axis_weight / axis_weight.sum(-1, keepdim=True).clamp_min(1e-12) for axis_weight in (x, y))
    heatmap = (y[..., :, None] * x[..., None, :]).flatten(2)
    return torch.cat([heatmap * present[..., None], (1 - present)[..., None]], dim=-1)


def compose_films(
    bone: Tensor, soft: Tensor, landmarks: Tensor, generator: Generator, close_up: float, no_hand: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Films of hands.

    Args:
        bone, soft: (N, H, W) path in mm; landmarks: (N, 19, 2) on them.
        close_up: share of upright right hands that fill the frame; the others are turned and framed anyhow.
        no_hand: share of films that show no whole hand.

    Returns:
        image (N, 1, 256, 256), any scale; points (N, 19, 2); present (N, 19), 1 where a landmark is on the film.
    """
    count = len(bone)
    points = landmarks.float()
    view = _view(points, a.sometimes(count, close_up, generator), generator)
    layers = torch.stack([bone, soft], dim=1).float()
    warped = _sampled(layers, view)
    points = a.transform(a.inverse(view), points)
    image = _film(warped[:, :1], warped[:, 1:], generator)
    empty = a.sometimes(count, no_hand, generator)
    if (where := empty.nonzero()[:, 0]).numel():
        image[where] = _without_hand(image[where], generator)
    image = _finish(_furniture(image, generator), generator)
    inside = ((points > -0.5) & (points < INPUT_PX - 0.5)).all(-1).float()
    return image, points, inside * (1 - empty)[:, None]


def _sampled(layers: Tensor, view: Tensor) -> Tensor:
    """The view of the layers; where its pixels are coarse, of layers of half the resolution, so nothing aliases."""
    warped = a.warp(layers, view, _SHAPE)
    coarse = (torch.linalg.det(view[..., :2]).abs() > 1.7**2).nonzero()[:, 0]
    if coarse.numel():
        linear, offset = view[coarse, :, :2] / 2, (view[coarse, :, 2:] - 0.5) / 2
        halved = torch.cat([linear, offset], dim=-1)
        warped[coarse] = a.warp(nn.functional.avg_pool2d(layers[coarse], 2), halved, _SHAPE)
    return warped


def _view(points: Tensor, close: Tensor, generator: Generator) -> Tensor:
    """Where the film's 256 x 256 pixels are on the layers, (N, 2, 3)."""
    count = len(points)
    low, high = points.amin(1), points.amax(1)
    middle, length = (low + high) / 2, (high - low).amax(-1)
    any_turn = a.uniform(count, -180.0, 180.0, generator)
    near_upright = a.normal(count, 20.0, generator)
    free_angle = torch.where(a.sometimes(count, 0.6, generator) > 0, any_turn, near_upright)
    angle = torch.where(close > 0, a.normal(count, 9.0, generator), free_angle)
    share = torch.where(
        close > 0, a.uniform(count, 0.72, 1.02, generator), a.uniform(count, 0.3, 1.0, generator)
    )
    step = length / (share * INPUT_PX)
    stretch = torch.exp(a.normal(count, 0.06, generator))
    mirrored = a.sometimes(count, 0.5, generator) * (1 - close)
    room = torch.where(close > 0, torch.tensor(0.05), (1.05 - share).clamp_min(0.08) / 2)
    shift = (2 * torch.rand(count, 2, generator=generator) - 1) * room[:, None] * INPUT_PX
    centre_out = torch.full((count, 2), (INPUT_PX - 1) / 2) + shift
    return a.affine(angle, torch.stack([step * stretch, step / stretch], -1), middle, centre_out, mirrored)


def _film(bone: Tensor, soft: Tensor, generator: Generator) -> Tensor:
    """Attenuation through hand, on a film 0..1."""
    count = len(bone)

    def draw(low: float, high: float) -> Tensor:
        return a.uniform(count, low, high, generator)[:, None, None, None]

    waves = a.band_noise(count, _SHAPE, a.uniform(count, 6.0, 60.0, generator), generator)
    path = draw(0.2, 1.0) * bone * (1 + draw(0.0, 0.25) * waves) + draw(0.02, 0.16) * soft
    film = a.unit_range(1 - torch.exp(-path * draw(0.08, 0.5)))
    scatter = a.blur_widely(film, a.uniform(count, 8.0, 20.0, generator))
    return film + draw(0.0, 0.3) * scatter


def _full_size(image: Tensor) -> Tensor:
    return nn.functional.interpolate(image, size=_SHAPE, mode="bilinear")


def _without_hand(image: Tensor, generator: Generator) -> Tensor:
    """Films that are not of a hand: a hand cut into tiles and shuffled, or bars and blobs, or nothing."""
    count = len(image)
    jigsaw = torch.empty_like(image)
    for i in range(count):
        tiles = int(torch.randint(2, 6, (1,), generator=generator))
        side = INPUT_PX // tiles
        parts = image[i, 0, : side * tiles, : side * tiles].reshape(tiles, side, tiles, side).transpose(1, 2)
        order = torch.randperm(tiles * tiles, generator=generator)
        parts = parts.reshape(-1, side, side)[order]
        if tiles == 2:  # a quarter of a hand is no hand either, four times over
            parts = parts[:1].expand(4, -1, -1)
        whole = parts.reshape(tiles, tiles, side, side).transpose(1, 2).reshape(side * tiles, side * tiles)
        jigsaw[i, 0] = nn.functional.interpolate(whole[None, None], size=_SHAPE)[0, 0]
    jigsaw = a.blur(jigsaw, a.uniform(count, 0.0, 3.0, generator))
    body = torch.zeros(count, 1, *_HALF)
    for _ in range(10):
        centre = torch.rand(count, 2, generator=generator) * _HALF[0]
        half = torch.stack(
            [a.uniform(count, 2.0, 45.0, generator), a.uniform(count, 2.0, 20.0, generator)], -1
        )
        angle = a.uniform(count, -90.0, 90.0, generator)
        filled, outline = a.rectangles(_HALF, centre, half, angle, edge_px=2.0)
        body = body + a.uniform(count, 0.0, 0.5, generator)[:, None, None, None] * filled
        body = body + a.uniform(count, 0.0, 0.3, generator)[:, None, None, None] * outline
    rough = a.band_noise(count, _HALF, a.uniform(count, 8.0, 45.0, generator), generator)
    body = _full_size(a.unit_range(body + 0.4 * a.unit_range(rough)))
    kind = torch.rand(count, generator=generator)[:, None, None, None]
    return torch.where(kind < 0.45, jigsaw, torch.where(kind < 0.93, body, 0.05 * body))


def _furniture(image: Tensor, generator: Generator) -> Tensor:
    """What else is on films: collimation, cassette frames, white borders, exposed bands, markers with letters."""
    count = len(image)

    def draw(low: float, high: float, probability: float = 1.0) -> Tensor:
        drawn = a.uniform(count, low, high, generator) * a.sometimes(count, probability, generator)
        return drawn[:, None, None, None]

    shade = torch.linspace(-1, 1, INPUT_PX)
    image = image + draw(0.0, 0.25, 0.6)  # fog
    image = image + draw(-0.15, 0.15) * shade + draw(-0.15, 0.15) * shade.reshape(1, 1, -1, 1)
    gain, add = torch.ones(count, 1, *_HALF), torch.zeros(count, 1, *_HALF)
    side = _HALF[0]
    for probability in (0.3, 0.25):  # frames around the field
        half = torch.stack(
            [a.uniform(count, 0.42, 0.56, generator), a.uniform(count, 0.42, 0.56, generator)], -1
        )
        turn = a.normal(count, 8.0, generator) + 35.0 * a.sometimes(count, 0.15, generator)
        centre = side / 2 + torch.randn(count, 2, generator=generator) * 4
        filled, outline = a.rectangles(_HALF, centre, half * side, turn, edge_px=0.5)
        level = draw(-0.3, 1.0, probability)
        kept = 1 - (level != 0).float() * (1 - filled)
        gain, add = gain * kept, add * kept + level * (1 - filled) + draw(0.0, 0.8, probability) * outline
    for _ in range(2):  # bands exposed twice
        centre = torch.rand(count, 2, generator=generator) * side
        half = torch.stack(
            [a.uniform(count, 5.0, 150.0, generator), a.uniform(count, 3.0, 30.0, generator)], -1
        )
        filled, _ = a.rectangles(_HALF, centre, half, a.uniform(count, -90.0, 90.0, generator), edge_px=0.5)
        add = add + draw(-0.15, 0.25, 0.2) * filled
    plate, ink = _marker(count, generator)
    gain, add, ink = _full_size(torch.cat([gain, add + plate, ink], dim=1)).split(1, dim=1)
    return torch.maximum(image * gain + add, ink)


def _marker(count: int, generator: Generator) -> tuple[Tensor, Tensor]:
    """A lead marker near the edge, at half the resolution: a plate to add, and strokes on it like letters."""
    side_px = _HALF[0]
    present = a.sometimes(count, 0.6, generator)[:, None, None, None]
    edge = torch.randint(0, 4, (count,), generator=generator)
    along, depth = a.uniform(count, 10.0, 118.0, generator), a.uniform(count, 4.0, 25.0, generator)
    near = torch.where(edge % 2 == 0, depth, side_px - depth)
    centre = torch.where((edge < 2)[:, None], torch.stack([along, near], -1), torch.stack([near, along], -1))
    turn = a.uniform(count, -45.0, 45.0, generator)
    half = torch.stack([a.uniform(count, 3.0, 7.0, generator), a.uniform(count, 3.0, 11.0, generator)], -1)
    plate = a.rectangles(_HALF, centre, half, turn, edge_px=0.5)[0]
    level = a.uniform(count, -0.2, 0.35, generator)[:, None, None, None]
    bright = a.uniform(count, 0.3, 1.0, generator)[:, None, None, None]
    ink = torch.zeros(count, 1, *_HALF)
    for stroke in range(5):
        offset = (torch.rand(count, 2, generator=generator) - 0.5) * half
        long = a.uniform(count, 1.0, 3.5, generator)
        size = torch.stack([long, torch.full_like(long, 0.5)], -1)
        bar, ring = a.rectangles(_HALF, centre + offset, size, turn + 90.0 * (stroke % 2), edge_px=0.4)
        letter = torch.where(a.sometimes(count, 0.2, generator)[:, None, None, None] > 0, ring, bar)
        ink = torch.maximum(ink, letter)
    return present * level * plate, present * bright * ink


def _finish(image: Tensor, generator: Generator) -> Tensor:
    """Display curve, processing, resolution, noise and clipping."""
    count = len(image)
    top = torch.quantile(image.flatten(1)[:, ::17], 0.998, dim=1)[:, None, None, None]
    image = (image / top.clamp_min(1e-3)).clamp(0, 1.05)
    image = a.tone(image, generator)
    image = a.sharpened(image, generator, (5.0, 40.0), 1.2)
    image = a.blur(image, a.uniform(count, 0.0, 1.0, generator))
    image = a.sharpened(image, generator, (0.7, 2.0), 1.2)
    return a.noisy(image, generator, 0.06, 0.03)
