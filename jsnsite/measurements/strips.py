"""A joint over time as small horizontal strips: number, 95 % interval and zero on one scale, drawn as plain SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jsnsite.measurements.models import JointMeasurement
from jsnsite.measurements.trend import Z_95
from jsnsite.pages.spark import RANGES_MM, SparkPoint

WIDTH, HEIGHT, MARGIN = 140, 18, 8


@dataclass(frozen=True)
class Strip:
    """One follow-up of the joint. ``low`` and ``high`` are the ends of the interval; ``beyond`` where they were cut
    off. ``mark`` is None where there is no number.
    """

    measurement: JointMeasurement
    status: str
    mark: SparkPoint | None = None
    low: str = ""
    high: str = ""
    zero: str = f"{WIDTH / 2:g}"


def interval_mm(measurement: JointMeasurement) -> tuple[float, float] | None:
    """The 95 % interval of JSN, mm; None without a number or a sigma."""
    if measurement.jsn_mm is None or measurement.jsn_sigma_mm is None:
        return None
    half_width_mm = Z_95 * measurement.jsn_sigma_mm
    return measurement.jsn_mm - half_width_mm, measurement.jsn_mm + half_width_mm


def strips(measurements: Sequence[JointMeasurement], *, show_flags: bool) -> tuple[list[Strip], float]:
    """A strip for each measurement, and the mm from the middle to either end of their common scale.

    A strip carries the mark of a flag only with ``show_flags``: an independent reader does not see the others'.
    """
    reach = max((abs(end) for m in measurements for end in interval_mm(m) or (m.jsn_mm or 0.0,)), default=0.0)
    range_mm = next((step for step in RANGES_MM if step >= reach), RANGES_MM[-1])
    return [_strip(m, range_mm, show_flags) for m in measurements], range_mm


def _strip(measurement: JointMeasurement, range_mm: float, show_flags: bool) -> Strip:
    flagged = show_flags and getattr(measurement, "flagged", False)
    status = "flagged" if flagged else measurement.reliability
    if measurement.jsn_mm is None:
        return Strip(measurement, status)

    def x(mm: float) -> str:
        share = max(-1.0, min(1.0, mm / range_mm))
        return f"{WIDTH / 2 + (WIDTH / 2 - MARGIN) * share:.1f}"

    low_mm, high_mm = interval_mm(measurement) or (measurement.jsn_mm, measurement.jsn_mm)
    mark = SparkPoint(x=x(measurement.jsn_mm), y=f"{HEIGHT / 2:g}", low=None, high=None, status=status)
    return Strip(measurement, status, mark, low=x(low_mm), high=x(high_mm))
