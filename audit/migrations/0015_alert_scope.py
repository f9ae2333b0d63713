from django.db import migrations, models

from backoffice.sql import operation


class Migration(migrations.Migration):
    dependencies = [("audit", "0012_event_scope")]

    operations = [
        migrations.AddField("alert", "entity_id", models.BigIntegerField(null=True, verbose_name="entity")),
        operation(__file__),
    ]
