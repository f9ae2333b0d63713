import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("backoffice", "0006_grant_requests")]

    operations = [
        migrations.AddField(
            model_name="user",
            name="entity",
            field=models.ForeignKey(
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="backoffice.entity",
            ),
        ),
    ]
