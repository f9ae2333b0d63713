from django.db import migrations

from backoffice.sql import operation


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_capture")]

    operations = [operation(__file__)]
