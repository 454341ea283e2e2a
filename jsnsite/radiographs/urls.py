"""Addresses of radiographs."""

from django.urls import path

from jsnsite.radiographs import views

app_name = "radiographs"

urlpatterns = [
    path("timepoints/<uuid:uuid>/upload/", views.upload, name="upload"),
    path("radiographs/<uuid:uuid>/preview.png", views.preview, name="preview"),
    path("radiographs/<uuid:uuid>/spacing/", views.spacing, name="spacing"),
    path("radiographs/<uuid:uuid>/laterality/", views.laterality, name="laterality"),
    path("radiographs/<uuid:uuid>/retry/", views.retry, name="retry"),
]
