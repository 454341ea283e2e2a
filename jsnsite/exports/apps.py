from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ExportsConfig(AppConfig):
    name = "jsnsite.exports"
    verbose_name = _("Exports")

    def ready(self) -> None:
        from jsnsite.exports import schema  # noqa: F401  registers the token scheme with drf-spectacular
