"""Grants on entities. The groups come with the permissions: backoffice.roles."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import backoffice.models.grant


def grants(name, other, verbose_name, verbose_name_plural):
    return migrations.CreateModel(
        name=name,
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            (
                "content_object",
                models.ForeignKey(
                    db_column="entity_id",
                    on_delete=django.db.models.deletion.CASCADE,
                    related_name=f"{name.removesuffix('Grant').lower()}_grants",
                    to="backoffice.entity",
                    verbose_name="entity",
                ),
            ),
            (
                "permission",
                models.ForeignKey(
                    default=backoffice.models.grant.working,
                    editable=False,
                    on_delete=django.db.models.deletion.CASCADE,
                    to="auth.permission",
                ),
            ),
            other,
        ],
        options={
            "verbose_name": verbose_name,
            "verbose_name_plural": verbose_name_plural,
            "abstract": False,
            "default_permissions": ("view",),
            "unique_together": {(other[0], "permission", "content_object")},
        },
    )


GROUP = models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="grants", to="auth.group")
PERSON = models.ForeignKey(
    on_delete=django.db.models.deletion.CASCADE,
    related_name="grants",
    to=settings.AUTH_USER_MODEL,
    verbose_name="person",
)


class Migration(migrations.Migration):
    dependencies = [("auth", "0012_alter_user_first_name_max_length"), ("backoffice", "0002_history")]

    operations = [
        migrations.AlterModelOptions(
            name="entity",
            options={
                "ordering": ["name"],
                "permissions": [("work_on_entity", "Works on the entity and those below it; granted entity by entity")],
                "verbose_name_plural": "entities",
            },
        ),
        migrations.AlterModelOptions(
            name="user",
            options={
                "ordering": ["last_name", "first_name", "username"],
                "permissions": [
                    ("view_staff", "Can see staff and people without an account, not customers alone"),
                    ("assign_roles", "Can make other people staff"),
                ],
                "verbose_name": "user",
                "verbose_name_plural": "users",
            },
        ),
        grants("GroupGrant", ("group", GROUP), "group that works here", "groups that work here"),
        grants("PersonGrant", ("user", PERSON), "person who works here", "people who work here"),
    ]
