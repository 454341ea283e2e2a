"""Database triggers: drawn outlines and corrections are kept as they were written."""

from django.db import migrations

from jsnsite.append_only import append_only, guard

OF_ANOTHER_JOINT = (
    "NOT EXISTS (SELECT 1 FROM radiographs_jointannotation a WHERE a.id = NEW.annotation_id "
    "AND a.radiograph_id = NEW.radiograph_id AND a.joint = NEW.joint)"
)


class Migration(migrations.Migration):
    dependencies = [("radiographs", "0003_outlines")]

    operations = [
        *append_only("radiographs_boneoutline"),
        *append_only("radiographs_filmcorrection"),
        guard("radiographs_boneoutline", "INSERT", "of_its_joint", OF_ANOTHER_JOINT),
    ]
