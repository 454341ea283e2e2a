"""Runs and measurements, to be looked at; failed runs can be tried again."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from jsnsite.admin import ReadOnlyAdmin
from jsnsite.errors import DomainError
from jsnsite.measurements import services
from jsnsite.measurements.models import JointMeasurement, JointTrend, Run


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin):
    list_display = (
        "uuid",
        "baseline",
        "followup",
        "attempt",
        "state",
        "failure_code",
        "queued_at",
        "finished_at",
    )
    list_filter = ("state", "failure_code", "code_version")
    actions = ("retry",)

    @admin.action(description=_("Try failed runs again"))
    def retry(self, request: HttpRequest, queryset: QuerySet[Run]) -> None:
        for run in queryset:
            try:
                services.retry_run(run)
            except DomainError as error:
                messages.warning(request, f"{run.uuid}: {error}")


@admin.register(JointMeasurement)
class JointMeasurementAdmin(ReadOnlyAdmin):
    list_display = ("uuid", "joint", "jsn_mm", "jsn_sigma_mm", "reliability", "run", "created")
    list_filter = ("reliability", "joint")
    exclude = ("artifact",)


@admin.register(JointTrend)
class JointTrendAdmin(ReadOnlyAdmin):
    list_display = ("patient", "laterality", "joint", "reliability", "slope_mm_per_year", "sdc_mm", "updated")
    list_filter = ("reliability", "joint")
