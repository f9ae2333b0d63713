"""Who works in the sandbox, and when it was filled."""

from typing import Self

from django.db import IntegrityError, models, transaction
from django.db.models.functions import Now
from django.utils.functional import cached_property

from backoffice.databases import SANDBOX
from backoffice.models import User
from backoffice.models.base import Record

COPIED = ("pk", "username", "is_staff", "is_active", "date_joined")  # no name, no address: those are masked there


class MissingAnalystError(RuntimeError):
    """Somebody's user name is taken in the sandbox, so no row can stand for them there."""


class Analyst(User):
    """A person as a row of the sandbox, where they may do everything: nothing there is real."""

    person: User  # of the console, with what they may do there

    class Meta:
        proxy = True
        default_permissions = []
        permissions = [("use_sandbox", "Can use the sandbox")]

    @classmethod
    def of(cls, person: User) -> Self:
        """Return the row that stands for a user of the console: the same id. One query, two when they are new.

        Raises:
            MissingAnalystError: somebody made a user of that name in the sandbox.
        """
        rows = cls._base_manager.using(SANDBOX)
        analyst = rows.filter(pk=person.pk).first()
        if analyst is None:
            analyst = cls(**{name: getattr(person, name) for name in COPIED})
            analyst.set_unusable_password()
            try:
                with transaction.atomic(using=SANDBOX):
                    analyst.save(using=SANDBOX, force_insert=True)
            except IntegrityError as error:
                sentence = (
                    f"The sandbox has another user called {person.get_username()}: rename that one, or refresh it."
                )
                raise MissingAnalystError(sentence) from error
        # What the request goes by, never saved: the name in the greeting, and that all entities are seen.
        analyst.first_name, analyst.last_name = person.first_name, person.last_name
        analyst.is_superuser = person.is_superuser
        analyst.person = person
        return analyst

    @cached_property
    def rights(self) -> str:
        """Say the same for all analysts."""
        return "analyst"

    def has_perm(self, perm: str, obj: object = None) -> bool:
        """Say yes: the guard before the sandbox has decided."""
        return True

    def has_perms(self, perm_list: object, obj: object = None) -> bool:
        """Say yes."""
        return True

    def has_module_perms(self, app_label: str) -> bool:
        """Say yes."""
        return True


class Refresh(Record):
    """A filling of the sandbox from live. The latest one is what the sandbox holds, and what was tried since."""

    created = models.DateTimeField(db_default=Now(), editable=False)
    users = models.PositiveIntegerField()
    accounts = models.PositiveIntegerField()
    actions = models.PositiveIntegerField()

    class Meta:
        ordering = ["-id"]
        default_permissions = []

    def __str__(self) -> str:
        return f"{self.created:%Y-%m-%d %H:%M}"
