"""Filters of the worklist; they live in the address, and their choices show nothing out of scope."""

from __future__ import annotations

import django_filters
from django.db.models import QuerySet
from django.http import HttpRequest

from jsnsite.measurements.models import JointMeasurement, Reliability
from jsnsite.studies.joints import JOINTS
from jsnsite.studies.models import Site


def readable_sites(request: HttpRequest | None) -> QuerySet[Site]:
    return Site.objects.restrict(request.user if request else None)


class WorklistFilter(django_filters.FilterSet):
    site = django_filters.ModelChoiceFilter(
        field_name="run__followup__timepoint__patient__site",
        queryset=readable_sites,
        to_field_name="uuid",
        label="Site",
        empty_label="All sites",
    )
    patient = django_filters.CharFilter(
        field_name="run__followup__timepoint__patient__code", lookup_expr="icontains", label="Patient"
    )
    joint = django_filters.ChoiceFilter(
        choices=[(joint, joint) for joint in JOINTS], empty_label="All joints"
    )
    reliability = django_filters.ChoiceFilter(
        choices=[choice for choice in Reliability.choices if choice[0] != Reliability.RELIABLE],
        empty_label="All in doubt",
    )

    class Meta:
        model = JointMeasurement
        fields: list[str] = []
