from django.apps import AppConfig


class StudiesConfig(AppConfig):
    name = "jsnsite.studies"
    verbose_name = "Studies"
