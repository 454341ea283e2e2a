"""Filters of measurements and runs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import django_filters
from django.db.models import Q

from jsnsite.exports.filters import AnyOfFilter, CodeOrUuidFilter, OrdinalFilter, YesNoFilter
from jsnsite.measurements.models import JointMeasurementQuerySet, Reliability, RunState
from jsnsite.radiographs.models import Laterality
from jsnsite.studies.joints import JOINTS


class MeasurementFilter(django_filters.FilterSet):
    study = CodeOrUuidFilter("run__followup__timepoint__patient__study", label="The study's code or uuid.")
    site = CodeOrUuidFilter("run__followup__timepoint__patient__site", label="The site's code or uuid.")
    patient = CodeOrUuidFilter("run__followup__timepoint__patient", label="The patient's code or uuid.")
    laterality = django_filters.ChoiceFilter("run__baseline__laterality", choices=Laterality.choices)
    joint = AnyOfFilter(choices=[(joint, joint) for joint in JOINTS])
    timepoint = django_filters.UUIDFilter(
        method="at_timepoint", label="A timepoint's uuid, as baseline or as follow-up."
    )
    baseline_timepoint = django_filters.UUIDFilter("run__baseline__timepoint__uuid", label="Its uuid.")
    followup_timepoint = django_filters.UUIDFilter("run__followup__timepoint__uuid", label="Its uuid.")
    baseline_ordinal = OrdinalFilter("run__baseline__timepoint__ordinal", label="The baseline's ordinal.")
    followup_ordinal = OrdinalFilter("run__followup__timepoint__ordinal", label="The follow-up's ordinal.")
    followup_date_from = django_filters.DateFilter(
        "run__followup__timepoint__date", "gte", label="Follow-up on this day or later."
    )
    followup_date_to = django_filters.DateFilter(
        "run__followup__timepoint__date", "lte", label="Follow-up on this day or earlier."
    )
    reliability = AnyOfFilter(choices=Reliability.choices)
    flagged = YesNoFilter(
        method="by_flag", label="Whether a standing read flags it; for readers, one of their own."
    )
    from_baseline = YesNoFilter(
        method="by_baseline",
        label="`false`: pairs between later films, the evidence behind the trends; by default those from the baseline.",
    )
    run = django_filters.UUIDFilter("run__uuid", label="The run's uuid; give `all=true` for an old one.")
    all = YesNoFilter(
        method="with_history",
        label="`true`: superseded measurements too. Otherwise only those that count (`current`).",
    )

    def at_timepoint(
        self, queryset: JointMeasurementQuerySet, name: str, value: UUID
    ) -> JointMeasurementQuerySet:
        return queryset.filter(
            Q(run__baseline__timepoint__uuid=value) | Q(run__followup__timepoint__uuid=value)
        )

    def by_flag(self, queryset: JointMeasurementQuerySet, name: str, value: bool) -> JointMeasurementQuerySet:
        return queryset.with_flagged(self.request.user).filter(Q(flagged=value))

    def by_baseline(
        self, queryset: JointMeasurementQuerySet, name: str, value: bool
    ) -> JointMeasurementQuerySet:
        return queryset.filter(Q(from_baseline=value))

    def with_history(
        self, queryset: JointMeasurementQuerySet, name: str, value: bool
    ) -> JointMeasurementQuerySet:
        return queryset  # ``filter_queryset`` decides, as the default narrows

    def filter_queryset(self, queryset: Any) -> Any:
        found = super().filter_queryset(queryset)
        given = self.form.cleaned_data
        if given["all"] is True:
            return found
        return found.newest() if given["from_baseline"] is False else found.current()


class TrendFilter(django_filters.FilterSet):
    study = CodeOrUuidFilter("patient__study", label="The study's code or uuid.")
    site = CodeOrUuidFilter("patient__site", label="The site's code or uuid.")
    patient = CodeOrUuidFilter("patient", label="The patient's code or uuid.")
    laterality = django_filters.ChoiceFilter(choices=Laterality.choices)
    joint = AnyOfFilter(choices=[(joint, joint) for joint in JOINTS])
    reliability = AnyOfFilter(choices=Reliability.choices)


class RunFilter(django_filters.FilterSet):
    study = CodeOrUuidFilter("followup__timepoint__patient__study", label="The study's code or uuid.")
    site = CodeOrUuidFilter("followup__timepoint__patient__site", label="The site's code or uuid.")
    patient = CodeOrUuidFilter("followup__timepoint__patient", label="The patient's code or uuid.")
    laterality = django_filters.ChoiceFilter("baseline__laterality", choices=Laterality.choices)
    followup_timepoint = django_filters.UUIDFilter("followup__timepoint__uuid", label="Its uuid.")
    state = AnyOfFilter(choices=RunState.choices)
