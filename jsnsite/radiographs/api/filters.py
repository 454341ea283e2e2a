"""Filters of radiographs."""

from __future__ import annotations

import django_filters

from jsnsite.exports.filters import AnyOfFilter, CodeOrUuidFilter, YesNoFilter
from jsnsite.radiographs.models import Bone, Laterality, RadiographState
from jsnsite.studies.joints import JOINTS


class RadiographFilter(django_filters.FilterSet):
    study = CodeOrUuidFilter("timepoint__patient__study", label="The study's code or uuid.")
    site = CodeOrUuidFilter("timepoint__patient__site", label="The site's code or uuid.")
    patient = CodeOrUuidFilter("timepoint__patient", label="The patient's code or uuid.")
    timepoint = django_filters.UUIDFilter("timepoint__uuid", label="The timepoint's uuid.")
    laterality = django_filters.ChoiceFilter(choices=Laterality.choices)
    state = AnyOfFilter(choices=RadiographState.choices)
    current = YesNoFilter(label="Whether no later film of the hand and timepoint has taken its place.")


class _OnFilm(django_filters.FilterSet):
    """What is on a film, by the film and whose it is."""

    study = CodeOrUuidFilter("radiograph__timepoint__patient__study", label="The study's code or uuid.")
    site = CodeOrUuidFilter("radiograph__timepoint__patient__site", label="The site's code or uuid.")
    patient = CodeOrUuidFilter("radiograph__timepoint__patient", label="The patient's code or uuid.")
    radiograph = django_filters.UUIDFilter("radiograph__uuid", label="The radiograph's uuid.")
    joint = AnyOfFilter(choices=[(joint, joint) for joint in JOINTS])


class AnnotationFilter(_OnFilm):
    newest = YesNoFilter(label="Whether no later version has replaced it.")


class OutlineFilter(_OnFilm):
    bone = django_filters.ChoiceFilter(choices=Bone.choices)
    counts = YesNoFilter(label="Whether it is measured with.")
