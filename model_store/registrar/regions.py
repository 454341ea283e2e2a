"""Where a bone may be compared: its mask grown over its edge, without what the other bone covers."""

from __future__ import annotations

import torch
from torch import Tensor

from model_store.registrar.spline import smooth

#: A mask that ends on the bone's edge loses half of the edge profile and pulls dy; grown by this it holds all of it.
GROW_MM = 0.5
#: The other bone is left out with this margin.
MARGIN_MM = 0.25
#: Softness of a bone's silhouette, one sigma: the reach of its halo.
SILHOUETTE_MM = 0.6
#: Rows of a bone, by their depth below its articular end, that say where the finger's middle is.
END_ROWS_MM = (1.0, 5.0)
#: A row narrower than this belongs to a spur or a speck, not to the bone's end.
NARROWEST_ROW_MM = 2.0


def dilate(masks: Tensor, radius_px: float) -> Tensor:
    """Grow (N, H, W) boolean masks by an octagon of about ``radius_px``."""
    grown = masks
    for step in range(round(radius_px)):
        grown = _across(_down(grown)) if step % 2 == 0 else _across(grown) | _down(grown)
    return grown


def _across(masks: Tensor) -> Tensor:
    grown = masks.clone()
    grown[..., 1:] |= masks[..., :-1]
    grown[..., :-1] |= masks[..., 1:]
    return grown


def _down(masks: Tensor) -> Tensor:
    return _across(masks.transpose(-1, -2)).transpose(-1, -2)


def bone_regions(masks: Tensor, spacing_mm: float) -> Tensor:
    """Soft regions (N, 2, H, W) in [0, 1] from bone masks (N, 2, H, W), upper then lower.

    The border of the image fades out, so that no region ends in a step.
    """
    n, _, height, width = masks.shape
    bones = masks > 0.5
    grown = dilate(bones.flatten(0, 1), GROW_MM / spacing_mm)
    other = dilate(bones.flip(1).flatten(0, 1), MARGIN_MM / spacing_mm)
    region = (grown & ~other).float()
    region[:, :2], region[:, -2:], region[..., :2], region[..., -2:] = 0, 0, 0, 0
    soft = torch.nn.functional.avg_pool2d(region[:, None], 3, stride=1, padding=1)[:, 0] * region
    return soft.view(n, 2, height, width)


def silhouettes(masks: Tensor, spacing_mm: float) -> Tensor:
    """Soft silhouettes (2 N, 2, H, W) from bone masks (N, 2, H, W): for each bone its own and the other bone's.

    Its own is about the bone's thickness, which stands out against the soft tissue by how hard the beam was; the
    other's is the shape of what that bone spreads over this one by blur, scatter and edge enhancement.
    """
    soft = smooth(masks.flatten(0, 1), SILHOUETTE_MM / spacing_mm).view_as(masks)
    return torch.stack([soft, soft.flip(1)], dim=2).flatten(0, 1)


def joint_centres(masks: Tensor, spacing_mm: float) -> Tensor:
    """Joint centres (N, 2) as (x, y) px of bone masks (N, 2, H, W), upper then lower: where motion is read.

    A bone that turned in the plane moves its points by as much as they lie beside the axis that it turned about, so
    every film of a joint must be read at the same place: across the finger in the middle between both bones' ends,
    along it in the middle of the joint space. Where a bone is not seen, the image centre is taken.
    """
    height, width = masks.shape[-2:]
    bones = masks > 0.5
    x, x_known = _across_the_finger(bones, spacing_mm)
    y, y_known = _along_the_finger(bones)
    middle = torch.tensor([(width - 1) / 2, (height - 1) / 2], device=masks.device)
    return torch.where((x_known & y_known)[:, None], torch.stack([x, y], -1), middle)


def _across_the_finger(bones: Tensor, spacing_mm: float) -> tuple[Tensor, Tensor]:
    """The middle (N,) px between both bones' ends, each the mean of its rows' middles; and whether it is known."""
    upright = torch.stack([bones[:, 0], bones[:, 1].flip(-2)], 1)
    column = torch.arange(bones.shape[-1], device=bones.device, dtype=torch.float32)
    row = torch.arange(bones.shape[-2], device=bones.device, dtype=torch.float32)
    count = upright.sum(-1)
    middle = (upright * column).sum(-1) / count.clamp(min=1)
    bone = count >= NARROWEST_ROW_MM / spacing_mm
    end = torch.where(bone, row, -1.0).amax(-1, keepdim=True)
    depth_mm = (end - row) * spacing_mm
    used = (bone & (depth_mm >= END_ROWS_MM[0]) & (depth_mm <= END_ROWS_MM[1])).float()
    total = used.sum(-1)
    return ((middle * used).sum(-1) / total.clamp(min=1)).mean(1), (total > 0).all(1)


def _along_the_finger(bones: Tensor) -> tuple[Tensor, Tensor]:
    """The middle (N,) px of the joint space, and whether it is known.

    Columns where both bones are seen vote for the middle between the upper bone's end and the lower bone's; the
    outer thirds, where the bones curve away, do not.
    """
    height = bones.shape[-2]
    row = torch.arange(height, device=bones.device, dtype=torch.float32)[None, :, None]
    end_of_upper = torch.where(bones[:, 0], row, -1.0).amax(1)
    start_of_lower = torch.where(bones[:, 1], row, float(height)).amin(1)
    both = (end_of_upper >= 0) & (start_of_lower < height)
    count, place = both.sum(1, keepdim=True), both.cumsum(1) - 1
    third = count // 3
    inner = (both & (place >= third) & (place < count - third)).float()
    middle = 0.5 * (end_of_upper + start_of_lower)
    return (middle * inner).sum(1) / inner.sum(1).clamp(min=1), count[:, 0] >= 3
