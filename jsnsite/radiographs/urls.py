"""Addresses of radiographs."""

from django.urls import path

from jsnsite.radiographs import film_views, views

app_name = "radiographs"

urlpatterns = [
    path("timepoints/<uuid:uuid>/upload/", views.upload, name="upload"),
    path("radiographs/<uuid:uuid>/", film_views.film_page, name="film"),
    path("radiographs/<uuid:uuid>/pixels", film_views.pixels, name="pixels"),
    path("radiographs/<uuid:uuid>/joints/<slug:joint>/", film_views.place, name="place"),
    path("radiographs/<uuid:uuid>/joints/<slug:joint>/masks", film_views.masks, name="masks"),
    path("radiographs/<uuid:uuid>/joints/<slug:joint>/outline/", film_views.outline, name="outline"),
    path("radiographs/<uuid:uuid>/side/", film_views.side, name="side"),
    path("radiographs/<uuid:uuid>/preview.png", views.preview, name="preview"),
    path("radiographs/<uuid:uuid>/spacing/", views.spacing, name="spacing"),
    path("radiographs/<uuid:uuid>/laterality/", views.laterality, name="laterality"),
    path("radiographs/<uuid:uuid>/retry/", views.retry, name="retry"),
]
