"""The accounts and actions in a ModelAdmin as the documentation has it: the columns of ours, joins named, 25 a page.

No filter by value of a column, which would read the whole table for each page: only by choices. All other models of the
console are registered too, so that every page lists as many.
"""

from typing import Any

from django.apps import apps
from django.contrib import admin as console
from django.urls import path

from ledger.models import Account, Action

if apps.is_installed("unfold"):
    from unfold.admin import ModelAdmin
    from unfold.sites import UnfoldAdminSite as AdminSite
else:
    from django.contrib.admin import AdminSite, ModelAdmin

site: Any = AdminSite(name="admin")


class AccountAdmin(ModelAdmin):  # type: ignore[misc]  # of one of two packages
    """Accounts."""

    list_display = ("user", "entity", "status", "currency", "balance", "available", "modified")
    list_filter = ("status",)
    list_select_related = ("user", "entity")
    list_per_page = 25
    search_fields = ("user__last_name", "user__first_name", "user__email", "uid")
    readonly_fields = (
        "uid", "user", "entity", "currency", "status", "balance", "held", "turnover", "version", "created", "modified", "latest"
    )  # fmt: skip


class ActionAdmin(ModelAdmin):  # type: ignore[misc]  # as above
    """Actions."""

    list_display = ("reference", "created", "customer", "type", "delta", "balance", "by", "comment")
    list_filter = ("type",)
    list_select_related = ("account__user", "by")
    list_per_page = 25
    search_fields = ("reference", "account__user__last_name")

    def customer(self, action: Action) -> str:
        """Show whose account it was."""
        return str(action.account.user)


site.register(Account, AccountAdmin)
site.register(Action, ActionAdmin)
for model in console.site._registry:
    if not site.is_registered(model):
        site.register(model, ModelAdmin)

urlpatterns = [path("console/", site.urls)]
