"""Filters of studies, sites, patients and timepoints."""

from __future__ import annotations

import django_filters

from jsnsite.exports.filters import CodeOrUuidFilter, OrdinalFilter


class StudyFilter(django_filters.FilterSet):
    code = django_filters.CharFilter()


class SiteFilter(django_filters.FilterSet):
    study = CodeOrUuidFilter("study", label="The study's code or uuid.")
    code = django_filters.CharFilter()


class PatientFilter(django_filters.FilterSet):
    study = CodeOrUuidFilter("study", label="The study's code or uuid.")
    site = CodeOrUuidFilter("site", label="The site's code or uuid.")
    code = django_filters.CharFilter()


class TimepointFilter(django_filters.FilterSet):
    study = CodeOrUuidFilter("patient__study", label="The study's code or uuid.")
    site = CodeOrUuidFilter("patient__site", label="The site's code or uuid.")
    patient = CodeOrUuidFilter("patient", label="The patient's code or uuid.")
    ordinal = OrdinalFilter(label="0 is the baseline.")
    date_from = django_filters.DateFilter("date", "gte", label="On this day or later.")
    date_to = django_filters.DateFilter("date", "lte", label="On this day or earlier.")
