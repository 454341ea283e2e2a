"""The Django project: what is stored and who may see it."""

from jsnsite.celery import app as celery_app

__all__ = ["celery_app"]
