"""Addresses of the REST interface: /api/v1/ and its documentation."""

from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView
from rest_framework.routers import SimpleRouter

from jsnsite.exports import views
from jsnsite.measurements.api.viewsets import MeasurementViewSet, RunViewSet, TrendViewSet
from jsnsite.radiographs.api.viewsets import AnnotationViewSet, OutlineViewSet, RadiographViewSet
from jsnsite.reviews.api.viewsets import AssignmentViewSet, ReadViewSet
from jsnsite.studies.api.viewsets import PatientViewSet, SiteViewSet, StudyViewSet, TimepointViewSet

app_name = "exports"

router = SimpleRouter(use_regex_path=False)
router.register("studies", StudyViewSet)
router.register("sites", SiteViewSet)
router.register("patients", PatientViewSet)
router.register("timepoints", TimepointViewSet)
router.register("radiographs", RadiographViewSet)
router.register("annotations", AnnotationViewSet)
router.register("outlines", OutlineViewSet)
router.register("runs", RunViewSet)
router.register("measurements", MeasurementViewSet, basename="measurement")
router.register("trends", TrendViewSet)
router.register("reads", ReadViewSet)
router.register("assignments", AssignmentViewSet)

urlpatterns = [
    path("api/", RedirectView.as_view(pattern_name="exports:docs")),
    path("api/docs/", views.docs, name="docs"),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/v1/", include(router.urls)),
]
