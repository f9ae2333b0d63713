"""Failed runs are counted on every start page."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("bulk", "0001_initial")]

    operations = [
        migrations.AddIndex(
            "run", models.Index(fields=["-id"], condition=models.Q(state="failed"), name="bulk_run_failed")
        ),
    ]
