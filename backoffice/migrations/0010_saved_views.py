import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("backoffice", "0008_people_found"),
    ]

    operations = [
        migrations.CreateModel(
            name="SavedView",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("label", models.CharField(help_text="The model of the list: ledger.account.", max_length=100)),
                ("name", models.CharField(max_length=80)),
                ("query", models.CharField(blank=True, max_length=2000)),
                (
                    "columns",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=100),
                        default=list,
                        help_text="Empty: those of the reader.",
                        size=None,
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="auth.group"
                    ),
                ),
            ],
            options={
                "ordering": ["name", "id"],
                "permissions": [("share_view", "Can keep views of lists for a team")],
                "default_permissions": [],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("person", None)) ^ models.Q(("team", None)),
                        name="backoffice_savedview_one_s_own",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("team", None)),
                        fields=("person", "label", "name"),
                        name="backoffice_savedview_of_person",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("person", None)),
                        fields=("team", "label", "name"),
                        name="backoffice_savedview_of_team",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ListChoice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("label", models.CharField(max_length=100)),
                (
                    "columns",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=100),
                        default=list,
                        help_text="Empty: those of the list.",
                        size=None,
                    ),
                ),
                (
                    "opens",
                    models.ForeignKey(
                        help_text="Shown first of all.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="backoffice.savedview",
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "default_permissions": [],
                "constraints": [models.UniqueConstraint(fields=("person", "label"), name="backoffice_listchoice_once")],
            },
        ),
    ]
