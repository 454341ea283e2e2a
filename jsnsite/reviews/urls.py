"""Addresses of the worklist and of readers' verdicts."""

from django.urls import path

from jsnsite.reviews import views

app_name = "reviews"

urlpatterns = [
    path("worklist/", views.worklist, name="worklist"),
    path("measurements/<uuid:uuid>/reads/", views.read, name="read"),
]
