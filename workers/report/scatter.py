"""A Bland-Altman plot as numbers for an SVG: points by reliability, bias, limits of agreement and their intervals."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from jsnsite.pages import words
from workers.report.agreement import Agreement, Measured

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 300, 56, 96, 12, 40
_TALLEST_MM = 1.0  # errors beyond this are drawn at the edge
_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


@dataclass(frozen=True)
class Point:
    """A difference in mm over its place on the x axis."""

    x: float
    y_mm: float
    reliability: str


def by_truth(rows: Sequence[Measured]) -> list[Point]:
    """Error over the true change, which takes the place of the mean of two methods where one of them is a reference
    (Krouwer, Stat Med 2008;27:778-780).
    """
    return [Point(row.truth_mm, row.error_mm, row.reliability.value) for row in rows if row.has_error]


def by_joint(rows: Sequence[Measured], joints: Sequence[str]) -> list[Point]:
    """Error over the joint: the true change of repeat films is 0 for all."""
    column = {joint: place for place, joint in enumerate(joints)}
    totals = {joint: sum(row.joint == joint and row.has_error for row in rows) for joint in joints}
    seen = dict.fromkeys(joints, 0)
    points = []
    for row in rows:
        if row.has_error:
            seen[row.joint] += 1
            x = column[row.joint] + 0.2 + 0.6 * seen[row.joint] / (totals[row.joint] + 1)
            points.append(Point(x, row.error_mm, row.reliability.value))
    return points


def round_trips(rows: Sequence[Measured]) -> list[Point]:
    """Forward plus backward over the mean of forward and reversed backward."""
    return [
        Point((row.jsn_mm - row.backward_mm) / 2, row.jsn_mm + row.backward_mm, row.reliability.value)
        for row in rows
        if math.isfinite(row.jsn_mm + row.backward_mm)
    ]


def plot(points: Sequence[Point], spread: Agreement, columns: Sequence[str] = ()) -> dict[str, Any]:
    """Everything that the drawing needs, in its own units; ``columns``: names along x instead of mm."""
    low_mm, high_mm = spread.limits_mm
    ordered = sorted(abs(point.y_mm) for point in points)
    usual = ordered[min(len(ordered) - 1, round(0.99 * len(ordered)))]
    wanted = [usual, *(abs(end) for end in (low_mm, high_mm) if math.isfinite(end))]
    top = min(_TALLEST_MM, 1.15 * max(*wanted, 0.02))
    ends = (0.0, float(len(columns))) if columns else _ends([point.x for point in points])
    x, y = _scale(*ends, LEFT, WIDTH - RIGHT), _scale(-top, top, HEIGHT - BOTTOM, TOP)
    half = spread.limit_half_interval_mm
    named = (("+1.96 SD", high_mm), ("bias", spread.bias_mm), ("−1.96 SD", low_mm))
    lines = [(name, value) for name, value in named if math.isfinite(value) and abs(value) <= top]
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "left": LEFT,
        "right": WIDTH - RIGHT,
        "span": WIDTH - RIGHT - LEFT,
        "middle": (LEFT + WIDTH - RIGHT) // 2,
        "base": HEIGHT - BOTTOM,
        "zero": y(0.0),
        "points": [
            {"x": x(p.x), "y": y(max(-top, min(top, p.y_mm))), "reliability": p.reliability} for p in points
        ],
        "beyond": sum(abs(point.y_mm) > top for point in points),
        "top": f"{top:.2f}",
        "lines": [
            {"name": name, "y": y(value), "text_y": text_y, "label": words.signed_mm(value, 3)}
            for (name, value), text_y in zip(lines, _apart([y(value) for _, value in lines]), strict=True)
        ],
        "bands": [
            {"y": y(min(top, value + half)), "height": y(max(-top, value - half)) - y(min(top, value + half))}
            for value in (low_mm, high_mm)
            if math.isfinite(value + half) and abs(value) <= top
        ],
        "y_ticks": [{"y": y(tick), "label": words.signed_mm(tick, 2)} for tick in _ticks(-top, top)],
        "x_ticks": [{"x": x(place + 0.5), "label": name} for place, name in enumerate(columns)]
        or [{"x": x(tick), "label": words.signed_mm(tick, 2)} for tick in _ticks(*ends)],
    }


def _ends(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    room = max(0.05 * (high - low), 0.005)
    return low - room, high + room


def _scale(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    return lambda value: round(start + (value - low) / (high - low) * (end - start), 1)


def _apart(heights: Sequence[float], least: float = 13.0) -> list[float]:
    """Heights of labels from the top down, moved so far that none covers the next."""
    if len(heights) < 3:
        return list(heights)
    upper, middle, lower = heights
    return [min(upper, middle - least), middle, max(lower, middle + least)]


def _ticks(low: float, high: float) -> list[float]:
    step = next((step for step in _STEPS if (high - low) / step <= 9), _STEPS[-1])
    return [step * i for i in range(math.ceil(low / step), math.floor(high / step) + 1)]
