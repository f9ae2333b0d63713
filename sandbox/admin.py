"""The console's own pages on the sandbox: what a production ModelAdmin does there, it does here.

`SandboxModelAdmin` is all that a page needs: its class comes first, the production one second, and registering it on
`sandbox.site.site` puts every page of it into the sandbox's scope.
"""

from typing import Any, cast

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html

from backoffice.admin import EntityAdmin, UserAdmin
from backoffice.databases import SANDBOX
from backoffice.grants import request_entities, sees_everything
from backoffice.models import Entity, User
from bulk.admin import RunAdmin
from bulk.models import Run
from ledger.admin import AccountAdmin, ActionAdmin, ApprovalAdmin, CapAdmin, HoldAdmin, LimitAdmin
from ledger.admin.commands.proposal import within_reach
from ledger.bounding import BRANCHES, alone
from ledger.models import Account, Action, Approval, Cap, Hold, Limit
from sandbox.limit_form import LimitForm
from sandbox.models import Analyst
from sandbox.refresh import FIRST_ID
from sandbox.site import site

NEEDS_PARENT = "Choose the entity above it: you work on entities below your own only, and would not see one at the top."


class SandboxModelAdmin:
    """Puts a ModelAdmin on the sandbox; only the sandbox's site takes it."""

    using = SANDBOX

    def __init__(self, model: Any, admin_site: Any) -> None:
        if admin_site.using != self.using:
            raise ValueError(f"{type(self).__name__} works on {self.using}, its site {admin_site.name} does not.")
        super().__init__(model, admin_site)  # type: ignore[call-arg]  # of the ModelAdmin, beside which this is mixed in


@admin.register(Entity, site=site)
class SandboxEntityAdmin(SandboxModelAdmin, EntityAdmin):
    """Legal entities. Grants are the console's, and narrow what is seen here to whoever may change it."""

    unrestricted = ""
    inlines = ()  # type: ignore[assignment]  # narrower in the stubs than in Django

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **how: Any) -> Any:
        """Let who sees entities by grants add none at the top of the tree, where no grant reaches, though all be granted."""
        form = super().get_form(request, obj, change, **how)
        if obj is None and request_entities(request) is not None:
            form.base_fields["parent"].required = True
            form.base_fields["parent"].error_messages["required"] = NEEDS_PARENT
        return form


@admin.register(User, site=site)
class SandboxUserAdmin(SandboxModelAdmin, UserAdmin):
    """People, without what only a login needs: passwords, groups and permissions."""

    invites = False
    fieldsets = add_fieldsets = (  # type: ignore[assignment]  # as above
        (None, {"fields": ("username",)}),
        ("Person", {"fields": ("first_name", "last_name", "email", "phone")}),
    )

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.and_why(request, obj, self.fieldsets)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ()


@admin.register(Account, site=site)
class SandboxAccountAdmin(SandboxModelAdmin, AccountAdmin):
    """Customers' accounts and their commands."""

    def twin(self, request: HttpRequest, account: Account) -> str:
        """Say what the account is a copy of, and lead to that who may see it; live is not asked for it."""
        if account.pk > FIRST_ID:
            return "Opened here in the sandbox: there is no such account in the console."
        told = "A copy of a customer's account, under a made-up name."
        if not cast("Analyst", request.user).person.has_perm("ledger.view_account"):
            return told
        page = reverse("console:ledger_account_change", args=[account.pk])
        return format_html('{} <a href="{}">The account itself</a> is in the console.', told, page)


@admin.register(Action, site=site)
class SandboxActionAdmin(SandboxModelAdmin, ActionAdmin):
    """Everything that ever happened, and what was tried since."""


@admin.register(Hold, site=site)
class SandboxHoldAdmin(SandboxModelAdmin, HoldAdmin):
    """What is held."""


@admin.register(Limit, site=site)
class SandboxLimitAdmin(SandboxModelAdmin, LimitAdmin):
    """What is the least and the most: set here at once, as nothing real depends on it and most work alone."""

    form = LimitForm
    autocomplete_fields = ("entity", "account")  # a raw id would be called by its name, whoever's it is

    def has_add_permission(self, request: HttpRequest) -> bool:
        return True

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Leave what binds more than the analyst works on to who works on all of it, as row-level security does."""
        return obj is None or within_reach(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)

    def changeform_view(self, request: HttpRequest, *args: Any, **how: Any) -> HttpResponse:
        """Let nobody set another limit meanwhile: before the row is locked, as by who changes the tree of entities."""
        if request.method == "POST":
            alone(BRANCHES, self.using)
        return super().changeform_view(request, *args, **how)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **how: Any) -> Any:
        """Let the form know whether the analyst may set what binds every entity."""
        form = super().get_form(request, obj, change, **how)
        return type(form.__name__, (form,), {"may_bind_all": sees_everything(request)})


@admin.register(Approval, site=site)
class SandboxApprovalAdmin(SandboxModelAdmin, ApprovalAdmin):
    """What waits for another analyst."""


@admin.register(Run, site=site)
class SandboxRunAdmin(SandboxModelAdmin, RunAdmin):
    """Commands on several objects."""


@admin.register(Cap, site=site)
class SandboxCapAdmin(SandboxModelAdmin, CapAdmin):
    """What all balances of a currency may come to."""
