from django.db import migrations, models

from backoffice.sql import operation


class Migration(migrations.Migration):
    dependencies = [("backoffice", "0010_saved_views")]

    operations = [
        migrations.AddField("user", "password_by", models.BigIntegerField(editable=False, null=True)),
        operation(__file__),
    ]
