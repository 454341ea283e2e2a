"""Database triggers: what the tables of this app refuse."""

from django.db import migrations

from jsnsite.append_only import guard

SITE_OF_ANOTHER_STUDY = (
    "NEW.site_id IS NOT NULL AND NEW.study_id <> (SELECT study_id FROM studies_site WHERE id = NEW.site_id)"
)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_initial"), ("studies", "0001_initial")]

    operations = [
        guard("accounts_membership", event, "site_of_study", SITE_OF_ANOTHER_STUDY)
        for event in ("INSERT", "UPDATE")
    ]
