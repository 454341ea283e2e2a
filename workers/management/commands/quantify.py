"""``manage.py quantify BASELINE FOLLOWUP``: joint space narrowing between two films of a hand, without the site."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from workers.inference import InferenceBackend, InferenceError, get_backend
from workers.management.films import Film, FilmUnreadable, read_film
from workers.pipeline import quantify_hands
from workers.pipeline.locate import HandLocation, locate_hands
from workers.pipeline.polarity import inverted
from workers.pipeline.types import JOINTS, JointResult, Laterality
from workers.report import HandFilm, Report, write_report
from workers.version import code_version

Z_95 = 1.96


class Command(BaseCommand):
    help = (
        "Measure how much each finger joint space narrowed between two whole-hand radiographs of one hand. "
        "JSN is in mm, positive where the space got narrower. For research; not a medical device."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("baseline", type=Path, help="the earlier film: DICOM, PNG, JPEG or TIFF")
        parser.add_argument("followup", type=Path, help="the later film of the same hand")
        parser.add_argument(
            "--spacing-mm", type=float, help="pixel spacing of both films, over what they say"
        )
        parser.add_argument("--followup-spacing-mm", type=float, help="pixel spacing of the later film alone")
        parser.add_argument("--laterality", choices=("L", "R"), help="which hand it is, where that is known")
        parser.add_argument(
            "--invert",
            action="store_true",
            help="the pictures show bone dark, for where that is not seen by itself (not for DICOM)",
        )
        parser.add_argument("--all-joints", action="store_true", help="the distal joints of the fingers, too")
        parser.add_argument("--json", type=Path, metavar="FILE", help="write the measurements")
        parser.add_argument(
            "--report", type=Path, metavar="FILE.html", help="write one page with the pictures"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        for target in (options["json"], options["report"]):
            if target is not None and not target.resolve().parent.is_dir():
                raise CommandError(
                    f"There is no folder {target.resolve().parent} to write {target.name} into."
                )
        try:
            report = self._measure(options)
        except (FilmUnreadable, InferenceError, ValueError) as error:
            raise CommandError(str(error)) from error
        self._print(report)
        if options["json"]:
            options["json"].write_text(json.dumps(_as_json(report), indent=2, allow_nan=False) + "\n")
        if options["report"]:
            write_report(report, options["report"])
            self.stdout.write(f"Report: {options['report']}")

    def _measure(self, options: Mapping[str, Any]) -> Report:
        films = [read_film(options[name], invert=options["invert"]) for name in ("baseline", "followup")]
        spacing = options["spacing_mm"]
        spacings = [
            _spacing(films[0], spacing),
            _spacing(films[1], options["followup_spacing_mm"] or spacing),
        ]
        backend = get_backend()
        filed_as = options["laterality"] or films[0].laterality or films[1].laterality
        hands = [
            _hand(film, spacing_mm, options["laterality"] or film.laterality or filed_as, backend)
            for film, spacing_mm in zip(films, spacings, strict=True)
        ]
        self._warn(films, spacings, hands)
        side = _side(films, hands, options["laterality"])
        films = [
            replace(film, pixels=inverted(film.pixels)) if hand.bone_dark else film
            for film, hand in zip(films, hands, strict=True)
        ]
        wanted = [
            [joint for joint in hand.joints if options["all_joints"] or joint.joint in JOINTS]
            for hand in hands
        ]
        results = quantify_hands(
            films[0].pixels,
            films[1].pixels,
            *spacings,
            laterality=side,
            annotations=(wanted[0], wanted[1]),
            backend=backend,
        )
        if not results:
            raise CommandError("The two films show no joint in common. Are both of one whole hand?")
        baseline, followup = (
            HandFilm(film.name, film.pixels, spacing_mm, tuple(joints))
            for film, spacing_mm, joints in zip(films, spacings, wanted, strict=True)
        )
        return Report(
            baseline, followup, side, results, backend.model_digests(), code_version(), datetime.now(UTC)
        )

    def _warn(self, films: list[Film], spacings: list[float], hands: list[HandLocation]) -> None:
        notes = [f"{film.name}: {note}" for film in films for note in film.notes]
        if not math.isclose(*spacings, rel_tol=0.01):
            notes.append(f"The films have different pixel spacing: {spacings[0]:g} and {spacings[1]:g} mm.")
        notes += [
            f"{film.name} shows bone dark; it is measured inverted."
            for film, hand in zip(films, hands, strict=True)
            if hand.bone_dark
        ]
        if hands[0].laterality != hands[1].laterality:
            notes.append("One film looks like a left hand, the other like a right one.")
        for note in notes:
            self.stderr.write(self.style.WARNING(f"Note: {note}"))

    def _print(self, report: Report) -> None:
        self.stdout.write(
            f"{report.baseline.name} -> {report.followup.name}, {report.side_in_words}; "
            "JSN in mm, positive = narrower\n\n"
            f"{'joint':<6}{'JSN mm':>8}  {'± 1.96 sigma':>12}  {'reliability':<12}reasons"
        )
        style = {"reliable": self.style.SUCCESS, "review": self.style.WARNING, "unreliable": self.style.ERROR}
        for joint, result in report.results.items():
            verdict = style[result.reliability.value](f"{result.reliability.value:<12}")
            reasons = ", ".join(result.reasons)
            self.stdout.write(f"{joint:<6}{_numbers(result)}  {verdict}{reasons}".rstrip())
        missing = [joint for joint in JOINTS if joint not in report.results]
        if missing:
            self.stdout.write(f"Not found on both films: {', '.join(missing)}")


def _numbers(result: JointResult) -> str:
    if not math.isfinite(result.jsn_mm):
        return f"{'–':>8}  {'':>12}"
    return f"{result.jsn_mm:>+8.3f}  {Z_95 * result.jsn_sigma_mm:>12.3f}"


def _hand(film: Film, spacing_mm: float, side: Laterality | None, backend: InferenceBackend) -> HandLocation:
    """The hand of this side on a film, or the only one. Raises ``CommandError`` where there is none or no telling."""
    hands = locate_hands(film.pixels, pixel_spacing_mm=spacing_mm, laterality=side, backend=backend)
    if not hands:
        raise CommandError(f"No hand was found in {film.name}. It must show one whole hand, or both.")
    if len(hands) == 1:
        return hands[0]
    wanted = [hand for hand in hands if hand.laterality == side]
    if len(wanted) != 1:
        raise CommandError(f"{film.name} shows two hands. Say which one to measure: --laterality L or R.")
    return wanted[0]


def _spacing(film: Film, given_mm: float | None) -> float:
    spacing_mm = given_mm or film.spacing_mm
    if spacing_mm is None:
        raise CommandError(f"{film.name} does not say how large a pixel is. Give it with --spacing-mm.")
    if not 0.02 <= spacing_mm <= 1.0:
        raise CommandError(f"{spacing_mm:g} mm is no pixel spacing of a hand radiograph; it is in mm.")
    return spacing_mm


def _side(films: list[Film], hands: list[HandLocation], given: Laterality | None) -> Laterality | None:
    """The hand that both films show. Raises ``CommandError`` where they show different ones."""
    if given:
        return given
    filed = {film.laterality for film in films} - {None}
    if len(filed) > 1:
        raise CommandError(
            "One film is of a left hand, the other of a right one. If that is wrong, name it: --laterality L"
        )
    return films[0].laterality or films[1].laterality or hands[0].laterality


def _as_json(report: Report) -> dict[str, Any]:
    return {
        "baseline": {"file": report.baseline.name, "pixel_spacing_mm": report.baseline.spacing_mm},
        "followup": {"file": report.followup.name, "pixel_spacing_mm": report.followup.spacing_mm},
        "laterality": report.laterality,
        "code_version": report.code_version,
        "model_digests": report.model_digests,
        "created": report.created.isoformat(timespec="seconds"),
        "joints": [_joint_as_json(result) for result in report.results.values()],
    }


def _joint_as_json(result: JointResult) -> dict[str, Any]:
    return {
        "joint": result.joint,
        "jsn_mm": _number(result.jsn_mm),
        "jsn_sigma_mm": _number(result.jsn_sigma_mm),
        "reliability": result.reliability.value,
        "reasons": list(result.reasons),
        **{
            bone: {
                "dx_mm": _number(motion.dx_mm),
                "dy_mm": _number(motion.dy_mm),
                "rotation_deg": _number(motion.rotation_deg),
                "scale": _number(motion.scale),
            }
            for bone, motion in (("upper", result.upper), ("lower", result.lower))
        },
        "metrics": {name: _number(value) for name, value in result.metrics.items()},
    }


def _number(value: float) -> float | None:
    # JSON has no NaN
    return float(value) if math.isfinite(value) else None
