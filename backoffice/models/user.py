"""A person: a customer, a member of staff, or both."""

from typing import ClassVar

from django.contrib.auth.models import AbstractUser
from django.contrib.auth.models import UserManager as DjangoUserManager
from django.db import models

from backoffice.models.base import Manager, Model


class UserManager(Manager["User"], DjangoUserManager["User"]):
    """Django's user manager that leaves out void people: nobody void can log in."""


class User(Model, AbstractUser):
    """A person. Customers have no usable password; staff log in to the console."""

    admin_help_text = "A person: a customer with an account, a member of staff with a login, or both."

    phone = models.CharField(max_length=32, blank=True)

    objects: ClassVar[UserManager] = UserManager()

    class Meta(AbstractUser.Meta):
        ordering = ["last_name", "first_name", "username"]

    def __str__(self) -> str:
        return self.get_full_name() or self.get_username()
