"""Reads, to be looked at."""

from django.contrib import admin

from jsnsite.admin import ReadOnlyAdmin
from jsnsite.reviews.models import Read


@admin.register(Read)
class ReadAdmin(ReadOnlyAdmin):
    list_display = ("uuid", "measurement", "reader", "verdict", "reason_code", "created")
    list_filter = ("verdict", "reason_code")
