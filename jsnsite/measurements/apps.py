from django.apps import AppConfig


class MeasurementsConfig(AppConfig):
    name = "jsnsite.measurements"
    verbose_name = "Measurements"
