"""The one Celery app. Tasks are scheduled by name, so nothing here imports the computation."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jsnsite.settings.local")

app = Celery("jsnsite")
app.config_from_object("django.conf:settings", namespace="CELERY")
