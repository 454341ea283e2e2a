"""Filters of radiographs."""

from __future__ import annotations

import django_filters

from jsnsite.exports.filters import AnyOfFilter, CodeOrUuidFilter, YesNoFilter
from jsnsite.radiographs.models import Laterality, RadiographState


class RadiographFilter(django_filters.FilterSet):
    study = CodeOrUuidFilter("timepoint__patient__study", label="The study's code or uuid.")
    site = CodeOrUuidFilter("timepoint__patient__site", label="The site's code or uuid.")
    patient = CodeOrUuidFilter("timepoint__patient", label="The patient's code or uuid.")
    timepoint = django_filters.UUIDFilter("timepoint__uuid", label="The timepoint's uuid.")
    laterality = django_filters.ChoiceFilter(choices=Laterality.choices)
    state = AnyOfFilter(choices=RadiographState.choices)
    current = YesNoFilter(label="Whether no later film of the hand and timepoint has taken its place.")
