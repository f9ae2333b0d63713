from django.db import migrations

from backoffice.sql import operation


class Migration(migrations.Migration):
    dependencies = [("backoffice", "0014_events_of_customers")]

    operations = [operation(__file__)]
