"""Measures every pair of a site's repeat films, forward and backward, and keeps the worst of them to be looked at."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

import numpy as np

from workers.inference import InferenceBackend
from workers.management.films import Film, FilmUnreadable, read_film
from workers.management.material import Hand, Pair, masks_of
from workers.pipeline import quantify_hands, quantify_joints
from workers.pipeline.locate import locate_hand
from workers.pipeline.polarity import inverted
from workers.pipeline.types import JOINTS, BoolArray, JointResult, Laterality, LocatedJoint
from workers.report import LeftOut, Measured

#: How many of the worst pairs are kept with their pictures.
WORST = 8

Results = Mapping[str, JointResult]


@dataclass(frozen=True)
class How:
    """How films are read and compared.

    ``spacing_mm`` over what they say; ``laterality`` over what they and their folders say; ``invert`` where they show
    bone dark; ``are_rois``: they are pictures of one joint; ``use_masks``: those beside the ROIs count;
    ``change_unknown``: the films are of different visits, so that nobody knows what truly changed.
    """

    spacing_mm: float | None
    laterality: Laterality | None
    invert: bool
    are_rois: bool
    use_masks: bool
    change_unknown: bool = False


@dataclass
class Measurements:
    """What came of it, filled hand by hand."""

    rows: list[Measured] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    films: int = 0
    _worst: list[tuple[float, int, Measured, JointResult]] = field(default_factory=list)
    _order: Iterator[int] = field(default_factory=count)

    def add(self, row: Measured, result: JointResult) -> None:
        """One more joint; its pictures are kept while it is among the worst."""
        self.rows.append(row)
        if row.is_measured:
            entry = (row.badness_mm, -next(self._order), row, result)
            (heapq.heappush if len(self._worst) < WORST else heapq.heappushpop)(self._worst, entry)

    @property
    def worst(self) -> list[tuple[Measured, JointResult]]:
        """The largest errors, largest first."""
        return [(row, result) for _, _, row, result in sorted(self._worst, key=lambda entry: -entry[0])]


def measure(hands: Iterable[Hand], how: How, backend: InferenceBackend) -> Iterator[Measurements]:
    """All pairs of all hands; what is there so far after each hand. Raises ``InferenceError``."""
    found = Measurements()
    for number, hand in enumerate(hands, 1):
        if how.are_rois:
            _measure_rois(number, hand, how, backend, found)
        else:
            _measure_films(number, hand, how, backend, found)
        yield found


def _measure_films(number: int, hand: Hand, how: How, backend: InferenceBackend, found: Measurements) -> None:
    located: dict[int, tuple[Film, float, list[LocatedJoint]]] = {}
    for place, path in enumerate(hand.films):
        try:
            located[place] = _locate(path, hand, how, backend)
            found.films += 1
        except (FilmUnreadable, ValueError) as error:
            found.left_out.append(LeftOut(number, place + 1, "", _without_name(str(error), path)))
    for pair in hand.pairs:
        if pair.first not in located or pair.second not in located:
            continue
        one, two = located[pair.first], located[pair.second]
        forward, backward = (
            quantify_hands(a[0].pixels, b[0].pixels, a[1], b[1], annotations=(a[2], b[2]), backend=backend)
            for a, b in ((one, two), (two, one))
        )
        for joint in JOINTS:
            if joint not in forward and _truth(pair, joint) is not None:
                why = f"not found on both films ({pair.first + 1} and {pair.second + 1})"
                found.left_out.append(LeftOut(number, None, joint, why))
        _keep(number, pair, forward, backward, how, found)


def _locate(
    path: Path, hand: Hand, how: How, backend: InferenceBackend
) -> tuple[Film, float, list[LocatedJoint]]:
    film = read_film(path, invert=how.invert)
    spacing_mm = how.spacing_mm or film.spacing_mm
    if spacing_mm is None:
        raise FilmUnreadable("does not say how large a pixel is; give it with --spacing-mm")
    side = how.laterality or film.laterality or hand.side
    seen = locate_hand(film.pixels, pixel_spacing_mm=spacing_mm, laterality=side, backend=backend)
    joints = [joint for joint in seen.joints if joint.joint in JOINTS]
    if not joints:
        raise FilmUnreadable("no hand was found")
    if side and seen.laterality != side:
        raise FilmUnreadable("looks like the other hand; name the side with --laterality")
    pixels = inverted(film.pixels) if seen.bone_dark else film.pixels
    return replace(film, pixels=pixels), spacing_mm, joints


def _measure_rois(number: int, hand: Hand, how: How, backend: InferenceBackend, found: Measurements) -> None:
    if how.spacing_mm is None:
        raise ValueError("ROI pictures do not say how large a pixel is; give it with --spacing-mm.")
    rois: dict[int, Film] = {}
    masks: dict[int, tuple[BoolArray | None, BoolArray | None]] = {}
    for place, path in enumerate(hand.films):
        try:
            rois[place] = read_film(path, invert=how.invert)
            masks[place] = _masks(path) if how.use_masks else (None, None)
            found.films += 1
        except (FilmUnreadable, ValueError) as error:
            found.left_out.append(LeftOut(number, place + 1, "", _without_name(str(error), path)))
    pairs = [pair for pair in hand.pairs if pair.first in rois and pair.second in rois]
    places = [(p.first, p.second) for p in pairs] + [(p.second, p.first) for p in pairs]
    if not places:
        return
    results = quantify_joints(
        [rois[a].pixels for a, _ in places],
        [rois[b].pixels for _, b in places],
        how.spacing_mm,
        fixed_masks=[masks[a] for a, _ in places],
        moving_masks=[masks[b] for _, b in places],
        backend=backend,
    )
    for pair, forward, backward in zip(pairs, results, results[len(pairs) :], strict=False):
        named = [joint for joint in pair.truth_mm if joint]
        joint = hand.joint or (named[0] if named else "joint")
        _keep(number, pair, {joint: forward}, {joint: backward}, how, found)


def _masks(roi: Path) -> tuple[BoolArray | None, BoolArray | None]:
    paths = masks_of(roi)
    if paths is None:
        return None, None
    upper, lower = (_mask(path) for path in paths)
    return upper, lower


def _mask(path: Path) -> BoolArray:
    pixels = read_film(path).pixels
    return np.asarray(pixels > (pixels.min() + pixels.max()) / 2, np.bool_)


def _keep(
    number: int, pair: Pair, forward: Results, backward: Results, how: How, found: Measurements
) -> None:
    for joint, result in forward.items():
        truth_mm = _truth(pair, joint)
        if truth_mm is None:
            continue
        back_mm = backward[joint].jsn_mm if joint in backward else math.nan
        row = Measured(
            hand=number,
            first=pair.first + 1,
            second=pair.second + 1,
            joint=joint,
            jsn_mm=result.jsn_mm,
            sigma_mm=result.jsn_sigma_mm,
            reliability=result.reliability,
            reasons=result.reasons,
            truth_mm=math.nan if how.change_unknown else truth_mm,
            backward_mm=back_mm,
        )
        found.add(row, result)


def _truth(pair: Pair, joint: str) -> float | None:
    return pair.truth_mm.get(joint, pair.truth_mm.get(""))


def _without_name(message: str, path: Path) -> str:
    """A reason without the file's name, which may be that of a patient."""
    return message.replace(str(path), "the file").replace(path.name, "the file")
