"""Puts a report together: numbers in words, pictures, a chart, and the page around them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.template import Context, Engine

from jsnsite.pages import words
from workers.pipeline.types import FloatArray, JointResult, Laterality, LocatedJoint
from workers.report import panels, pictures

_FOLDER = Path(__file__).resolve().parent
Z_95 = 1.96
_MARKS = {"reliable": "●", "review": "▲", "unreliable": "✕"}


@dataclass(frozen=True)
class HandFilm:
    """One film as it went in: ``pixels`` (H, W), bone bright, and the joints found on it."""

    name: str
    pixels: FloatArray
    spacing_mm: float
    joints: tuple[LocatedJoint, ...]


@dataclass(frozen=True)
class Report:
    """All that the page tells."""

    baseline: HandFilm
    followup: HandFilm
    laterality: Laterality | None
    results: dict[str, JointResult]
    model_digests: dict[str, str]
    code_version: str
    created: datetime

    @property
    def side_in_words(self) -> str:
        """Which hand it is."""
        return {"L": "left hand", "R": "right hand", None: "hand"}[self.laterality]


def write_report(report: Report, path: Path) -> None:
    """Write the page. Raises ``OSError`` where that is not possible."""
    template = Engine(dirs=[str(_FOLDER)]).get_template("page.html")
    path.write_text(template.render(Context(_context(report), use_l10n=False)), encoding="utf-8")


def _context(report: Report) -> dict[str, Any]:
    top = panels.top_of_scale(report.results.values())
    span = _span(report.results.values())
    return {
        "report": report,
        "created": report.created.strftime("%Y-%m-%d %H:%M"),
        "style": (_FOLDER / "page.css").read_text(encoding="utf-8"),
        "films": [_film(report.baseline, "Baseline"), _film(report.followup, "Follow-up")],
        "joints": [_joint(name, result, top, span) for name, result in report.results.items()],
        "counts": _counts(report),
        "mean": _mean(report),
        "ticks": [{"x": _x(value, span), "label": words.signed_mm(value, 1)} for value in _ticks(span)],
        "scale": panels.colour_scale(),
        "scale_top": f"{top:g}",
        "upper_colour": panels.css_colour(pictures.UPPER_RGB),
        "lower_colour": panels.css_colour(pictures.LOWER_RGB),
    }


def _film(film: HandFilm, title: str) -> dict[str, Any]:
    height, width = film.pixels.shape
    return {
        "title": title,
        "name": film.name,
        "spacing": f"{film.spacing_mm:g}",
        "width": width,
        "height": height,
        "picture": pictures.data_uri(pictures.film(film.pixels)),
        "joints": [
            {
                "name": joint.joint,
                "corner": _css_number(-joint.size_px / 2),
                "size": _css_number(joint.size_px),
                "place": f"translate({joint.x_px:.1f} {joint.y_px:.1f}) rotate({joint.angle_deg:.1f})",
            }
            for joint in film.joints
        ],
    }


def _joint(name: str, result: JointResult, top: float, span: float) -> dict[str, Any]:
    is_measured = math.isfinite(result.jsn_mm)
    half_mm = Z_95 * result.jsn_sigma_mm if is_measured else math.nan
    return {
        "name": name,
        "full_name": words.joint_name(name),
        "jsn": words.signed_mm(result.jsn_mm if is_measured else None),
        "interval": f"± {half_mm:.2f}" if is_measured else "",
        "says": words.direction(result.jsn_mm, half_mm) if is_measured else words.direction(None, None),
        "reliability": result.reliability.value,
        "verdict": words.RELIABILITY[result.reliability.value],
        "mark": _MARKS[result.reliability.value],
        "reasons": [words.reason(code) for code in result.reasons],
        "bones": _bones(result) if is_measured else [],
        "pictures": panels.of_pair(result, top) if is_measured else panels.unregistered(result),
        "chart": _bar(result.jsn_mm, half_mm, span) if is_measured else None,
    }


def _bones(result: JointResult) -> list[dict[str, str]]:
    return [
        {
            "name": name,
            "dx": words.signed_mm(motion.dx_mm),
            "dy": words.signed_mm(motion.dy_mm),
            "rotation": words.signed_mm(motion.rotation_deg, 1),
            "scale": f"{motion.scale:.3f}",
        }
        for name, motion in (("upper (distal)", result.upper), ("lower (proximal)", result.lower))
    ]


def _span(results: Any) -> float:
    """Half the width of the chart, mm: what the numbers need, not what a wild interval needs."""
    ends: list[float] = [abs(result.jsn_mm) + 0.1 for result in results if math.isfinite(result.jsn_mm)]
    return math.ceil(10 * min(max([0.3, *ends]), 3.0)) / 10


def _ticks(span: float) -> list[float]:
    step = next(step for step in (0.1, 0.2, 0.5, 1.0) if span / step <= 3.2)
    count = math.floor(span / step + 1e-9)
    return [step * i for i in range(-count, count + 1)]


def _x(value_mm: float, span: float) -> str:
    return _css_number(100 + 96 * max(-1.0, min(1.0, value_mm / span)))


def _bar(jsn_mm: float, half_mm: float, span: float) -> dict[str, str]:
    return {"x": _x(jsn_mm, span), "low": _x(jsn_mm - half_mm, span), "high": _x(jsn_mm + half_mm, span)}


def _counts(report: Report) -> list[dict[str, Any]]:
    verdicts = [result.reliability.value for result in report.results.values()]
    return [
        {"code": code, "mark": mark, "name": words.RELIABILITY[code], "count": verdicts.count(code)}
        for code, mark in _MARKS.items()
    ]


def _mean(report: Report) -> dict[str, Any] | None:
    """JSN averaged over the reliable joints: what repeats better than any single joint."""
    reliable = [result for result in report.results.values() if result.reliability.value == "reliable"]
    if len(reliable) < 2:
        return None
    half_mm = Z_95 * math.sqrt(sum(result.jsn_sigma_mm**2 for result in reliable)) / len(reliable)
    mean_mm = sum(result.jsn_mm for result in reliable) / len(reliable)
    return {"jsn": words.signed_mm(mean_mm, 3), "interval": f"± {half_mm:.3f}", "count": len(reliable)}


def _css_number(value: float) -> str:
    return f"{value:.1f}"
