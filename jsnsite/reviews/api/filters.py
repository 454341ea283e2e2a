"""Filters of reads."""

from __future__ import annotations

from typing import Any

import django_filters

from jsnsite.exports.filters import AnyOfFilter, CodeOrUuidFilter, YesNoFilter
from jsnsite.reviews.models import ReadQuerySet, ReadVerdict, ReasonCode
from jsnsite.studies.joints import JOINTS

_PATIENT = "measurement__run__followup__timepoint__patient"


class ReadFilter(django_filters.FilterSet):
    study = CodeOrUuidFilter(f"{_PATIENT}__study", label="The study's code or uuid.")
    site = CodeOrUuidFilter(f"{_PATIENT}__site", label="The site's code or uuid.")
    patient = CodeOrUuidFilter(_PATIENT, label="The patient's code or uuid.")
    measurement = django_filters.UUIDFilter("measurement__uuid", label="The measurement's uuid.")
    joint = AnyOfFilter("measurement__joint", choices=[(joint, joint) for joint in JOINTS])
    reader = django_filters.UUIDFilter("reader__uuid", label="The reader's uuid.")
    verdict = AnyOfFilter(choices=ReadVerdict.choices)
    reason_code = AnyOfFilter(choices=ReasonCode.choices)
    all = YesNoFilter(
        method="with_history",
        label="`true`: overtaken and withdrawn reads too. Otherwise only those that stand.",
    )

    def with_history(self, queryset: ReadQuerySet, name: str, value: bool) -> ReadQuerySet:
        return queryset  # ``filter_queryset`` decides, as the default narrows

    def filter_queryset(self, queryset: Any) -> Any:
        found = super().filter_queryset(queryset)
        return found if self.form.cleaned_data["all"] is True else found.standing()


class AssignmentFilter(django_filters.FilterSet):
    study = CodeOrUuidFilter("patient__study", label="The study's code or uuid.")
    site = CodeOrUuidFilter("patient__site", label="The site's code or uuid.")
    patient = CodeOrUuidFilter("patient", label="The patient's code or uuid.")
    reader = django_filters.UUIDFilter("reader__uuid", label="The reader's uuid.")
