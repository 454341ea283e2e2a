"""What a site gives to be validated: a folder of folders of repeat films, or of ROI pictures, and perhaps the truth."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

from workers.pipeline.types import Laterality

TRUTH = "truth.csv"
_COLUMNS = ("file_a", "file_b", "joint", "jsn_mm")
_FILMS = {".dcm", ".dicom", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ""}
_MASK = re.compile(r"_(upper|lower)$", re.IGNORECASE)
_SIDE = re.compile(r"(?:^|[_\- ])([LR])(?=$|[_\- ])", re.IGNORECASE)
_JOINT = re.compile(r"(MCP[1-5]|PIP[2-5]|DIP[2-5]|IP1)(?![0-9])", re.IGNORECASE)


class MaterialUnusable(ValueError):
    """The folder or the truth can not be used; the message says what to do."""


@dataclass(frozen=True)
class Pair:
    """Two films of a folder, by their places in it from 0, and the true JSN by joint, mm; "" stands for any joint."""

    first: int
    second: int
    truth_mm: dict[str, float] = field(default_factory=lambda: {"": 0.0})


@dataclass(frozen=True)
class Hand:
    """Films of one hand, or ROIs of one joint, in the order of their names, and the pairs of them to compare.

    ``side`` and ``joint``: as the folder's name says, where it does.
    """

    folder: Path
    films: tuple[Path, ...]
    pairs: tuple[Pair, ...]
    side: Laterality | None
    joint: str | None


def read_material(root: Path, truth: Path | None = None) -> list[Hand]:
    """The hands in a folder, see ``manage.py validate --help``. Raises ``MaterialUnusable``."""
    if not root.is_dir():
        raise MaterialUnusable(f"There is no folder {root}.")
    truth = truth or (root / TRUTH if (root / TRUTH).is_file() else None)
    hands = list(_known(root, truth)) if truth else list(_repeated(root))
    if not hands:
        raise MaterialUnusable(
            f"{root} has no folder with two films or more. Give each hand a folder with its repeat films, or name "
            f"pairs with known change in {TRUTH}."
        )
    return hands


def _repeated(root: Path) -> Iterator[Hand]:
    folders = sorted({path.parent for path in root.rglob("*") if path.is_file()}, key=_natural)
    for folder in folders:
        films = tuple(sorted((path for path in folder.iterdir() if _is_film(path)), key=_natural))
        if len(films) > 1:
            pairs = tuple(Pair(a, b) for a, b in combinations(range(len(films)), 2))
            yield _hand(folder, films, pairs)


def _known(root: Path, truth: Path) -> Iterator[Hand]:
    """One hand for each folder that the table names."""
    changes: dict[tuple[Path, Path], dict[str, float]] = {}
    for first, second, joint, jsn_mm in _rows(truth):
        files = (root / first, root / second)
        for file in files:
            if not file.is_file():
                raise MaterialUnusable(f"{truth.name} names {file.name}, which is not there.")
        changes.setdefault(files, {})[joint] = jsn_mm
    for folder in sorted({first.parent for first, _ in changes}, key=_natural):
        own = {files: known for files, known in changes.items() if files[0].parent == folder}
        films = tuple(sorted({file for files in own for file in files}, key=_natural))
        pairs = [Pair(films.index(a), films.index(b), known) for (a, b), known in own.items()]
        yield _hand(folder, films, tuple(pairs))


def _rows(truth: Path) -> Iterator[tuple[str, str, str, float]]:
    try:
        with truth.open(newline="", encoding="utf-8-sig") as file:
            table = csv.DictReader(file)
            missing = [name for name in _COLUMNS if name not in (table.fieldnames or ())]
            if missing:
                raise MaterialUnusable(
                    f"{truth.name} lacks the column {missing[0]}; it needs {', '.join(_COLUMNS)}."
                )
            for row in table:
                yield row["file_a"], row["file_b"], (row["joint"] or "").strip().upper(), _number(row, truth)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise MaterialUnusable(f"{truth} can not be read: {error}.") from error


def _number(row: dict[str, str], truth: Path) -> float:
    try:
        value = float(row["jsn_mm"])
    except (TypeError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        raise MaterialUnusable(f"{truth.name}: jsn_mm is {row['jsn_mm']!r}; it must be a number, in mm.")
    return value


def _hand(folder: Path, films: tuple[Path, ...], pairs: tuple[Pair, ...]) -> Hand:
    side, joint = _SIDE.search(folder.name), _JOINT.search(folder.name)
    sides: dict[str, Laterality] = {"L": "L", "R": "R"}
    return Hand(
        folder,
        films,
        pairs,
        sides[side.group(1).upper()] if side else None,
        joint.group(1).upper() if joint else None,
    )


def _is_film(path: Path) -> bool:
    hidden = path.name.startswith(".") or path.name.upper() == "DICOMDIR"
    if hidden or not path.is_file() or path.suffix.lower() not in _FILMS or _MASK.search(path.stem):
        return False
    return path.stem.lower() != "segmentation"


def masks_of(roi: Path) -> tuple[Path, Path] | None:
    """Where the masks of a ROI picture lie, upper and lower bone, where both do: ``NAME_upper.png, NAME_lower.png``."""
    upper, lower = (roi.with_name(f"{roi.stem}_{bone}.png") for bone in ("upper", "lower"))
    return (upper, lower) if upper.is_file() and lower.is_file() else None


def _natural(path: Path) -> list[tuple[bool, int, str]]:
    """Names in the order that people count in: film 2 before film 10."""
    return [_part(part) for name in path.parts for part in re.split(r"(\d+)", name.lower())]


def _part(part: str) -> tuple[bool, int, str]:
    return (False, int(part), "") if part.isdigit() else (True, 0, part)


def names_of(hands: Iterable[Hand], root: Path) -> Iterator[str]:
    """Which folder each number of the report stands for: for the terminal only, as names may be those of patients."""
    for number, hand in enumerate(hands, 1):
        place = hand.folder.relative_to(root) if hand.folder.is_relative_to(root) else hand.folder
        yield f"hand {number}: {place} ({len(hand.films)} films)"
