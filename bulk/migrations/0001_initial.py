import uuid

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from backoffice.sql import operation


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("backoffice", "0008_people_found"),
        ("ledger", "0010_customers"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Run",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "key",
                    models.UUIDField(default=uuid.uuid4, editable=False, help_text="Of the form that was confirmed."),
                ),
                ("command", models.CharField(help_text="Its name, such as deposit.", max_length=20)),
                ("what", models.CharField(help_text="What is done, in words.", max_length=200)),
                ("subject", models.CharField(help_text="The model of its objects, such as account.", max_length=20)),
                (
                    "selection",
                    models.CharField(help_text="Which objects, in words.", max_length=500, verbose_name="of"),
                ),
                (
                    "matching",
                    models.BooleanField(
                        default=False,
                        help_text="Whether all that the filter found, or what was chosen by hand.",
                    ),
                ),
                (
                    "query",
                    models.CharField(
                        blank=True,
                        help_text="As the list's address has it.",
                        max_length=2000,
                        verbose_name="filter",
                    ),
                ),
                (
                    "asked",
                    models.JSONField(default=dict, editable=False, help_text="The form, as it was sent."),
                ),
                ("reason", models.CharField(max_length=500)),
                (
                    "request_id",
                    models.CharField(editable=False, help_text="Of the request that confirmed it.", max_length=100),
                ),
                (
                    "entities",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), default=list, editable=False, size=None
                    ),
                ),
                ("total", models.PositiveIntegerField(verbose_name="rows")),
                ("posted", models.PositiveIntegerField(default=0)),
                ("asked_for", models.PositiveIntegerField(default=0, verbose_name="for approval")),
                ("refused", models.PositiveIntegerField(default=0, verbose_name="left out")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("running", "Running"),
                            ("done", "Done"),
                            ("stopped", "Stopped"),
                            ("failed", "Failed"),
                        ],
                        default="running",
                        max_length=8,
                    ),
                ),
                (
                    "problem",
                    models.CharField(blank=True, help_text="Why it does not go on.", max_length=1000),
                ),
                (
                    "created",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        verbose_name="confirmed",
                    ),
                ),
                (
                    "due",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        help_text="When its next rows are done at the earliest.",
                    ),
                ),
                (
                    "tries",
                    models.PositiveSmallIntegerField(
                        default=0, editable=False, help_text="That failed one after the other."
                    ),
                ),
                ("finished", models.DateTimeField(editable=False, null=True)),
                (
                    "by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "bulk run",
                "ordering": ["-id"],
                "permissions": [("stop_run", "Can stop a bulk run")],
                "default_permissions": ["view"],
                "indexes": [
                    models.Index(condition=models.Q(("state", "running")), fields=["due"], name="bulk_run_due")
                ],
                "constraints": [models.UniqueConstraint(fields=("by", "key"), name="bulk_run_once")],
            },
        ),
        migrations.CreateModel(
            name="Row",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("object_id", models.BigIntegerField(editable=False)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("posted", "Posted"),
                            ("asked", "Asked for approval"),
                            ("refused", "Left out"),
                        ],
                        default="waiting",
                        max_length=8,
                    ),
                ),
                ("code", models.CharField(blank=True, help_text="The rule that left it out.", max_length=40)),
                ("text", models.CharField(blank=True, help_text="The rule's sentence.", max_length=1000)),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="ledger.account",
                    ),
                ),
                (
                    "action",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="ledger.action",
                    ),
                ),
                (
                    "approval",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="ledger.approval",
                    ),
                ),
                (
                    "entity",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="backoffice.entity",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="rows",
                        to="bulk.run",
                    ),
                ),
            ],
            options={
                "default_permissions": [],
                "indexes": [models.Index(fields=["run", "state", "object_id"], name="bulk_row_state")],
                "constraints": [models.UniqueConstraint(fields=("run", "object_id"), name="bulk_row_once")],
            },
        ),
        operation(__file__),
    ]
