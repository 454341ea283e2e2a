"""``manage.py rebuild_trends``: every joint's trend anew, as after a change of the method or of visits' dates."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from jsnsite.measurements.models import EVERYBODY, JointTrend
from jsnsite.measurements.services import refresh_trends, schedule_pairs
from jsnsite.radiographs.models import Radiograph
from jsnsite.studies.models import Patient, Study


class Command(BaseCommand):
    help = "Estimate the trends of all joints anew from the measurements that count."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--study", help="only the study with this code")
        parser.add_argument(
            "--schedule",
            action="store_true",
            help="also measure pairs of films that have never been compared, as after an upgrade",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        patients = Patient.objects.order_by("pk")
        if code := options["study"]:
            if not Study.objects.filter(code=code).exists():
                raise CommandError(f"There is no study with the code {code!r}.")
            patients = patients.filter(study__code=code)
        for patient in patients.iterator():
            refresh_trends(patient)
            if options["schedule"]:
                self._schedule(patient)
        trends = JointTrend.objects.filter(audience=EVERYBODY, patient__in=patients.order_by())
        self.stdout.write(f"{trends.count()} trends of {patients.count()} patients.")

    def _schedule(self, patient: Patient) -> None:
        films = Radiograph.objects.filter(timepoint__patient=patient, current=True)
        for film in {film.laterality: film for film in films.select_related("timepoint__patient")}.values():
            if runs := schedule_pairs(film):
                self.stdout.write(f"{patient}, {film.get_laterality_display()} hand: {len(runs)} pairs sent.")
