"""Plots of the benchmark, as small SVG files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

Floats = npt.NDArray[np.float64]
#: (x, y, low, high)
Curve = tuple[Sequence[float], Sequence[float], Sequence[float] | None, Sequence[float] | None]

OURS = "JSN"
#: Okabe & Ito's palette: told apart by the colour-blind too, and each method has a marker of its own.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_MARKERS = "osDv^P*"


def curves(
    panels: Mapping[str, Mapping[str, Curve]], x_labels: Mapping[str, str], y_label: str, *, log: bool = False
) -> Figure:
    """One panel for each entry, one line for each method, with the interval as a band."""
    figure = Figure(figsize=(4.0 * len(panels), 3.4), layout="constrained")
    axes = np.atleast_1d(figure.subplots(1, len(panels), sharey=True))
    names = list(dict.fromkeys(name for panel in panels.values() for name in panel))
    for axis, (title, panel) in zip(axes, panels.items(), strict=True):
        for name, (x, y, low, high) in panel.items():
            number = names.index(name) % len(_COLOURS)
            style = {"color": _COLOURS[number], "marker": _MARKERS[number], "markersize": 4}
            axis.plot(x, y, label=name, linewidth=2.2 if name.startswith(OURS) else 1.0, **style)
            if low is not None and high is not None:
                axis.fill_between(x, low, high, color=_COLOURS[number], alpha=0.15, linewidth=0)
        _finish(axis, title, x_labels[title])
        if log:
            axis.set_yscale("log")
    axes[0].set_ylabel(y_label)
    axes[-1].legend(fontsize=7, frameon=False)
    return figure


def bars(
    values: Mapping[str, tuple[float, float, float]], line: float, line_label: str, x_label: str
) -> Figure:
    """A bar (value, low, high) for each method on a logarithmic axis, and a line that none can pass."""
    figure = Figure(figsize=(6.0, 0.42 * len(values) + 1.0), layout="constrained")
    axis = figure.subplots()
    names = list(values)[::-1]
    middle = np.array([values[name][0] for name in names])
    spread = np.array([[m - values[n][1], values[n][2] - m] for n, m in zip(names, middle, strict=True)]).T
    colours = [_COLOURS[0] if name.startswith(OURS) else "#999999" for name in names]
    axis.barh(names, middle, xerr=np.maximum(spread, 0), color=colours, error_kw={"elinewidth": 1})
    axis.axvline(line, color=_COLOURS[1], linestyle="--", linewidth=1.2, label=line_label)
    axis.set_xscale("log")
    axis.legend(fontsize=7, frameon=False)
    _finish(axis, "", x_label)
    return figure


def calibration(curves_by_name: Mapping[str, tuple[Floats, Floats]]) -> Figure:
    """Share of errors found within the intervals of each level against that level."""
    figure = Figure(figsize=(4.0, 3.6), layout="constrained")
    axis = figure.subplots()
    axis.plot([0, 1], [0, 1], color="#999999", linewidth=1, label="calibrated")
    for number, (name, (level, share)) in enumerate(curves_by_name.items()):
        axis.plot(level, share, label=name, color=_COLOURS[number % len(_COLOURS)])
    axis.set_ylabel("errors within it")
    axis.legend(fontsize=7, frameon=False)
    _finish(axis, "", "level of the interval")
    return figure


def _finish(axis: Axes, title: str, x_label: str) -> None:
    axis.set_title(title, fontsize=9)
    axis.set_xlabel(x_label)
    axis.grid(True, alpha=0.25, linewidth=0.5)
    axis.spines[["top", "right"]].set_visible(False)
