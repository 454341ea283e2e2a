"""Addresses of measurements and runs."""

from django.urls import path

from jsnsite.measurements import views

app_name = "measurements"

urlpatterns = [
    path("measurements/<uuid:uuid>/", views.measurement, name="measurement"),
    path("measurements/<uuid:uuid>/layers", views.measurement_layers, name="layers"),
    path("runs/<uuid:uuid>/retry/", views.retry, name="retry"),
]
