"""The validation report: how well repeat films, or a phantom of known change, are measured, as a page and a table."""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from django.template import Context, Engine

from jsnsite.pages import words
from workers.pipeline.types import JOINTS, JointResult, Reliability
from workers.report import panels, pictures, scatter
from workers.report.agreement import (
    MISMATCH_MM,
    Z_95,
    Agreement,
    Measured,
    Share,
    agreement,
    closures_mm,
    coverage,
    coverage_by_sigma,
    joint_type,
    mismatches,
    round_trips_mm,
)

_FOLDER = Path(__file__).resolve().parent
_MARKS = {"reliable": "●", "review": "▲", "unreliable": "✕"}


@dataclass(frozen=True)
class LeftOut:
    """What could not be measured: a film by its number, or a joint, of a hand, and why."""

    hand: int
    film: int | None
    joint: str
    why: str


@dataclass(frozen=True)
class Validation:
    """All that the page tells. ``worst``: the largest errors with their pictures, largest first."""

    rows: Sequence[Measured]
    left_out: Sequence[LeftOut]
    worst: Sequence[tuple[Measured, JointResult]]
    hands: int
    films: int
    are_rois: bool
    spacing_mm: float | None
    model_digests: dict[str, str]
    code_version: str
    created: datetime

    @property
    def truth_varies(self) -> bool:
        """Whether the films have a known change other than none."""
        return any(row.truth_mm != 0.0 for row in self.rows)

    @property
    def truth_known(self) -> bool:
        """Whether there is a true change to hold the measurements against."""
        return any(math.isfinite(row.truth_mm) for row in self.rows)


def write_csv(rows: Iterable[Measured], path: Path) -> None:
    """One line for each joint and pair. Raises ``OSError`` where that is not possible."""
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow([
            "hand", "film_a", "film_b", "joint", "jsn_mm", "jsn_sigma_mm", "true_jsn_mm", "error_mm", "jsn_backward_mm",
            "reliability", "reasons",
        ])  # fmt: skip
        for row in rows:
            numbers = (row.jsn_mm, row.sigma_mm, row.truth_mm, row.error_mm, row.backward_mm)
            written = ["" if not math.isfinite(number) else f"{number:.5f}" for number in numbers]
            place = [row.hand, row.first, row.second, row.joint]
            table.writerow([*place, *written, row.reliability.value, " ".join(row.reasons)])


def write_validation(validation: Validation, path: Path) -> None:
    """Write the page. Raises ``OSError`` where that is not possible."""
    template = Engine(dirs=[str(_FOLDER)]).get_template("validation.html")
    path.write_text(template.render(Context(_context(validation), use_l10n=False)), encoding="utf-8")


def _context(validation: Validation) -> dict[str, Any]:
    rows = list(validation.rows)
    measured = [row for row in rows if row.is_measured]
    total = agreement(rows)
    top = panels.top_of_scale(result for _, result in validation.worst)
    return {
        "validation": validation,
        "created": validation.created.strftime("%Y-%m-%d %H:%M"),
        "style": "".join(
            (_FOLDER / name).read_text(encoding="utf-8") for name in ("page.css", "validation.css")
        ),
        "pairs": len({(row.hand, row.first, row.second) for row in rows}),
        "joints": len(rows),
        "not_measured": len(rows) - len(measured),
        "tiles": _tiles(rows, total) if validation.truth_known else _tiles_without_truth(rows),
        "groups": _groups(rows),
        "errors": _errors_plot(validation, measured, total),
        "trips": _trips_plot(measured),
        "repeats": _repeats(rows),
        "thirds": [
            {"low": f"{low:.3f}", "high": f"{high:.3f}", **_share(share)}
            for low, high, share in coverage_by_sigma(rows)
        ],
        "reasons": [
            {"name": words.reason(code), "count": count, "share": _percent(count / len(rows))}
            for code, count in Counter(code for row in rows for code in row.reasons).most_common()
        ],
        "marks": [
            {"code": code, "mark": mark, "name": words.RELIABILITY[code]} for code, mark in _MARKS.items()
        ],
        "worst": [_worst(row, result, top) for row, result in validation.worst],
        "scale": panels.colour_scale(),
        "scale_top": f"{top:g}",
        "upper_colour": panels.css_colour(pictures.UPPER_RGB),
        "lower_colour": panels.css_colour(pictures.LOWER_RGB),
        "mismatch_mm": f"{MISMATCH_MM:g}",
    }


def _tiles(rows: list[Measured], total: Agreement) -> list[dict[str, str]]:
    reliable = [row for row in rows if row.reliability is Reliability.RELIABLE]
    trusted = agreement(reliable)
    wrong, wrong_reliable = mismatches(rows), mismatches(reliable)
    covered = coverage(reliable)
    return [
        {
            "name": "Smallest detectable change, reliable joints",
            "value": f"{_mm(trusted.sdc_mm)} mm",
            "more": f"95 % interval {_interval(trusted.sdc_interval_mm)}; all joints {_mm(total.sdc_mm)} mm",
        },
        {
            "name": "Bias, reliable joints",
            "value": f"{words.signed_mm(_finite(trusted.bias_mm), 3)} mm",
            "more": f"95 % interval {_interval(trusted.bias_interval_mm, signed=True)}",
        },
        {
            "name": f"Mismatches, off by more than {MISMATCH_MM:g} mm",
            "value": f"{wrong_reliable.count} of {wrong_reliable.total}",
            "more": f"reliable joints: {_share(wrong_reliable)['text']}; all: {_share(wrong)['text']}",
        },
        _reliable_tile(reliable, rows),
        {
            "name": "True change within ± 1.96 sigma",
            "value": _percent(covered.value),
            "more": f"reliable joints; {_share(covered)['interval']}; 95 % is right",
        },
    ]


def _tiles_without_truth(rows: list[Measured]) -> list[dict[str, str]]:
    reliable = [row for row in rows if row.reliability is Reliability.RELIABLE]
    tiles = []
    for name, of in (
        ("J₁₂ + J₂₃ − J₁₃, reliable joints", closures_mm),
        ("J₁₂ + J₂₁, reliable joints", round_trips_mm),
    ):
        size = [
            float(np.sqrt(np.mean(np.square(of(some))))) if of(some) else math.nan
            for some in (reliable, rows)
        ]
        more = f"root mean square, {len(of(reliable))} of {len(of(rows))}; all joints {_mm(size[1])} mm"
        tiles.append({"name": name, "value": f"{_mm(size[0])} mm", "more": more})
    return [*tiles, _reliable_tile(reliable, rows)]


def _reliable_tile(reliable: list[Measured], rows: list[Measured]) -> dict[str, str]:
    share = Share(len(reliable), len(rows))
    return {
        "name": "Called reliable",
        "value": _percent(share.value),
        "more": f"{_share(share)['interval']} of {len(rows)} joints",
    }


def _groups(rows: list[Measured]) -> list[dict[str, Any]]:
    """The table: all joints, by reliability, by type of joint, by joint."""
    types = list(dict.fromkeys(joint_type(row.joint) for row in _in_order(rows)))
    joints = list(dict.fromkeys(row.joint for row in _in_order(rows)))
    groups: list[tuple[str, list[tuple[str, list[Measured]]]]] = [
        ("All", [("all joints", rows)]),
        (
            "By reliability",
            [
                (str(words.RELIABILITY[code]), [r for r in rows if r.reliability.value == code])
                for code in _MARKS
            ],
        ),
    ]
    if len(types) > 1:
        groups.append(
            ("By type of joint", [(t, [r for r in rows if joint_type(r.joint) == t]) for t in types])
        )
    if len(joints) > 1:
        groups.append(("By joint", [(joint, [r for r in rows if r.joint == joint]) for joint in joints]))
    return [
        {"name": name, "lines": [_line(title, some) for title, some in lines if some]}
        for name, lines in groups
    ]


def _line(title: str, rows: list[Measured]) -> dict[str, Any]:
    spread, reliable = agreement(rows), sum(row.reliability is Reliability.RELIABLE for row in rows)
    return {
        "name": title,
        "count": spread.count,
        "bias": words.signed_mm(_finite(spread.bias_mm), 3),
        "bias_interval": _interval(spread.bias_interval_mm, signed=True),
        "sd": _mm(spread.sd_mm),
        "sdc": _mm(spread.sdc_mm),
        "sdc_interval": _interval(spread.sdc_interval_mm),
        "mismatches": _share(mismatches(rows)),
        "covered": _share(coverage(rows)),
        "reliable": _percent(reliable / len(rows)),
    }


def _errors_plot(validation: Validation, measured: list[Measured], total: Agreement) -> dict[str, Any] | None:
    if not validation.truth_known or len(measured) < 2:
        return None
    if validation.truth_varies:
        return scatter.plot(scatter.by_truth(measured), total)
    joints = list(dict.fromkeys(row.joint for row in _in_order(measured)))
    return scatter.plot(scatter.by_joint(measured, joints), total, joints)


def _trips_plot(measured: list[Measured]) -> dict[str, Any] | None:
    trips = round_trips_mm(measured)
    if len(trips) < 2:
        return None
    spread = Agreement(len(trips), len(trips), float(np.mean(trips)), float(np.std(trips, ddof=1)))
    return scatter.plot(scatter.round_trips(measured), spread)


def _repeats(rows: list[Measured]) -> list[dict[str, Any]]:
    """Closure and round trip: what must be nothing whatever the true change is."""
    reliable = [row for row in rows if row.reliability is Reliability.RELIABLE]
    lines = []
    for name, of in (
        ("Three films: J₁₂ + J₂₃ − J₁₃", closures_mm),
        ("There and back: J₁₂ + J₂₁", round_trips_mm),
    ):
        for title, some in (("all joints", rows), ("reliable joints", reliable)):
            values = np.abs(of(some))
            if values.size:
                sizes = (
                    np.median(values),
                    np.sqrt(np.mean(values**2)),
                    np.percentile(values, 95),
                    values.max(),
                )
                lines.append(
                    {"name": name, "of": title, "count": values.size, "sizes": [_mm(s) for s in sizes]}
                )
    return lines


def _worst(row: Measured, result: JointResult, top: float) -> dict[str, Any]:
    return {
        "title": f"{row.joint}, hand {row.hand}, film {row.first} to {row.second}",
        "jsn": words.signed_mm(row.jsn_mm, 3),
        "backward": words.signed_mm(_finite(row.backward_mm), 3),
        "truth": words.signed_mm(_finite(row.truth_mm), 3),
        "error": words.signed_mm(_finite(row.error_mm), 3),
        "half": f"{Z_95 * row.sigma_mm:.3f}",
        "reliability": row.reliability.value,
        "mark": _MARKS[row.reliability.value],
        "verdict": words.RELIABILITY[row.reliability.value],
        "reasons": [words.reason(code) for code in row.reasons],
        "pictures": panels.of_pair(result, top),
    }


def _in_order(rows: Sequence[Measured]) -> list[Measured]:
    return sorted(rows, key=lambda row: (JOINTS.index(row.joint) if row.joint in JOINTS else 99, row.joint))


def _share(share: Share) -> dict[str, str]:
    low, high = share.interval
    interval = f"{_percent(low)} to {_percent(high)}" if share.total else "–"
    value = _percent(share.value) if share.total else "–"
    return {"count": str(share.count), "total": str(share.total), "value": value, "interval": interval,
            "text": f"{value} ({interval})"}  # fmt: skip


def _percent(value: float) -> str:
    percent = 100 * value
    return f"{percent:.0f} %" if percent >= 99.95 or percent == 0 else f"{percent:.1f} %"


def _mm(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else "–"


def _interval(ends: tuple[float, float], *, signed: bool = False) -> str:
    if not all(math.isfinite(end) for end in ends):
        return "–"
    return " to ".join(words.signed_mm(end, 3) if signed else _mm(end) for end in ends)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
