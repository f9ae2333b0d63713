from django.db import migrations

from backoffice.sql import operation


class Migration(migrations.Migration):
    dependencies = []

    operations = [operation(__file__)]
