"""The pages of groups."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest

from backoffice import duties
from backoffice.admin.base import ConsoleAdmin
from backoffice.login.recent import asking_again
from backoffice.roles import ROLES

admin.site.unregister(Group)


class GroupForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """A group's name, and what it gives."""

    def clean_permissions(self) -> QuerySet[Permission]:
        """Refuse what does not go together, or with what somebody in the group has."""
        permissions: QuerySet[Permission] = self.cleaned_data["permissions"]
        if why := duties.of_members(self.instance, permissions):
            raise ValidationError(why, code="two_duties")
        return permissions


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ConsoleAdmin):
    """Groups: the roles are read here and written in `backoffice.roles`; a group of one's own is a superuser's to make."""

    form = GroupForm
    list_display = ("name",)
    list_select_related = ()

    changeform_view = asking_again(ConsoleAdmin.changeform_view)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.is_superuser

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_superuser and (obj is None or obj.name not in ROLES)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
