from django.apps import AppConfig


class ExportsConfig(AppConfig):
    name = "jsnsite.exports"
    verbose_name = "Exports"

    def ready(self) -> None:
        from jsnsite.exports import schema  # noqa: F401  registers the token scheme with drf-spectacular
