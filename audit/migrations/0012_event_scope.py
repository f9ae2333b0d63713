from django.db import migrations

from backoffice.sql import operation


class Migration(migrations.Migration):
    dependencies = [("audit", "0011_outbox_scope")]

    operations = [operation(__file__)]
