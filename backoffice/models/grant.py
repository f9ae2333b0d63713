"""Who works on which entity: rows that django-guardian reads, with real foreign keys to the entity.

A grant shows rows and gives no right to do anything: what a person may do with what is seen is their role's matter
(`backoffice.roles`). `backoffice.grants` gives, takes and resolves grants; in the console that takes two people
(`backoffice.models.grant_request`).
"""

from django.contrib.auth.models import Group, Permission
from django.db import models
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from audit.capture import capture_links, capture_other, captured
from backoffice.models.entity import Entity


def working() -> int:
    """Return the id of the one permission that a grant carries."""
    work = Permission.objects.get(content_type__app_label="backoffice", codename=Entity.WORK)
    return int(work.pk)


class GroupGrant(GroupObjectPermissionBase):
    """All members of a group work on an entity and those below it."""

    content_object = models.ForeignKey(
        Entity, models.CASCADE, related_name="group_grants", verbose_name="entity", db_column="entity_id"
    )
    permission = models.ForeignKey(Permission, models.CASCADE, default=working, editable=False)
    group = models.ForeignKey(Group, models.CASCADE, related_name="grants")

    history = captured()

    class Meta(GroupObjectPermissionBase.Meta):
        default_permissions = ("view",)
        verbose_name = "group that works here"
        verbose_name_plural = "groups that work here"

    def __str__(self) -> str:
        return f"{self.group} on {self.content_object}"


class PersonGrant(UserObjectPermissionBase):
    """A person works on an entity and those below it."""

    content_object = models.ForeignKey(
        Entity, models.CASCADE, related_name="person_grants", verbose_name="entity", db_column="entity_id"
    )
    permission = models.ForeignKey(Permission, models.CASCADE, default=working, editable=False)
    user = models.ForeignKey("backoffice.User", models.CASCADE, related_name="grants", verbose_name="person")

    history = captured()

    class Meta(UserObjectPermissionBase.Meta):
        default_permissions = ("view",)
        verbose_name = "person who works here"
        verbose_name_plural = "people who work here"

    def __str__(self) -> str:
        return f"{self.user} on {self.content_object}"


# Groups are Django's, what they may do is ours to remember.
capture_other(Group, module=__name__, app="backoffice")
capture_links(Group, "permissions", module=__name__, app="backoffice")
