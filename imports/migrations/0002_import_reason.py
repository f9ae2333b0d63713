"""Why a file was imported."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("imports", "0001_initial")]

    operations = [
        migrations.AddField(
            "import", "reason", models.CharField(max_length=500, default="", help_text="Why it was imported.")
        ),
    ]
