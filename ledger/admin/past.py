"""The pages about the past: an account's statement and its balance as of a moment, and all balances as of a moment.

Who may view accounts and actions may view them, of the accounts that the list would show. Nothing here writes.
"""

from functools import partial
from typing import Any

from django.http import Http404, HttpRequest
from django.urls import URLPattern, path

from audit.subject import note_entity
from backoffice.guards import PermissionGuard, StaffGuard
from backoffice.sheets import FORMATS
from backoffice.views import BaseView
from ledger.models import Account

GUARD = StaffGuard() & PermissionGuard("ledger.view_account") & PermissionGuard("ledger.view_action")


class PastPage(BaseView):
    """A page about accounts as they were; `verb` is its name in the trail."""

    guard = GUARD
    model_admin: Any = None  # the accounts' ModelAdmin, given to as_view()
    kind: Any = None  # of the file, if it is one
    verb: str

    def account(self) -> Account:
        """Return the account of the URL, if the reader may see it. One query."""
        found = self.model_admin.get_queryset(self.request).filter(pk=self.kwargs["object_id"])
        account: Account | None = found.select_related("user", "entity").first()
        if account is None:
            raise Http404("This account does not exist.")
        note_entity(self.request, account)
        return account

    def page_context(self, account: Account | None = None) -> dict[str, Any]:
        """Return what the admin's templates want."""
        return {
            **self.model_admin.admin_site.each_context(self.request),
            "opts": self.model_admin.opts,
            **self.model_admin.kept_context(self.request),
            "original": account,
            "command": self,
            "title": f"{self.verb}: {account}" if account else self.verb,
        }


def query_without(request: HttpRequest, *names: str) -> str:
    """Return the query of the address without some of its parts, to add others."""
    query = request.GET.copy()
    for name in names:
        query.pop(name, None)
    return query.urlencode()


def pages(model_admin: Any) -> list[URLPattern]:
    """Return the pages and files of one ModelAdmin of accounts."""
    from ledger.admin.asof import AccountAsOfPage, BalancesPage  # noqa: PLC0415  they are made of the page above
    from ledger.admin.statement import StatementPage  # noqa: PLC0415  as above

    below: list[tuple[type[PastPage], str, str]] = [
        (StatementPage, "<int:object_id>/statement/", "statement"),
        (BalancesPage, "as-of/", "balances"),
    ]
    found = [page(AccountAsOfPage, "<int:object_id>/as-of/", "as_of", model_admin)]
    for view, route, name in below:
        found.append(page(view, route, name, model_admin))
        found += [
            page(view, f"{route}{kind.name}/", f"{name}_{kind.name}", model_admin, kind=kind)
            for kind in FORMATS.values()
        ]
    return found


def page(view: type[PastPage], route: str, name: str, model_admin: Any, **more: Any) -> URLPattern:
    """Return one address."""
    shown = partial(view.as_view, model_admin=model_admin, **more)()
    pattern: URLPattern = path(route, shown, name=f"ledger_account_{name}")
    return pattern
