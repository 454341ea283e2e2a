"""On real films, where they are at hand: `make benchmark`. Nothing here asserts on figures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import combinations, permutations

import numpy as np
import pytest

from tests.benchmarks import settings
from tests.benchmarks.cases import Case
from tests.benchmarks.measure import Row, by_peer, by_pipeline
from tests.benchmarks.peers import PEERS
from tests.benchmarks.real import (
    PHANTOM_JSN_MM,
    PHANTOM_SPACING_MM,
    SERIES_SPACING_MM,
    Series,
    halved,
    physical_phantom,
    repeat_films,
)
from tests.benchmarks.report import Found, section
from tests.benchmarks.scores import rms
from tests.benchmarks.table import percent, table, verdict
from workers.inference import get_backend
from workers.pipeline.segment import segment_rois
from workers.pipeline.types import BoolArray

pytestmark = [
    pytest.mark.timeout(7200),
    pytest.mark.skipif(
        not settings.DATA.is_dir(), reason="the real films of ../shared/data are not on this machine"
    ),
]


def test_physical_phantom() -> None:
    section("physical_phantom", _physical_phantom)


def test_closure() -> None:
    section("closure", _closure)


def test_segmentation() -> None:
    section("segmentation", _segmentation)


def _physical_phantom() -> Found:
    lines, rows = [], []
    for kind, spacing_mm in PHANTOM_SPACING_MM.items():
        case = physical_phantom(kind)
        found = {
            "JSN, own masks": by_pipeline([case], true_masks=False, spacing_mm=spacing_mm).rows[0],
            "JSN, masks given": by_pipeline([case], true_masks=True, spacing_mm=spacing_mm).rows[0],
            **{name: by_peer(name, [case], spacing_mm).rows[0] for name in PEERS},
        }
        for name, row in found.items():
            back = _backward(name, case, spacing_mm)
            lines.append(
                [
                    kind,
                    name,
                    f"{row.jsn_mm:+.4f}",
                    f"{row.error_mm:+.4f}",
                    f"{back + PHANTOM_JSN_MM:+.4f}",
                    f"{row.sigma_mm:.4f}" if np.isfinite(row.sigma_mm) else "",
                    row.reliability,
                ]
            )
            rows.append(row)
    own = [row for row in rows if row.method == "JSN, own masks"]
    worst = max(abs(row.error_mm) for row in own)
    text = (
        "The space widens from 1.20 to 1.70 mm: true JSN -0.50. One segmentation is given; on the second film the "
        "lower bone's is moved with it.\n\n"
        + table(("film", "method", "JSN mm", "error", "error, films swapped", "sigma", "reliability"), lines)
        + f"\n\n- Target <= 0.006 mm: {verdict(worst <= 0.006)} ({worst:.4f}, own masks, the worse of both films)"
    )
    return Found(text, rows)


def _backward(name: str, case: Case, spacing_mm: float) -> float:
    """JSN with the films exchanged."""
    swapped = replace(
        case,
        fixed=case.moving,
        moving=case.fixed,
        fixed_masks=case.moving_masks,
        moving_masks=case.fixed_masks,
    )
    if name in PEERS:
        return by_peer(name, [swapped], spacing_mm).rows[0].jsn_mm
    return by_pipeline([swapped], true_masks=name.endswith("given"), spacing_mm=spacing_mm).rows[0].jsn_mm


def _pair_case(series: Series, first: int, second: int) -> Case:
    return Case(
        f"{series.name} {first} {second}",
        series.name,
        series.rois[first],
        series.rois[second],
        series.masks[first],
        series.masks[second],
        float("nan"),
    )


#: JSN rows by series and pair of films
Pairs = dict[tuple[str, int, int], Row]


def _closure() -> Found:
    films = repeat_films()
    everything = _spread(films, settings.SERIES)
    ours = _registered(everything, "")
    lines = []
    halves = {
        "all series": everything,
        "even half (0, 2, ...)": [s for s in everything if films.index(s) % 2 == 0],
        "odd half (1, 3, ...)": [s for s in everything if films.index(s) % 2 == 1],
    }
    for label, half in halves.items():
        lines += _closure_lines(f"JSN, own masks; {label}", half, ours)
    few = _spread(films, settings.SERIES_PEERS)
    if few:
        lines += _closure_lines(f"JSN, own masks; {len(few)} series of the peers", few, ours)
    for name in PEERS if few else ():
        lines += _closure_lines(f"{name}; {len(few)} series, masks given", few, _registered(few, name))
    header = (
        "method; series", "triples", "closure RMS mm", "median", "95 %", "over 0.5 mm",
        "pairs", "there and back RMS", "median", "pairs called reliable",
    )  # fmt: skip
    reliable_triples = _closures(everything, ours, trusted=True)
    share = np.mean([row.reliability == "reliable" for row in ours.values()])
    series = np.mean([_all_reliable(s, ours) for s in everything])
    back = [v for s in everything for v in _there_and_back(s, ours, trusted=False)]
    targets = [
        f"closure RMS <= 0.035 mm over triples called reliable: {verdict(rms(reliable_triples) <= 0.035)}",
        f"median <= 0.012 mm: {verdict(float(np.median(np.abs(reliable_triples))) <= 0.012)}",
        f">= 90 % called reliable: {verdict(series >= 0.9)} ({percent(float(series))} of series with every pair, "
        f"{percent(float(share))} of pairs)",
        f"there and back median <= 0.008 mm: {verdict(float(np.nanmedian(np.abs(back))) <= 0.008)}",
    ]
    text = (
        f"{len(everything)} series of 3 or 4 films at {SERIES_SPACING_MM} mm/px, every ordered pair registered on its "
        "own; "
        "closure is J12 + J23 - J13 over every triple of films, there and back J12 + J21. Truth is not known: both "
        "vanish for a perfect reading, and also for one that is always wrong in the same way.\n\n"
        + table(header, lines)
        + "\n\n"
        + "\n".join(f"- Target {line}" for line in targets)
    )
    return Found(text, [*ours.values()])


def _spread(films: Sequence[Series], count: int) -> list[Series]:
    """``count`` of the series, spread over all."""
    count = min(count, len(films))
    return [films[i] for i in np.unique(np.linspace(0, len(films) - 1, count).astype(int))] if count else []


def _registered(series: Iterable[Series], peer: str) -> Pairs:
    """Every ordered pair of every series, by the pipeline with its own masks or by a peer with those given."""
    keys = [(s, a, b) for s in series for a, b in permutations(range(len(s.rois)), 2)]
    cases = [_pair_case(s, a, b) for s, a, b in keys]
    measured = (
        by_peer(peer, [halved(case) for case in cases], 2 * SERIES_SPACING_MM)
        if peer
        else by_pipeline(cases, true_masks=False, spacing_mm=SERIES_SPACING_MM)
    )
    return {(s.name, a, b): row for (s, a, b), row in zip(keys, measured.rows, strict=True)}


def _closures(series: Iterable[Series], pairs: Pairs, *, trusted: bool) -> list[float]:
    found = []
    for s in series:
        for a, b, c in combinations(range(len(s.rois)), 3):
            three = [pairs[s.name, *key] for key in ((a, b), (b, c), (a, c))]
            if trusted and any(row.reliability != "reliable" for row in three):
                continue
            found.append(three[0].jsn_mm + three[1].jsn_mm - three[2].jsn_mm)
    return [value for value in found if np.isfinite(value)]


def _there_and_back(series: Series, pairs: Pairs, *, trusted: bool) -> list[float]:
    found = []
    for a, b in combinations(range(len(series.rois)), 2):
        both = [pairs[series.name, a, b], pairs[series.name, b, a]]
        if not trusted or all(row.reliability == "reliable" for row in both):
            found.append(both[0].jsn_mm + both[1].jsn_mm)
    return found


def _all_reliable(series: Series, pairs: Pairs) -> bool:
    ordered = combinations(range(len(series.rois)), 2)
    return all(pairs[series.name, a, b].reliability == "reliable" for a, b in ordered)


def _closure_lines(label: str, series: Sequence[Series], pairs: Pairs) -> list[list[str]]:
    lines = []
    judged = any(pairs[s.name, 0, 1].reliability for s in series)
    for trusted in (False, True) if judged else (False,):
        closures = np.abs(_closures(series, pairs, trusted=trusted))
        back = np.abs([v for s in series for v in _there_and_back(s, pairs, trusted=trusted)])
        back = back[np.isfinite(back)]
        if not len(closures) or not len(back):
            continue
        ordered = [pairs[s.name, a, b] for s in series for a, b in combinations(range(len(s.rois)), 2)]
        share = np.mean([row.reliability == "reliable" for row in ordered])
        lines.append(
            [
                f"{label}{'; all three called reliable' if trusted else ''}",
                str(len(closures)),
                f"{rms(closures):.4f}",
                f"{np.median(closures):.4f}",
                f"{np.quantile(closures, 0.95):.4f}",
                str(int((closures > 0.5).sum())),
                str(len(back)),
                f"{rms(back):.4f}",
                f"{np.median(back):.4f}",
                percent(float(share)) if judged else "",
            ]
        )
    return lines


def _segmentation() -> Found:
    films = _spread(repeat_films(), settings.SERIES)
    rois = [roi for series in films for roi in series.rois]
    given = [masks for series in films for masks in series.masks]
    found = segment_rois(rois, SERIES_SPACING_MM, get_backend())
    dice = np.array(
        [
            [_dice(np.asarray(p > 0.5), m) for p, m in zip(*both, strict=True)]
            for both in zip(found, given, strict=True)
        ]
    )
    lines = [
        [
            bone,
            str(len(dice)),
            f"{np.median(dice[:, i]):.4f}",
            f"{dice[:, i].mean():.4f}",
            f"{np.quantile(dice[:, i], 0.05):.4f}",
            f"{dice[:, i].min():.4f}",
        ]
        for i, bone in enumerate(("upper", "lower"))
    ]
    medians = np.median(dice, axis=0)
    text = (
        f"{len(films)} series, each film on its own, against the outlines that come with them.\n\n"
        + table(("bone", "films", "median Dice", "mean", "5 %", "least"), lines)
        + f"\n\n- Target median >= 0.96 upper: {verdict(medians[0] >= 0.96)}; "
        + f">= 0.95 lower: {verdict(medians[1] >= 0.95)}"
    )
    return Found(text)


def _dice(one: BoolArray, other: BoolArray) -> float:
    return float(2 * (one & other).sum() / max(1, one.sum() + other.sum()))
