"""What the command posts is an import that says how far it has come."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("imports", "0003_import_entities")]

    operations = [
        migrations.AlterField(
            "import",
            "format",
            models.CharField(max_length=6, choices=[("csv", "CSV"), ("xlsx", "XLSX"), ("pkdd99", "PKDD'99")]),
        ),
        migrations.AlterField("import", "size", models.PositiveBigIntegerField(help_text="Bytes.")),
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
                    ("expired", "Never confirmed"),
                ],
            ),
        ),
        migrations.AddField(
            "import",
            "moved",
            models.DateTimeField("came on", null=True, editable=False, help_text="When its last batch was posted."),
        ),
        migrations.AddIndex(
            "import",
            models.Index(
                fields=["state"],
                condition=models.Q(state__in=["running", "stopped"]),
                name="imports_import_going_on",
            ),
        ),
    ]
