"""A person: a customer, a member of staff, or both."""

import hashlib
from typing import Any, ClassVar, Self

from django.contrib.auth.models import AbstractUser
from django.contrib.auth.models import UserManager as DjangoUserManager
from django.db import connections, models
from django.db.models import Q
from django.utils.functional import cached_property

from audit.capture import capture_links, captured
from backoffice.models.base import Manager, Model

MAY_BE_ONE = (
    "One of you made the other's account, or wrote its e-mail address, so somebody else has to decide. "
    "An address that a third person writes ends that."
)
GRANTED = """
SELECT app_label || '.' || codename FROM auth_permission JOIN django_content_type ON content_type_id = django_content_type.id
WHERE auth_permission.id IN (
    SELECT permission_id FROM backoffice_user_user_permissions WHERE user_id = %(user)s
    UNION ALL SELECT permission_id FROM auth_group_permissions JOIN backoffice_user_groups USING (group_id) WHERE user_id = %(user)s
)
"""
SYSTEM = 0  # the key of what acts by itself; keys of people begin with 1, and ledger_events() in SQL knows it too


class UserManager(Manager["User"], DjangoUserManager["User"]):
    """Django's user manager that leaves out void people: nobody void can log in."""


class User(Model, AbstractUser):
    """A person. Customers have no usable password; staff log in to the console."""

    admin_help_text = "A person: a customer with an account, a member of staff with a login, or both."

    personal_fields = ("first_name", "last_name", "email", "phone")  # masked in the record: see audit.personal

    phone = models.CharField(max_length=32, blank=True)
    # Of a customer, kept by the database: where the account is.
    entity = models.ForeignKey("backoffice.Entity", models.PROTECT, null=True, editable=False, related_name="+")

    # Who made the account, or wrote its address last, to which links go; kept by the database, ended by a command that sets a password.
    password_by = models.BigIntegerField(null=True, editable=False)

    history = captured(without=["password", "last_login", "entity", "password_by"])
    objects: ClassVar[UserManager] = UserManager()

    class Meta(AbstractUser.Meta):
        ordering = ["last_name", "first_name", "username"]
        permissions = [
            ("view_staff", "Can see staff and people without an account, not customers alone"),
            ("assign_roles", "Can make other people staff"),
        ]

    # What was read together with who came back with a session: all rights, and whether there is a second factor.
    given: list[str] | None = None
    has_factor: bool | None = None

    told_by = ("username", "first_name", "last_name")  # what lists of others read of it

    def __str__(self) -> str:
        return self.get_full_name() or self.get_username()

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """As Django, which asks every backend each time; without an object, what groups and rows give is read once."""
        if obj is not None or not self.is_active or self.is_superuser:
            return super().has_perm(perm, obj)
        return perm in self._granted

    def has_module_perms(self, app_label: str) -> bool:
        """As above."""
        if not self.is_active or self.is_superuser:
            return super().has_module_perms(app_label)
        return any(perm.startswith(f"{app_label}.") for perm in self._granted)

    def get_all_permissions(self, obj: Any = None) -> set[str]:
        """As above."""
        if obj is not None or not self.is_active or self.is_superuser:
            return super().get_all_permissions(obj)
        return set(self._granted)

    @cached_property
    def _granted(self) -> frozenset[str]:
        """What the person may do, by groups or in person: as said in the console, wherever the work is. One query at most."""
        if self.given is not None:
            return frozenset(self.given)
        with connections["default"].cursor() as cursor:
            cursor.execute(GRANTED, {"user": self.pk})
            return frozenset(name for (name,) in cursor.fetchall())

    @cached_property
    def rights(self) -> str:
        """Return the same for all who may do the same, and for nobody else: what they are shown can be kept under it."""
        may = "superuser" if self.is_superuser else ",".join(sorted(self._granted))
        return hashlib.sha256(f"{self.is_active} {self.is_staff} {may}".encode()).hexdigest()

    @classmethod
    def system(cls) -> Self:
        """Return who stands for the system itself, in whatever database. No query: `migrate` has made the row.

        Nobody can log in as it, and as a void row no list of people shows it.
        """
        system = cls(pk=SYSTEM, username="system", is_staff=True, is_active=False, is_void=True)
        system._state.adding = False
        return system

    def may_be(self, other: "User") -> bool:
        """Whether one of the two made the other's account, or wrote its address: one person may be both. One query."""
        pairs = Q(pk=self.pk, password_by=other.pk) | Q(pk=other.pk, password_by=self.pk)
        return User._base_manager.using(self._state.db).filter(pairs).exists()


capture_links(User, "groups", "user_permissions")
