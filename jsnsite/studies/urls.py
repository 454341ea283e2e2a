"""Addresses of studies, patients and timepoints."""

from django.urls import path

from jsnsite.studies import views

app_name = "studies"

urlpatterns = [
    path("", views.home, name="home"),
    path("studies/<uuid:uuid>/", views.study, name="study"),
    path("studies/<uuid:uuid>/progress/", views.progress, name="progress"),
    path("studies/<uuid:uuid>/patients/", views.patients, name="patients"),
    path("patients/<uuid:uuid>/", views.patient, name="patient"),
    path("patients/<uuid:uuid>/report/", views.report, name="report"),
    path("timepoints/<uuid:uuid>/", views.timepoint, name="timepoint"),
    path("timepoints/<uuid:uuid>/films/", views.films, name="films"),
]
