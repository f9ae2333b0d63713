from django.db import migrations

from backoffice.sql import operation


class Migration(migrations.Migration):
    dependencies = [("backoffice", "0007_people_s_entity")]

    operations = [operation(__file__)]
