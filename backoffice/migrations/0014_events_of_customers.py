from django.db import migrations

from backoffice.sql import operation


class Migration(migrations.Migration):
    dependencies = [("backoffice", "0013_coming_back")]

    operations = [operation(__file__)]
