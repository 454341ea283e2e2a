"""Database triggers: what the tables of this app refuse."""

from django.db import migrations

from jsnsite.append_only import append_only, guard

PIXELS_CHANGE = "NEW.sha256 <> OLD.sha256 OR NEW.file <> OLD.file OR NEW.timepoint_id <> OLD.timepoint_id"


class Migration(migrations.Migration):
    dependencies = [("radiographs", "0001_initial")]

    operations = [
        *append_only("radiographs_jointannotation"),
        guard("radiographs_radiograph", "UPDATE", "pixels_fixed", PIXELS_CHANGE),
        guard("radiographs_radiograph", "DELETE", "kept"),
        guard("radiographs_uploadrecord", "DELETE", "kept"),
    ]
