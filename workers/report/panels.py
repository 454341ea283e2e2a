"""The pictures of a joint that reports show side by side."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from workers.pipeline.types import JointResult
from workers.report import pictures
from workers.report.pictures import Rgb


def of_pair(result: JointResult, top: float) -> list[dict[str, str]]:
    """A registered pair: both ROIs, the warped one, the loss before and after; ``top``: the loss shown brightest."""
    window = pictures.grey_window(result.fixed)
    fixed = pictures.grey(result.fixed, window)
    warped = pictures.grey(result.warped, window)
    return [
        _picture("Baseline", pictures.with_outlines(fixed, result.masks)),
        *unregistered(result)[1:],
        _picture("Follow-up, warped onto it", pictures.with_outlines(warped, result.masks)),
        _picture("Loss before", pictures.loss_over(fixed, result.loss_before, top)),
        _picture("Loss after", pictures.loss_over(fixed, result.loss_map, top)),
    ]


def unregistered(result: JointResult) -> list[dict[str, str]]:
    """Both ROIs as they are."""
    pairs = (("Baseline", result.fixed), ("Follow-up", result.moving))
    return [
        _picture(title, pictures.enlarged(pictures.grey(image, pictures.grey_window(image))))
        for title, image in pairs
    ]


def _picture(title: str, picture: Rgb) -> dict[str, str]:
    return {"title": title, "address": pictures.data_uri(picture)}


def top_of_scale(results: Iterable[JointResult]) -> float:
    """One colour scale for all joints: a round number that 99 % of the loss after registration stays below."""
    losses = [result.loss_map[np.isfinite(result.loss_map)] for result in results]
    together = np.concatenate([loss for loss in losses if loss.size] or [np.ones(1, np.float32)])
    top = max(float(np.percentile(together, 99)), 1e-3)
    power = float(10 ** math.floor(math.log10(top)))
    steps: list[float] = [step * power for step in (1, 2, 5, 10)]
    return min(step for step in steps if step >= top * 0.999)


def colour_scale() -> str:
    """The loss map's colours from 0 to the top, as the address of a picture."""
    return pictures.data_uri(
        np.repeat(pictures.heat(np.linspace(0, 1, 256, dtype=np.float32))[None], 12, axis=0)
    )


def css_colour(rgb: tuple[int, int, int]) -> str:
    """A colour as style sheets have it."""
    return f"rgb({rgb[0]} {rgb[1]} {rgb[2]})"
