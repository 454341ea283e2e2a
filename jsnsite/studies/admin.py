"""Administration of studies, sites, patients and timepoints, with their history."""

from typing import Any

from django.contrib import admin
from simple_history.admin import SimpleHistoryAdmin

from jsnsite.measurements.services import refresh_trends
from jsnsite.studies.models import Patient, Site, Study, Timepoint


class SiteInline(admin.TabularInline):
    model = Site
    extra = 0


class TimepointInline(admin.TabularInline):
    model = Timepoint
    extra = 0


@admin.register(Study)
class StudyAdmin(SimpleHistoryAdmin):
    list_display = ("code", "name", "created")
    search_fields = ("code", "name")
    readonly_fields = ("uuid",)
    inlines = (SiteInline,)


@admin.register(Site)
class SiteAdmin(SimpleHistoryAdmin):
    list_display = ("code", "name", "study", "planned_patients")
    list_filter = ("study",)
    search_fields = ("code", "name", "study__code")
    readonly_fields = ("uuid",)


@admin.register(Patient)
class PatientAdmin(SimpleHistoryAdmin):
    list_display = ("code", "site", "created")
    list_filter = ("study", "site")
    search_fields = ("code",)
    autocomplete_fields = ("site",)
    readonly_fields = ("uuid",)
    inlines = (TimepointInline,)

    def save_related(self, request: Any, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        refresh_trends(form.instance)  # visits have other dates


@admin.register(Timepoint)
class TimepointAdmin(SimpleHistoryAdmin):
    list_display = ("patient", "ordinal", "date", "label")
    list_filter = ("patient__study", "patient__site")
    search_fields = ("patient__code", "label")
    autocomplete_fields = ("patient",)
    readonly_fields = ("uuid",)

    def save_model(self, request: Any, obj: Timepoint, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        refresh_trends(obj.patient)  # slopes are by date
