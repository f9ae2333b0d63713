from django.db import migrations

import backoffice.sql


class Migration(migrations.Migration):
    initial = True

    dependencies = [("axes", "0010_accessattemptexpiration")]

    operations = [
        migrations.CreateModel(
            name="Lockout",
            fields=[],
            options={
                "verbose_name": "lock-out",
                "proxy": True,
                "default_permissions": ("view",),
                "permissions": [("lift_lockout", "Can lift a lock-out")],
                "indexes": [],
                "constraints": [],
            },
            bases=("axes.accessattempt",),
        ),
        backoffice.sql.operation(__file__),
    ]
