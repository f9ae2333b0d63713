from django.db import migrations

from backoffice.sql import operation


class Migration(migrations.Migration):
    dependencies = [("audit", "0010_follow_up")]

    operations = [operation(__file__)]
