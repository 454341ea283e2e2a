"""Reads, to be looked at, and assignments."""

from django.contrib import admin
from simple_history.admin import SimpleHistoryAdmin

from jsnsite.admin import ReadOnlyAdmin
from jsnsite.reviews.models import Assignment, Read


@admin.register(Read)
class ReadAdmin(ReadOnlyAdmin):
    list_display = ("uuid", "measurement", "reader", "verdict", "reason_code", "created")
    list_filter = ("verdict", "reason_code")


@admin.register(Assignment)
class AssignmentAdmin(ReadOnlyAdmin, SimpleHistoryAdmin):
    list_display = ("patient", "reader", "created_by", "created")
    list_filter = ("patient__study", "reader")
    list_select_related = ("patient", "reader", "created_by")
    search_fields = ("patient__code", "reader__username")
