from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("studies", "0003_labels"),
    ]

    operations = [
        migrations.AddField(
            model_name="historicalsite",
            name="planned_patients",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="How many the site is to recruit; the overview shows how far it is.",
                null=True,
                verbose_name="planned patients",
            ),
        ),
        migrations.AddField(
            model_name="site",
            name="planned_patients",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="How many the site is to recruit; the overview shows how far it is.",
                null=True,
                verbose_name="planned patients",
            ),
        ),
    ]
