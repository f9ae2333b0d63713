import django.db.models.functions.datetime
from django.db import migrations, models

from backoffice.sql import operation


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0003_event_store"),
    ]

    operations = [
        migrations.CreateModel(
            name="Alert",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("rule", models.CharField(max_length=60)),
                (
                    "key",
                    models.CharField(
                        editable=False, help_text="What makes it one alert and not another.", max_length=200
                    ),
                ),
                ("text", models.TextField(verbose_name="what")),
                ("user_id", models.BigIntegerField(null=True)),
                ("username", models.TextField(blank=True, verbose_name="who")),
                (
                    "event_id",
                    models.UUIDField(help_text="None where audit_verify raised it.", null=True, verbose_name="event"),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "Open"), ("acknowledged", "Acknowledged")], default="open", max_length=12
                    ),
                ),
                (
                    "created",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name="when"),
                ),
                ("acknowledged", models.DateTimeField(null=True)),
                ("acknowledged_by", models.TextField(blank=True)),
                (
                    "told",
                    models.DateTimeField(editable=False, help_text="When it was recorded as an event.", null=True),
                ),
                (
                    "reason",
                    models.TextField(blank=True, help_text="What it was, in the words of whoever acknowledged it."),
                ),
            ],
            options={
                "ordering": ["-id"],
                "permissions": [("acknowledge_alert", "Can acknowledge an alert")],
                "default_permissions": ["view"],
                "indexes": [
                    models.Index(condition=models.Q(("state", "open")), fields=["-id"], name="audit_alert_open"),
                    models.Index(condition=models.Q(("told", None)), fields=["id"], name="audit_alert_untold"),
                ],
                "constraints": [models.UniqueConstraint(fields=("rule", "key"), name="audit_alert_once")],
            },
        ),
        migrations.CreateModel(
            name="Cursor",
            fields=[
                ("subscriber", models.CharField(max_length=60, primary_key=True, serialize=False)),
                ("block", models.BigIntegerField()),
                ("position", models.IntegerField()),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("retry_at", models.DateTimeField(null=True)),
                ("error", models.TextField(blank=True)),
            ],
            options={
                "default_permissions": [],
            },
        ),
        migrations.CreateModel(
            name="DeadLetter",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("subscriber", models.CharField(max_length=60)),
                ("event_id", models.UUIDField(verbose_name="event")),
                ("type", models.TextField()),
                ("attempts", models.PositiveSmallIntegerField()),
                ("error", models.TextField(help_text="What the last attempt ended with.")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("given_up", "Given up"),
                            ("waiting", "Waiting to be sent again"),
                            ("delivered", "Delivered later"),
                        ],
                        default="given_up",
                        max_length=10,
                    ),
                ),
                (
                    "created",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), verbose_name="given up at"
                    ),
                ),
                ("modified", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "ordering": ["-id"],
                "permissions": [("retry_delivery", "Can have a delivery tried again")],
                "default_permissions": ["view"],
                "constraints": [
                    models.UniqueConstraint(fields=("subscriber", "event_id"), name="audit_deadletter_once")
                ],
            },
        ),
        migrations.AlterModelOptions(
            name="event",
            options={
                "default_permissions": ["view"],
                "ordering": ["-created", "-id"],
                "permissions": [("view_personal", "Can see personal values in the record")],
            },
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(fields=["entity_id", "-created"], name="audit_event_entity"),
        ),
        operation(__file__),
    ]
