from django.db import migrations

from backoffice.sql import operation


class Migration(migrations.Migration):
    dependencies = [("audit", "0010_follow_up"), ("backoffice", "0005_scope")]

    operations = [operation(__file__, model_name="outbox")]
