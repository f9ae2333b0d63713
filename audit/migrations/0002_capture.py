from django.db import migrations

from backoffice.sql import operation


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]

    operations = [operation(__file__, model_name="outbox")]
