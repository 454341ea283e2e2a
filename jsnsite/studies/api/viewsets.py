"""Studies, sites, patients and timepoints, to be read."""

from __future__ import annotations

from jsnsite.exports.viewsets import ScopedViewSet
from jsnsite.scoping import Action
from jsnsite.studies.api import filters, serializers
from jsnsite.studies.models import Patient, Site, Study, Timepoint


class StudyViewSet(ScopedViewSet[Study]):
    """The studies you have a role in, or at one of whose sites."""

    # Anything more than to view a study takes a role in all of it; its name is for its sites too.
    scope = Action.VIEW
    queryset = Study.objects.all()
    serializer_class = serializers.StudySerializer
    filterset_class = filters.StudyFilter


class SiteViewSet(ScopedViewSet[Site]):
    """The sites in your scope."""

    queryset = Site.objects.select_related("study")
    serializer_class = serializers.SiteSerializer
    filterset_class = filters.SiteFilter


class PatientViewSet(ScopedViewSet[Patient]):
    """The patients of your sites, by their pseudonyms."""

    queryset = Patient.objects.select_related("site__study")
    serializer_class = serializers.PatientSerializer
    filterset_class = filters.PatientFilter


class TimepointViewSet(ScopedViewSet[Timepoint]):
    """The visits of your patients."""

    queryset = Timepoint.objects.select_related("patient__site__study")
    serializer_class = serializers.TimepointSerializer
    filterset_class = filters.TimepointFilter
