from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RadiographsConfig(AppConfig):
    name = "jsnsite.radiographs"
    verbose_name = _("Radiographs")
