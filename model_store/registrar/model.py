"""The registrar as it is served: network and exhaustive search propose, Gauss-Newton refinement measures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file
from torch import Tensor

from model_store.base import Arrays
from model_store.registrar.network import INPUT_PX, INPUT_SPACING_MM, RegistrationNetwork
from model_store.registrar.refine import COARSE, FINE, Fit, Pair, refine
from model_store.registrar.regions import bone_regions, joint_centres, silhouettes
from model_store.registrar.second_look import second_look
from model_store.registrar.spline import sample, sample_linear, smooth, surface
from model_store.registrar.starts import best_start, model_free_starts
from model_store.registrar.unknowns import (
    LOG_GAIN,
    LOG_SCALE,
    ROTATION,
    SHIFT,
    UNKNOWNS,
    Settings,
    similarity,
)

#: A solution from another start counts as a rival when its cost is within this factor of the best.
RIVAL_COST = 1.25


def network_input(
    fixed: Tensor, moving: Tensor, fixed_masks: Tensor, moving_masks: Tensor, spacing_mm: float
) -> Tensor:
    """Sample (N, H, W) images and (N, 2, H, W) masks onto the network's grid about the image centre: (N, 6, 64, 64)."""
    height, width = fixed.shape[-2:]
    step = INPUT_SPACING_MM / spacing_mm
    axis = (torch.arange(INPUT_PX, dtype=torch.float32, device=fixed.device) - (INPUT_PX - 1) / 2) * step
    ys, xs = torch.meshgrid(axis + (height - 1) / 2, axis + (width - 1) / 2, indexing="ij")
    points = torch.stack([xs, ys], -1).view(1, -1, 2)

    def onto_grid(images: Tensor) -> Tensor:
        seen = smooth(images, 0.5 * step) if step > 1 else images
        return sample_linear(seen[:, None], points.expand(images.shape[0], -1, -1)).view(
            -1, INPUT_PX, INPUT_PX
        )

    channels = [fixed, moving, fixed_masks[:, 0], fixed_masks[:, 1], moving_masks[:, 0], moving_masks[:, 1]]
    return torch.stack([onto_grid(channel.float()) for channel in channels], dim=1)


def standardise(images: Tensor, masks: Tensor) -> Tensor:
    """Zero mean and unit deviation over the bones of (N, H, W) images with masks (N, 2, H, W)."""
    weight = (masks.amax(1) > 0.5).float()
    total = weight.sum((-2, -1), keepdim=True).clamp(min=1.0)
    mean = (images * weight).sum((-2, -1), keepdim=True) / total
    deviation = torch.sqrt(((images - mean) ** 2 * weight).sum((-2, -1), keepdim=True) / total)
    return (images - mean) / deviation.clamp(min=1e-6)


class Registrar:
    """Measures the motion of both bones of N joints at once. See ``__call__`` for shapes and units."""

    name = "registrar"
    input_names = ("fixed", "moving", "fixed_masks", "moving_masks", "spacing_mm")
    output_names = ("parameters", "centre_px", "sigma_mm", "warped", "loss", "loss_before", "metrics")

    def __init__(
        self, network: RegistrationNetwork, device: str = "cpu", settings: Settings | None = None
    ) -> None:
        self.device = torch.device(device)
        self.network = network.to(self.device).eval()
        self.settings = settings or Settings()

    def __call__(self, inputs: Arrays) -> dict[str, npt.NDArray[np.generic]]:
        """Register.

        Inputs: ``fixed, moving`` (N, H, W) float32; ``fixed_masks, moving_masks`` (N, 2, H, W), upper then lower, in
        [0, 1]; ``spacing_mm`` (N,), all equal. Outputs: ``parameters`` (N, 2, 4) = log scale, rotation rad
        (clockwise), dx mm, dy mm (down) of the upper and the lower bone from fixed to moving, read at the joint centre
        without what magnification adds; where the ROIs are turned to each other, dy_upper - dy_lower counts along
        the axis half-way between theirs, so that exchanging them only changes its sign; ``centre_px`` (N, 2), the
        joint centre in the fixed image; ``sigma_mm`` (N,) of dy_upper - dy_lower before calibration; ``warped``
        (N, 2, H, W) moving image warped onto fixed by each bone's motion, on the scale of the fixed image;
        ``loss, loss_before`` (N, 2, H, W) squared difference with and without registration, in variances of the
        fixed image over the bones; ``metrics`` (N, len(METRICS)).
        Raises ``ValueError`` where shapes or spacings do not fit.
        """
        fixed, moving, fixed_masks, moving_masks, spacing_mm = self._checked(inputs)
        with torch.inference_mode():
            fixed_scaled, moving_scaled = standardise(fixed, fixed_masks), standardise(moving, moving_masks)
            pair = self._pair(fixed_scaled, moving_scaled, fixed_masks, moving_masks, spacing_mm)
            moving_centre = joint_centres(moving_masks, spacing_mm)
            coarse, disagreement_mm = self._coarse(
                pair, fixed_scaled, moving_scaled, fixed_masks, moving_masks, moving_centre
            )
            fit = refine(pair, coarse, FINE, self.settings)
            fit = second_look(pair, fit, moving_centre, self.settings)
            anchor = _reading_points(fit.unknowns, pair.centre, moving_centre)
            centre = 0.5 * (anchor[0::2] + anchor[1::2])
            parameters = _parameters(fit.unknowns, pair.centre, centre, anchor, spacing_mm)
            outputs = {
                "parameters": parameters,
                "centre_px": centre,
                "sigma_mm": _jsn_sigma(fit, pair.centre, centre, anchor) * spacing_mm,
                "metrics": _metrics(fit, disagreement_mm, fixed_masks, spacing_mm),
                **_pictures(fit.unknowns, pair, fixed, moving_scaled, fixed_masks),
            }
        return {name: value.float().cpu().numpy() for name, value in outputs.items()}

    def _checked(self, inputs: Arrays) -> tuple[Tensor, Tensor, Tensor, Tensor, float]:
        def tensor(name: str) -> Tensor:
            return torch.as_tensor(np.asarray(inputs[name], np.float32), device=self.device)

        fixed, moving, spacing = tensor("fixed"), tensor("moving"), tensor("spacing_mm").reshape(-1)
        fixed_masks, moving_masks = tensor("fixed_masks"), tensor("moving_masks")
        n = fixed.shape[0]
        if fixed.ndim != 3 or moving.shape != fixed.shape:
            raise ValueError(
                f"fixed and moving must both be (N, H, W), got {tuple(fixed.shape)}, {tuple(moving.shape)}"
            )
        expected = (n, 2, *fixed.shape[1:])
        if tuple(fixed_masks.shape) != expected or tuple(moving_masks.shape) != expected:
            raise ValueError(
                f"masks must be {expected}, got {tuple(fixed_masks.shape)}, {tuple(moving_masks.shape)}"
            )
        if (
            n == 0
            or spacing.shape[0] != n
            or not bool((spacing == spacing[0]).all())
            or not float(spacing[0]) > 0
        ):
            raise ValueError("spacing_mm must be (N,) with one positive value for all joints of a request")
        if min(fixed.shape[1:]) < 16:
            raise ValueError("ROIs must be at least 16 pixels on each side")
        if not all(bool(torch.isfinite(t).all()) for t in (fixed, moving, fixed_masks, moving_masks)):
            raise ValueError("images and masks must be finite")
        return fixed, moving, fixed_masks, moving_masks, float(spacing[0])

    def _pair(
        self, fixed: Tensor, moving: Tensor, fixed_masks: Tensor, moving_masks: Tensor, spacing_mm: float
    ) -> Pair:
        return Pair(
            fixed=fixed,
            moving=moving,
            fixed_region=bone_regions(fixed_masks, spacing_mm).flatten(0, 1),
            moving_region=bone_regions(moving_masks, spacing_mm).flatten(0, 1),
            fixed_silhouettes=silhouettes(fixed_masks, spacing_mm),
            moving_silhouettes=silhouettes(moving_masks, spacing_mm),
            centre=joint_centres(fixed_masks, spacing_mm).repeat_interleave(2, 0),
            spacing_mm=spacing_mm,
        )

    def _coarse(
        self,
        pair: Pair,
        fixed: Tensor,
        moving: Tensor,
        fixed_masks: Tensor,
        moving_masks: Tensor,
        moving_centre: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Best of the coarse fits from all starts: unknowns (2 N, UNKNOWNS); what rivals disagree about, mm (N,)."""
        proposal = self.network(
            network_input(fixed, moving, fixed_masks, moving_masks, pair.spacing_mm)
        ).flatten(0, 1)
        by_network = proposal.new_zeros(proposal.shape[0], UNKNOWNS)
        by_network[:, ROTATION] = proposal[:, 1]
        by_network[:, SHIFT] = proposal[:, 2:4] / pair.spacing_mm
        starts = [by_network, *model_free_starts(pair, moving_centre)]
        chosen, apart_px = best_start(pair, starts, COARSE, self.settings, RIVAL_COST)
        return chosen, apart_px.view(-1, 2).amax(1) * pair.spacing_mm


def _moved(unknowns: Tensor, origin: Tensor, points: Tensor) -> Tensor:
    """Where fixed ``points`` (M, P, 2) lie in the moving image; ``origin`` (M, 2) is the frame's joint centre."""
    half = 0.5 * unknowns[:, None, SHIFT]
    return (
        (points - origin[:, None] + half) @ similarity(unknowns, 1.0).transpose(-1, -2)
        + half
        + origin[:, None]
    )


def _moved_back(unknowns: Tensor, origin: Tensor, points: Tensor) -> Tensor:
    """Inverse of ``_moved``."""
    half = 0.5 * unknowns[:, None, SHIFT]
    back = torch.linalg.inv(similarity(unknowns, 1.0)).transpose(-1, -2)
    carried: Tensor = (points - origin[:, None] - half) @ back - half + origin[:, None]
    return carried


def _reading_points(unknowns: Tensor, fixed_centre: Tensor, moving_centre: Tensor) -> Tensor:
    """Each bone's reading point (M, 2) in the fixed image: the joint centre, as both films together have it.

    Exchanging the films only changes the sign, and the bones' dy count along the axis half-way between the ROIs'.
    """
    carried = _moved_back(unknowns, fixed_centre, moving_centre.repeat_interleave(2, 0)[:, None])[:, 0]
    return 0.5 * (fixed_centre + carried)


def _parameters(
    unknowns: Tensor, origin: Tensor, centre: Tensor, anchor: Tensor, spacing_mm: float
) -> Tensor:
    """Parameters (N, 2, 4), read at ``anchor`` (M, 2); what scaling about ``centre`` adds is not motion of the bone."""
    lever = (anchor - centre.repeat_interleave(2, 0))[..., None]
    growth = (similarity(unknowns, 1.0) @ lever)[..., 0] * (1 - torch.exp(-unknowns[:, LOG_SCALE, None]))
    shift = _moved(unknowns, origin, anchor[:, None])[:, 0] - anchor - growth
    return torch.cat([unknowns[:, :2], shift * spacing_mm], dim=1).view(-1, 2, 4)


def _jsn_sigma(fit: Fit, origin: Tensor, centre: Tensor, anchor: Tensor) -> Tensor:
    """Standard deviation (N,) px of dy_upper - dy_lower, from the unknowns' covariance."""
    matrix = similarity(fit.unknowns, 1.0)
    half = 0.5 * fit.unknowns[:, SHIFT]
    around = (matrix @ (anchor - origin + half)[..., None])[..., 0]
    radial = (matrix @ (centre.repeat_interleave(2, 0) - origin + half)[..., None])[..., 0]
    row = torch.zeros(fit.unknowns.shape[0], UNKNOWNS, dtype=torch.float64, device=matrix.device)
    row[:, LOG_SCALE] = radial[:, 1]
    row[:, ROTATION] = around[:, 0]
    row[:, SHIFT] = 0.5 * (matrix[:, 1] + torch.tensor([0.0, 1.0], device=matrix.device))
    both = torch.cat([row[0::2], -row[1::2]], dim=1)
    variance = (both[:, None] @ fit.covariance @ both[..., None])[:, 0, 0]
    return torch.sqrt(variance.clamp(min=0))


def _metrics(fit: Fit, disagreement_mm: Tensor, masks: Tensor, spacing_mm: float) -> Tensor:
    support = fit.support.view(-1, 2) * spacing_mm**2
    binary = masks > 0.5
    area = binary.sum((-2, -1)) * spacing_mm**2
    overlap = (binary[:, 0] & binary[:, 1]).sum((-2, -1)) * spacing_mm**2 / area.amin(1).clamp(min=1e-6)
    cost = fit.cost.view(-1, 2)
    step = fit.step_px.view(-1, 2).amax(1) * spacing_mm
    gain = torch.exp(fit.unknowns[:, LOG_GAIN]).view(-1, 2)
    columns = [
        cost[:, 0],
        cost[:, 1],
        disagreement_mm,
        support[:, 0],
        support[:, 1],
        (support / area.clamp(min=1e-6)).amin(1),
        step,
        overlap,
        gain[:, 0],
        gain[:, 1],
        fit.film.view(-1, 2).amax(1),
    ]
    return torch.stack([column.float() for column in columns], dim=1)


def _pictures(
    unknowns: Tensor, pair: Pair, fixed: Tensor, moving_scaled: Tensor, masks: Tensor
) -> dict[str, Tensor]:
    """Warped moving images on the scale of the fixed ones, and the loss before and after."""
    n, height, width = fixed.shape
    ys, xs = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    grid = torch.stack([xs, ys], -1).view(1, -1, 2).to(fixed).expand(2 * n, -1, -1)
    coefficients = surface(pair.moving).coefficients.repeat_interleave(2, 0)
    warped = sample(coefficients, _moved(unknowns, pair.centre, grid)).view(n, 2, height, width)
    target = pair.fixed[:, None].expand(-1, 2, -1, -1)
    matched = _toned(warped, target, masks)
    weight = (masks.amax(1) > 0.5).float()
    total = weight.sum((-2, -1), keepdim=True).clamp(min=1.0)
    mean = (fixed * weight).sum((-2, -1), keepdim=True) / total
    deviation = torch.sqrt(((fixed - mean) ** 2 * weight).sum((-2, -1), keepdim=True) / total).clamp(min=1e-6)
    before = moving_scaled[:, None].expand(-1, 2, -1, -1)
    return {
        "warped": matched * deviation[:, None] + mean[:, None],
        "loss": (matched - target) ** 2,
        "loss_before": (before - target) ** 2,
    }


def _toned(images: Tensor, target: Tensor, masks: Tensor) -> Tensor:
    """``images`` (N, 2, H, W) in the tone of ``target`` inside ``masks``: a gain and a plane, by least squares."""
    height, width = images.shape[-2:]
    y = torch.linspace(-1, 1, height, device=images.device)[:, None].expand(height, width)
    x = torch.linspace(-1, 1, width, device=images.device)[None].expand(height, width)
    planes = torch.stack([torch.ones_like(x), x, y]).expand(*images.shape[:2], 3, height, width)
    basis = torch.cat([images[:, :, None], planes], 2).flatten(-2)
    weighted = basis * (masks > 0.5).flatten(-2)[:, :, None]
    normal = (weighted @ basis.transpose(-1, -2)).double()
    normal = normal + 1e-3 * torch.eye(4, dtype=torch.float64, device=images.device)
    wanted = (weighted @ target.flatten(-2)[..., None]).double()
    share = torch.linalg.solve(normal, wanted).float()
    return (share.transpose(-1, -2) @ basis).view_as(images)


def load(weights: Path, device: str = "cpu") -> Registrar:
    """The registrar with the network's ``weights`` (safetensors, half or single precision)."""
    network = RegistrationNetwork()
    network.load_state_dict({name: value.float() for name, value in load_file(weights).items()})
    return Registrar(network, device)
