"""``manage.py validate DIR``: how well a site's own repeat films, or a phantom of known change, are measured."""

from __future__ import annotations

import math
from argparse import RawDescriptionHelpFormatter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from workers.inference import InferenceError, get_backend
from workers.management.material import MaterialUnusable, names_of, read_material
from workers.management.measuring import How, Measurements, measure
from workers.report import Measured, Validation, write_csv, write_validation
from workers.report.agreement import agreement, closures_mm, coverage, mismatches, round_trips_mm
from workers.version import code_version

_HELP = """\
Validate the measurement on a site's own films: bias, smallest detectable change, mismatches, reliability and the
honesty of the intervals, as a page and a table. For research; not a medical device.

DIR holds one of these:

  repeat films   a folder for each hand with two or more films of one visit, true change 0:
                   DIR/subject-01_L/a.dcm, b.dcm, c.dcm      DIR/subject-01_R/...
                 DICOM, PNG, JPEG or TIFF; pictures need --spacing-mm. _L or _R in the folder's name says which hand
                 it is where the film does not, or where it shows both. All pairs are measured, in both directions.
  a phantom      the same, and DIR/truth.csv with the columns file_a,file_b,joint,jsn_mm: files relative to DIR, joint
                 such as MCP2 (empty: any), jsn_mm the true narrowing from file_a to file_b, positive = narrower.
                 Only the pairs it names are measured.
  ROIs (--roi)   a folder for each joint with upright pictures of that joint alone, distal bone on top, and perhaps
                 masks beside them: NAME.png, NAME_upper.png, NAME_lower.png. Needs --spacing-mm. A joint in the
                 folder's name, such as mcp3, names it.

Neither page nor table shows names of files or folders, which may be those of patients: hands and films have numbers,
and which is which is printed here alone.
"""


class Command(BaseCommand):
    help = _HELP
    requires_system_checks: list[str] = []

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.formatter_class = RawDescriptionHelpFormatter
        return parser

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", metavar="DIR", type=Path)
        parser.add_argument("--roi", action="store_true", help="the pictures are ROIs of one joint each")
        parser.add_argument("--spacing-mm", type=float, help="pixel spacing, over what the films say")
        parser.add_argument("--truth", type=Path, metavar="FILE.csv", help="instead of DIR/truth.csv")
        parser.add_argument("--laterality", choices=("L", "R"), help="the hand of all films")
        parser.add_argument(
            "--invert", action="store_true", help="the pictures show bone dark, and are taken for bright"
        )
        parser.add_argument("--model-masks", action="store_true", help="leave masks beside the ROIs aside")
        parser.add_argument(
            "--change-unknown",
            action="store_true",
            help="the films of a hand are of different visits: tell only whether measurements fit each other",
        )
        parser.add_argument("--report", type=Path, metavar="FILE.html", default=Path("validation.html"))
        parser.add_argument("--csv", type=Path, metavar="FILE.csv", default=Path("validation.csv"))

    def handle(self, *args: Any, **options: Any) -> None:
        for target in (options["report"], options["csv"]):
            if not target.resolve().parent.is_dir():
                raise CommandError(
                    f"There is no folder {target.resolve().parent} to write {target.name} into."
                )
        spacing_mm = options["spacing_mm"]
        if spacing_mm is not None and not 0.02 <= spacing_mm <= 1.0:
            raise CommandError(f"{spacing_mm:g} mm is no pixel spacing of a hand radiograph; it is in mm.")
        if options["roi"] and spacing_mm is None:
            raise CommandError("ROI pictures do not say how large a pixel is. Give it with --spacing-mm.")
        try:
            validation = self._validate(options)
        except (MaterialUnusable, InferenceError, ValueError) as error:
            raise CommandError(str(error)) from error
        write_validation(validation, options["report"])
        write_csv(validation.rows, options["csv"])
        self._print(validation)
        self.stdout.write(f"Report: {options['report']}   Table: {options['csv']}")

    def _validate(self, options: Mapping[str, Any]) -> Validation:
        hands = read_material(options["folder"], options["truth"])
        how = How(
            spacing_mm=options["spacing_mm"],
            laterality=options["laterality"],
            invert=options["invert"],
            are_rois=options["roi"],
            use_masks=not options["model_masks"],
            change_unknown=options["change_unknown"],
        )
        backend = get_backend()
        found = Measurements()
        for name, found in zip(names_of(hands, options["folder"]), measure(hands, how, backend), strict=True):
            self.stdout.write(f"{name}; {len(found.rows)} joints measured so far")
        if not any(row.is_measured for row in found.rows):
            reasons = "; ".join(sorted({item.why for item in found.left_out})[:3])
            raise CommandError(f"No joint could be measured. {reasons}")
        return Validation(
            rows=found.rows,
            left_out=found.left_out,
            worst=found.worst,
            hands=len(hands),
            films=found.films,
            are_rois=how.are_rois,
            spacing_mm=how.spacing_mm,
            model_digests=backend.model_digests(),
            code_version=code_version(),
            created=datetime.now(UTC),
        )

    def _print(self, validation: Validation) -> None:
        rows = list(validation.rows)
        self.stdout.write(f"\n{validation.hands} hands, {validation.films} films, {len(rows)} joints")
        for title, some in (
            ("all", rows),
            ("reliable", [r for r in rows if r.reliability.value == "reliable"]),
        ):
            if any(row.has_error for row in some):
                self.stdout.write(_in_words(title, some))
        for title, values in (
            ("closure J12+J23-J13", closures_mm(rows)),
            ("forward + backward", round_trips_mm(rows)),
        ):
            if values:
                rms = math.sqrt(sum(value**2 for value in values) / len(values))
                median = sorted(abs(value) for value in values)[len(values) // 2]
                self.stdout.write(f"{title}: {len(values)}, RMS {rms:.3f}, median {median:.3f} mm")
        if validation.left_out:
            self.stdout.write(f"left out: {len(validation.left_out)} (see the report)")


def _in_words(title: str, rows: list[Measured]) -> str:
    total, wrong, covered = agreement(rows), mismatches(rows), coverage(rows)
    return (
        f"{title}: n {total.count}, bias {total.bias_mm:+.3f}, SD {total.sd_mm:.3f}, "
        f"SDC {total.sdc_mm:.3f} mm; mismatches {wrong.count}; within 95 % interval {100 * covered.value:.0f} %"
    )
