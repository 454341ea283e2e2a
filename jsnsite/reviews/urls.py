"""Addresses of the worklist and of readers' verdicts."""

from django.urls import path

from jsnsite.reviews import assignment_views, views

app_name = "reviews"

urlpatterns = [
    path("worklist/", views.worklist, name="worklist"),
    path("studies/<uuid:uuid>/readers/", assignment_views.assignments, name="assignments"),
    path("studies/<uuid:uuid>/readers/share/", assignment_views.share, name="share"),
    path("measurements/<uuid:uuid>/reads/", views.read, name="read"),
]
