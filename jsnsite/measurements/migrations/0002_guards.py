"""Database triggers: what the tables of this app refuse."""

from django.db import migrations

from jsnsite.append_only import append_only, guard

HAND = (
    "(SELECT t.patient_id || r.laterality FROM radiographs_radiograph r "
    "JOIN studies_timepoint t ON t.id = r.timepoint_id WHERE r.id = NEW.{film}_id)"
)
OTHER_HAND = f"{HAND.format(film='baseline')} <> {HAND.format(film='followup')}"


class Migration(migrations.Migration):
    dependencies = [("measurements", "0001_initial")]

    operations = [
        guard("measurements_run", "INSERT", "one_hand", OTHER_HAND),
        guard("measurements_run", "UPDATE", "one_hand", OTHER_HAND),
        guard("measurements_run", "UPDATE", "finished", "OLD.finished_at IS NOT NULL"),
        guard("measurements_run", "DELETE", "kept"),
        *append_only("measurements_jointmeasurement"),
    ]
