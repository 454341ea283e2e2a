"""``manage.py resume_jobs``: send again what is queued or was left by a worker that is gone."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from jsnsite.measurements import services as measurements
from jsnsite.radiographs import services as radiographs


class Command(BaseCommand):
    help = (
        "Send unfinished jobs to the queue again. Harmless at any time: a job that is done is not done twice."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--no-worker-runs",
            action="store_true",
            help="No worker is running now, so every claim is void. Use it before the workers start.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        lost = options["no_worker_runs"]
        films = radiographs.resend_unfinished(all_lost=lost)
        runs = measurements.resend_unfinished(all_lost=lost)
        self.stdout.write(f"sent {films} radiographs and {runs} runs again")
