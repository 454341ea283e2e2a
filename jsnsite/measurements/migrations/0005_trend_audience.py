"""Readers get trends of their own, that others' verdicts do not change.

Where nobody has read, such a trend is the one that is known. The others are missing, and hence hidden from readers,
until the next verdict or ``manage.py rebuild_trends``.
"""

from typing import Any
from uuid import uuid4

from django.db import migrations, models


def copy_unread(apps: Any, schema_editor: Any) -> None:
    trends = apps.get_model("measurements", "JointTrend").objects
    measured = apps.get_model("measurements", "JointMeasurement").objects
    read = apps.get_model("reviews", "Read").objects.values("measurement")
    patients = measured.filter(pk__in=read).values("run__baseline__timepoint__patient")
    copies = []
    for trend in trends.exclude(patient__in=patients).iterator():
        trend.pk, trend.uuid, trend.audience = None, uuid4(), "unread"
        copies.append(trend)
    trends.bulk_create(copies, batch_size=500)


def drop_copies(apps: Any, schema_editor: Any) -> None:
    apps.get_model("measurements", "JointTrend").objects.exclude(audience="").delete()


class Migration(migrations.Migration):
    dependencies = [
        ("measurements", "0004_labels"),
        ("studies", "0003_labels"),
        ("reviews", "0001_initial"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="jointtrend",
            name="trend_once_per_joint",
        ),
        migrations.AddField(
            model_name="jointtrend",
            name="audience",
            field=models.CharField(blank=True, default="", max_length=36, verbose_name="audience"),
        ),
        migrations.AddConstraint(
            model_name="jointtrend",
            constraint=models.UniqueConstraint(
                fields=("patient", "laterality", "joint", "audience"), name="trend_once_per_joint"
            ),
        ),
        migrations.RunPython(copy_unread, drop_copies, elidable=False),
    ]
