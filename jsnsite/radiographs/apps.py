from django.apps import AppConfig


class RadiographsConfig(AppConfig):
    name = "jsnsite.radiographs"
    verbose_name = "Radiographs"
