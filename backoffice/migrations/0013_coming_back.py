from django.db import migrations

from backoffice.sql import operation


class Migration(migrations.Migration):
    dependencies = [("backoffice", "0012_two_hands")]

    operations = [operation(__file__)]
