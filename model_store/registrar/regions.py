"""Where a bone may be compared: its mask grown over its edge, without what the other bone covers."""

from __future__ import annotations

import torch
from torch import Tensor

from model_store.registrar.spline import smooth

#: A mask that ends on the bone's edge loses half of the edge profile and pulls dy; grown by this it holds all of it.
GROW_MM = 0.5
#: The other bone is left out with this margin.
MARGIN_MM = 0.25
#: Reach of a bone's halo, one sigma.
HALO_MM = 0.6
#: Rows of a bone, by their depth below its articular end, that make its reading point.
END_ROWS_MM = (1.0, 5.0)
#: A row narrower than this belongs to a spur or a speck, not to the bone's end.
NARROWEST_ROW_MM = 2.0


def dilate(masks: Tensor, radius_px: float) -> Tensor:
    """Grow (N, H, W) binary masks by an octagon of about ``radius_px``."""
    grown = masks[:, None]
    for step in range(round(radius_px)):
        if step % 2 == 0:
            grown = torch.nn.functional.max_pool2d(grown, 3, stride=1, padding=1)
        else:
            across = torch.nn.functional.max_pool2d(grown, (1, 3), stride=1, padding=(0, 1))
            down = torch.nn.functional.max_pool2d(grown, (3, 1), stride=1, padding=(1, 0))
            grown = torch.maximum(across, down)
    return grown[:, 0]


def bone_regions(masks: Tensor, spacing_mm: float) -> Tensor:
    """Soft regions (N, 2, H, W) in [0, 1] from bone masks (N, 2, H, W), upper then lower.

    The border of the image fades out, so that no region ends in a step.
    """
    n, _, height, width = masks.shape
    binary = (masks > 0.5).float().flatten(0, 1)
    grown = dilate(binary, GROW_MM / spacing_mm)
    other = dilate(binary.view(n, 2, height, width).flip(1).flatten(0, 1), MARGIN_MM / spacing_mm)
    region = grown * (1 - other)
    region[:, :2], region[:, -2:], region[..., :2], region[..., -2:] = 0, 0, 0, 0
    soft = torch.nn.functional.avg_pool2d(region[:, None], 3, stride=1, padding=1)[:, 0] * region
    return soft.view(n, 2, height, width)


def halos(masks: Tensor, spacing_mm: float) -> Tensor:
    """Shape of what the other bone spreads over each bone by blur, scatter and edge enhancement: (N, 2, H, W)."""
    n, _, height, width = masks.shape
    return smooth(masks.flip(1).flatten(0, 1), HALO_MM / spacing_mm).view(n, 2, height, width)


def joint_centres(masks: Tensor) -> Tensor:
    """Joint centres (N, 2) as (x, y) px: the middle of the joint space between the bones (N, 2, H, W).

    Columns where both bones are seen vote for the middle between the upper bone's end and the lower bone's; the
    outer thirds, where the bones curve away, do not. Where no column has both, the image centre is taken.
    """
    n, _, height, width = masks.shape
    binary = masks > 0.5
    row = torch.arange(height, device=masks.device, dtype=torch.float32)[None, :, None]
    end_of_upper = torch.where(binary[:, 0], row, -1.0).amax(1)
    start_of_lower = torch.where(binary[:, 1], row, float(height)).amin(1)
    both = (end_of_upper >= 0) & (start_of_lower < height)
    column = torch.arange(width, device=masks.device, dtype=torch.float32)[None]
    centres = torch.empty(n, 2, device=masks.device)
    for i in range(n):
        columns = column[0, both[i]]
        if columns.numel() < 3:
            centres[i] = torch.tensor([(width - 1) / 2, (height - 1) / 2])
            continue
        inner = columns[columns.numel() // 3 : columns.numel() - columns.numel() // 3].long()
        middle = 0.5 * (end_of_upper[i, inner] + start_of_lower[i, inner])
        centres[i, 0] = columns.mean()
        centres[i, 1] = middle.mean()
    return centres


def reading_points(masks: Tensor, spacing_mm: float) -> Tensor:
    """Where the motion of the upper and of the lower bone is read: (N, 2, 2) as (x, y) px.

    A bone that turned in the plane moves its points by as much as they lie beside the axis that it turned about, so
    every film of a joint must be read at the same place: across the finger in the middle between both bones' ends,
    along it in each bone's own end. Where a bone is not seen, the image centre is taken.
    """
    _, _, height, width = masks.shape
    upright = torch.stack([masks[:, 0], masks[:, 1].flip(-2)], 1) > 0.5
    count = upright.sum(-1)
    column = torch.arange(width, device=masks.device, dtype=torch.float32)
    row = torch.arange(height, device=masks.device, dtype=torch.float32)
    middle = (upright * column).sum(-1) / count.clamp(min=1)
    bone = count >= NARROWEST_ROW_MM / spacing_mm
    end = torch.where(bone, row, -1.0).amax(-1, keepdim=True)
    depth_mm = (end - row) * spacing_mm
    used = (bone & (depth_mm >= END_ROWS_MM[0]) & (depth_mm <= END_ROWS_MM[1])).float()
    total = used.sum(-1)
    x = ((middle * used).sum(-1) / total.clamp(min=1)).mean(1, keepdim=True).expand(-1, 2)
    y = (row * used).sum(-1) / total.clamp(min=1)
    y = torch.stack([y[:, 0], height - 1 - y[:, 1]], 1)
    image_centre = torch.tensor([(width - 1) / 2, (height - 1) / 2], device=masks.device)
    return torch.where((total > 0).all(1)[:, None, None], torch.stack([x, y], -1), image_centre)
