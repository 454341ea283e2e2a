"""Database triggers: what the tables of this app refuse."""

from django.db import migrations

from jsnsite.append_only import guard

STUDY_OF_ANOTHER_SITE = "NEW.study_id <> (SELECT study_id FROM studies_site WHERE id = NEW.site_id)"


class Migration(migrations.Migration):
    dependencies = [("studies", "0001_initial")]

    operations = [
        guard("studies_patient", event, "study_of_site", STUDY_OF_ANOTHER_SITE)
        for event in ("INSERT", "UPDATE")
    ]
