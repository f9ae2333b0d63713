import django.contrib.postgres.fields
from django.db import migrations, models

from backoffice.sql import operation


class Migration(migrations.Migration):
    dependencies = [("backoffice", "0004_grants_history"), ("ledger", "0007_cap_history")]

    operations = [
        migrations.AddField(
            model_name="limit",
            name="branch",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.BigIntegerField(),
                editable=False,
                help_text="The entity and all below it, kept by the database.",
                null=True,
                size=None,
            ),
        ),
        operation(__file__),
    ]
