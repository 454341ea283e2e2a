"""Sections of the benchmark: measured, printed, kept, and in full mode written to RESULTS.md with their figures."""

from __future__ import annotations

import datetime
import os
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import matplotlib as mpl
import torch
from matplotlib.figure import Figure

from tests.benchmarks import store
from tests.benchmarks.measure import Row
from tests.benchmarks.settings import FULL, HERE
from workers.version import code_version

#: Sections in the order of RESULTS.md: name (``make benchmark ONLY=name``) and title.
SECTIONS = {
    "in_plane": "In-plane motion, known truth",
    "out_of_plane": "Out-of-plane turns, known truth",
    "varied_exposure": "Different machines, known truth",
    "robustness": "Against noise, rotation and scaling",
    "mismatch": "Mismatches, hard joints among ordinary ones",
    "sigma": "Whether sigma tells the truth",
    "physical_phantom": "Physical phantom",
    "closure": "Closure and forward/backward on real repeat films",
    "segmentation": "Segmentation of real joints",
    "joint_location": "Joint location on real hands",
    "speed": "Speed",
}
RESULTS = HERE / "RESULTS.md"
PLOTS = HERE / "plots"


@dataclass
class Found:
    """What a section found: ``text`` in Markdown, ``rows`` for other sections, ``figures`` by file name."""

    text: str
    rows: list[Row] = field(default_factory=list)
    figures: dict[str, Figure] = field(default_factory=dict)


def section(name: str, measure: Callable[[], Found]) -> list[Row]:
    """Measure a section, or in full mode take what this very code has found before, and print it."""
    torch.set_num_threads(1)
    kept = store.finished(name) if FULL else None
    if kept is None:
        start = time.perf_counter()
        found = measure()
        kept = {
            "text": found.text,
            "rows": [asdict(row) for row in found.rows],
            "seconds": time.perf_counter() - start,
            "code": code_version(),
            "machine": machine(),
            "when": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
            "figures": _save_figures(found.figures) if FULL else [],
        }
        store.finish(name, kept)
    print(f"\n\n## {SECTIONS[name]}  ({kept['seconds']:.0f} s)\n\n{kept['text']}")
    if FULL:
        RESULTS.write_text(_results())
    return [Row(**row) for row in kept["rows"]]


def rows_of(name: str) -> list[Row]:
    """What a section of this code and mode has found, nothing where it was not run."""
    kept = store.finished(name)
    return [Row(**row) for row in kept["rows"]] if kept else []


def machine() -> str:
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [
            line.split(":", 1)[1].strip()
            for line in cpuinfo.read_text().splitlines()
            if line.startswith("model name")
        ]
        model = names[0] if names else model
    card = f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{model}, {os.cpu_count()} cores, torch {torch.__version__}{card}{load}"


def _save_figures(figures: dict[str, Figure]) -> list[str]:
    PLOTS.mkdir(exist_ok=True)
    with mpl.rc_context({"svg.hashsalt": "benchmark", "svg.fonttype": "none"}):
        for name, figure in figures.items():
            figure.savefig(PLOTS / name, bbox_inches="tight", metadata={"Date": None})
    return list(figures)


def _results() -> str:
    parts = [
        "# What the benchmark found\n",
        "Written by `make benchmark FULL=1`; nothing here is written by hand. One core throughout. Errors are of JSN, "
        "mm, measured less true; intervals of RMSE are bootstrap over hands, of shares exact (Clopper-Pearson), both "
        "95 %. "
        "The commit named is the one checked out; `-dirty` means files differed from it.\n",
    ]
    for name, title in SECTIONS.items():
        kept: dict[str, Any] | None = store.finished(name)
        parts.append(f"## {title}\n")
        if kept is None:
            parts.append("Not run with this code.\n")
            continue
        parts.append(kept["text"] + "\n")
        parts += [f"![{title}](plots/{figure})\n" for figure in kept["figures"]]
        parts.append(
            f"`make benchmark FULL=1 ONLY={name}`, code {kept['code']}, {kept['when']}, {kept['seconds']:.0f} s, "
            f"{kept['machine']}\n"
        )
    return "\n".join(parts)
