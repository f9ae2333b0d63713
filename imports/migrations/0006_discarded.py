"""A file that was discarded is told from one that nobody confirmed."""

from django.db import migrations, models

from backoffice.sql import operation


class Migration(migrations.Migration):
    dependencies = [("imports", "0005_size_in_words")]

    operations = [
        migrations.AlterField(
            "import",
            "state",
            models.CharField(
                max_length=10,
                default="previewed",
                choices=[
                    ("previewed", "Waiting for confirmation"),
                    ("running", "Running"),
                    ("posted", "Posted"),
                    ("unreadable", "Cannot be read"),
                    ("stopped", "Stopped"),
                    ("continued", "Stopped, then gone on with"),
                    ("discarded", "Discarded"),
                    ("expired", "Never confirmed"),
                ],
            ),
        ),
        operation(__file__),
    ]
