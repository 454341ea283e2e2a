"""Which measurements count is looked up no more but kept, as lists and counts of a whole study ask for it."""

import django.db.models.deletion
from django.db import migrations, models

FILL = """
INSERT INTO measurements_currentmeasurement (measurement_id, followup_id, reliability, doubt_rank, doubt_less_mm)
SELECT measured.id, run.followup_id, measured.reliability,
    CASE WHEN measured.jsn_mm IS NULL THEN 1 WHEN measured.reliability = 'unreliable' THEN 0
        WHEN measured.reliability = 'review' THEN 2 ELSE 3 END,
    -COALESCE(measured.jsn_sigma_mm, 0)
FROM measurements_jointmeasurement measured
JOIN measurements_run run ON run.id = measured.run_id
JOIN radiographs_radiograph followup ON followup.id = run.followup_id
JOIN radiographs_radiograph baseline ON baseline.id = run.baseline_id
JOIN studies_timepoint visit ON visit.id = baseline.timepoint_id
WHERE run.state = 'done' AND followup."current" AND baseline."current" AND baseline.state <> 'failed'
AND NOT EXISTS (
    SELECT 1 FROM measurements_jointmeasurement newer JOIN measurements_run later ON later.id = newer.run_id
    WHERE newer.joint = measured.joint AND later.state = 'done' AND later.attempt > run.attempt
    AND later.baseline_id = run.baseline_id AND later.followup_id = run.followup_id
)
AND NOT EXISTS (
    SELECT 1 FROM radiographs_radiograph film JOIN studies_timepoint sooner ON sooner.id = film.timepoint_id
    WHERE sooner.patient_id = visit.patient_id AND sooner.ordinal < visit.ordinal
    AND film.laterality = baseline.laterality AND film."current" AND film.state <> 'failed'
)
"""


class Migration(migrations.Migration):
    dependencies = [
        ("measurements", "0005_trend_audience"),
        ("radiographs", "0006_labels"),
    ]

    operations = [
        migrations.CreateModel(
            name="CurrentMeasurement",
            fields=[
                (
                    "measurement",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="as_current",
                        serialize=False,
                        to="measurements.jointmeasurement",
                    ),
                ),
                (
                    "reliability",
                    models.CharField(
                        choices=[
                            ("reliable", "reliable"),
                            ("review", "needs review"),
                            ("unreliable", "unreliable"),
                        ],
                        max_length=12,
                    ),
                ),
                ("doubt_rank", models.PositiveSmallIntegerField()),
                ("doubt_less_mm", models.FloatField()),
                (
                    "followup",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="radiographs.radiograph",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        fields=["followup", "reliability", "doubt_rank", "doubt_less_mm"],
                        name="measurement_followu_37e6ed_idx",
                    )
                ],
            },
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
