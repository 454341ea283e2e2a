"""Database triggers: what the tables of this app refuse."""

from django.db import migrations

from jsnsite.append_only import append_only


class Migration(migrations.Migration):
    dependencies = [("reviews", "0001_initial")]

    operations = [
        *append_only("reviews_read"),
    ]
