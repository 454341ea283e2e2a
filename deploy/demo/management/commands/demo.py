"""``manage.py demo``: fill the embedded system with a simulated study and say how to look at it."""

from __future__ import annotations

import logging
import os
import sys
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from deploy.demo import comparison, films, people, protocol, study
from jsnsite.measurements.pairing import pairs_of
from jsnsite.studies.models import Study

_ALLOWED_SETTINGS = ("jsnsite.settings.local", "jsnsite.settings.test")
_GIVE_UP_AFTER_S = 300.0
_LOOK_EVERY_S = 1.0
_SHOW_EVERY_S = 5.0  # where nobody watches: a log need not have every step


class Command(BaseCommand):
    help = (
        "Make the demo study: accounts, patients, and simulated radiographs with known joint space narrowing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--once", action="store_true", help="wait until all is measured and print it beside the truth"
        )
        parser.add_argument(
            "--patients",
            type=int,
            default=int(os.environ.get("JSN_DEMO_PATIENTS") or len(protocol.PATIENTS)),
            help="only the first so many (default: JSN_DEMO_PATIENTS, or all)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.SETTINGS_MODULE not in _ALLOWED_SETTINGS:
            raise CommandError("The demo's passwords are public: it runs with the local settings only.")
        self.started = time.monotonic()
        self.shown = 0.0
        logging.getLogger("jsnsite").setLevel(logging.WARNING)  # this terminal shows the progress instead
        plans = list(protocol.series(protocol.PATIENTS[: options["patients"]]))
        self.expected_films = sum(len(plan.films) for plan in plans)
        self.expected_pairs = sum(len(pairs_of(len(plan.films))) for plan in plans)
        folder = Path(settings.DATA_DIR) / "demo"
        truth_folder = folder / "truth"
        demo = study.make_study()
        people.make_accounts(demo)
        study.enrol(demo, {plan.patient.code: plan.patient for plan in plans}.values())
        self._introduce(people.api_token(folder_made(folder) / "api_token"))
        self._take_films(demo, plans, truth_folder)
        if options["once"]:
            self._wait(demo)
            self._report(demo, truth_folder)
        else:
            self._say(f"All {self.expected_films} films are filed; the measurements go on by themselves.")

    def _introduce(self, token: str) -> None:
        site = os.environ.get("JSN_SITE_URL", "http://127.0.0.1:8000/")
        width = max(len(account.username) for account in people.ACCOUNTS)
        lines = [f"  {account.username:<{width}}   {account.does}" for account in people.ACCOUNTS]
        rule = "-" * 78
        self.stdout.write(
            "\n".join(
                (
                    rule,
                    f"  {site}",
                    "",
                    *lines,
                    "",
                    f"  Password of every account: {people.PASSWORD}",
                    f'  REST: curl -H "Authorization: Token {token}" {site}api/v1/measurements/',
                    "  Simulated data, for demonstration. For research; not a medical device.",
                    rule,
                )
            )
        )
        self.stdout.flush()

    def _take_films(self, demo: Study, plans: list[protocol.SeriesPlan], truth_folder: Path) -> None:
        try:
            for series in films.take_all(study.missing(demo, plans, truth_folder)):
                study.file(demo, series, truth_folder)
                self._show(study.progress(demo))
        except study.FilingError as error:
            raise CommandError(str(error)) from error

    def _wait(self, demo: Study) -> None:
        """Until nothing is left to do. Raises ``CommandError`` when it does not go on."""
        before: dict[str, int] = {}
        changed = time.monotonic()
        while True:
            now = study.progress(demo)
            if now != before:
                before, changed = now, time.monotonic()
                self._show(now)
            failed = now["films_failed"] + now["pairs_failed"]
            is_located = now["films_done"] + now["films_failed"] >= self.expected_films
            is_measured = now["pairs_done"] + now["pairs_failed"] >= now["pairs"]
            if is_located and is_measured and (failed or now["pairs"] >= self.expected_pairs):
                return
            if time.monotonic() - changed > _GIVE_UP_AFTER_S:
                raise CommandError(
                    "Nothing has been measured for five minutes; see the logs of worker and models."
                )
            time.sleep(_LOOK_EVERY_S)

    def _report(self, demo: Study, truth_folder: Path) -> None:
        truth = study.read_truth(truth_folder)
        rows, estimates = comparison.compare(demo, truth), comparison.compare_trends(demo, truth)
        self._say(f"All done in {time.monotonic() - self.started:.0f} s.")
        report = (
            *comparison.table(rows),
            *comparison.summary(rows, "Pairs with the baseline"),
            *comparison.summary(estimates, "Least squares over all pairs"),
        )
        self.stdout.write("\n".join(report))
        if failures := study.failures(demo):
            raise CommandError("\n  ".join((f"{len(failures)} failed:", *failures)))

    def _show(self, now: dict[str, int]) -> None:
        failed = now["films_failed"] + now["pairs_failed"]
        self._say(
            f"{now['films']:3d} of {self.expected_films} films filed, {now['films_done']:3d} located; "
            f"{now['pairs_done']:3d} of {self.expected_pairs} pairs measured"
            + (f"; {failed} failed" if failed else ""),
            passing=True,
        )

    def _say(self, line: str, *, passing: bool = False) -> None:
        """``passing``: the next line may take this one's place where a person watches."""
        if passing and sys.stdout.isatty():
            self.stdout.write(f"\r{line}\033[K", ending="")
        elif passing:
            if time.monotonic() - self.shown < _SHOW_EVERY_S:
                return
            self.shown = time.monotonic()
            self.stdout.write(f"[{time.monotonic() - self.started:4.0f} s] {line}")
        else:
            self.stdout.write(f"\r{line}\033[K" if sys.stdout.isatty() else line)
        self.stdout.flush()


def folder_made(folder: Path) -> Path:
    """The folder, made when missing, for its owner only."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
