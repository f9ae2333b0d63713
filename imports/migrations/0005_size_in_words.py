"""The size is written with its unit, so its help is gone. Nothing changes in the database."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("imports", "0004_running_imports")]

    operations = [migrations.AlterField("import", "size", models.PositiveBigIntegerField())]
