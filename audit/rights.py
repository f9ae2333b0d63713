"""Rights given and taken, as events: groups and permissions of people, permissions of groups, grants on entities.

What `migrate` gives to the roles is written in the code (`backoffice.roles`) and not recorded: it runs as the owner.
"""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import Group
from django.db import connections, models
from django.db.models.signals import m2m_changed, post_delete, post_save
from django.dispatch import receiver

from audit.record import record
from backoffice.databases import app_role
from backoffice.models import GroupGrant, PersonGrant, User

VERBS = {"post_add": "right.given", "post_remove": "right.taken"}
LINKS = (User.groups.through, User.user_permissions.through, Group.permissions.through)


def _by_the_site(using: str) -> bool:
    return bool(connections[using].settings_dict["USER"] == app_role(using))


def _record(name: str, holder: models.Model, what: str, rights: Iterable[object], using: str) -> None:
    for right in rights:
        record(name, obj=holder, data={"kind": what, "right": str(right)}, using=using)


def _told(instance: models.Model, model: type[models.Model], keys: Any, using: str, *, reverse: bool) -> Any:
    """Yield who holds, and what: whichever side of the relation the change came from."""
    others = model._base_manager.using(using).filter(pk__in=keys)
    if reverse:
        for holder in others:
            yield holder, [instance]
    else:
        yield instance, list(others)


def _held(sender: Any, instance: models.Model, model: type[models.Model], using: str) -> list[int]:
    """Return the keys of what is linked now."""
    links = sender._base_manager.using(using).filter(**{str(instance._meta.model_name): instance.pk})
    return list(links.values_list(str(model._meta.model_name), flat=True))


@receiver(m2m_changed)
def record_links(
    *, sender: Any, instance: Any, action: str, reverse: bool, model: Any, pk_set: Any, using: str, **_: Any
) -> None:
    """Record what a change of groups or permissions gave or took; clear() takes what is there."""
    if sender not in LINKS or not _by_the_site(using):
        return
    if action == "pre_clear":
        action, pk_set = "post_remove", _held(sender, instance, model, using)
    if action not in VERBS:
        return
    kind = "group" if sender is User.groups.through else "permission"
    for holder, rights in _told(instance, model, pk_set, using, reverse=reverse):
        _record(VERBS[action], holder, kind, rights, using)


@receiver(post_save, sender=GroupGrant)
@receiver(post_save, sender=PersonGrant)
def record_grant(instance: Any, created: bool, using: str, **_: Any) -> None:
    """Record who works on an entity from now on."""
    if created and _by_the_site(using):
        _record("right.given", _holder(instance), "entity", [instance.content_object], using)


@receiver(post_delete, sender=GroupGrant)
@receiver(post_delete, sender=PersonGrant)
def record_lost_grant(instance: Any, using: str, **_: Any) -> None:
    """Record who works on an entity no more."""
    if _by_the_site(using):
        _record("right.taken", _holder(instance), "entity", [instance.content_object], using)


def _holder(grant: Any) -> models.Model:
    holder: models.Model = grant.group if isinstance(grant, GroupGrant) else grant.user
    return holder
