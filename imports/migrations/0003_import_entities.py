import django.contrib.postgres.fields
from django.db import migrations, models

from backoffice.sql import operation


class Migration(migrations.Migration):
    dependencies = [("backoffice", "0005_scope"), ("imports", "0002_import_reason"), ("ledger", "0009_tenancy")]

    operations = [
        migrations.AddField(
            model_name="import",
            name="entities",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.BigIntegerField(), default=list, editable=False, size=None
            ),
        ),
        operation(__file__),
    ]
