"""The classes that every page of a model builds on, and the pages of people, entities and groups."""

from backoffice.admin.base import ConsoleAdmin, ReadOnlyAdmin
from backoffice.admin.entities import EntityAdmin
from backoffice.admin.groups import GroupAdmin
from backoffice.admin.lists import ConsoleList
from backoffice.admin.people import UserAdmin

__all__ = ["ConsoleAdmin", "ConsoleList", "EntityAdmin", "GroupAdmin", "ReadOnlyAdmin", "UserAdmin"]
