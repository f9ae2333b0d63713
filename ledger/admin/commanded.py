"""What the ModelAdmins of accounts, actions and holds share: commands with their URLs and bulk actions, and the search."""

from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse

from audit.middleware import model_admin_of
from audit.moment import is_past
from backoffice.admin import ConsoleAdmin
from backoffice.models.voiding import AnyOf
from ledger.admin import finding
from ledger.admin.commands import LedgerCommand, selection
from ledger.admin.commands.selection import FILTER, OF_LIST
from ledger.admin.finding.searching import Search


class CommandedAdmin(ConsoleAdmin):
    """A ModelAdmin whose objects have `commands`: a page each, and one for a selection where the command has one."""

    commands: tuple[type[LedgerCommand], ...] = ()
    search_help_text = finding.HELP
    finds_by_today = True

    def found(self, search: Search, rows: QuerySet[Any]) -> list[int]:
        """Return the keys of what was typed, of these rows or others."""
        raise NotImplementedError

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find what was typed through indexes, and keep for the page what was understood; of the past, by words alone."""
        if not search_term.strip():
            return queryset, False
        search = finding.look(request, self.admin_site, search_term, among=None if is_past(request) else queryset)
        if is_past(request) and not search.typed.plain:
            search.problems.append("Operators, amounts and dates ask how things stand today: leave the moment away.")
        if getattr(request, OF_LIST, False) or model_admin_of(request.resolver_match) is self:
            # and not a page that looks through several lists
            request.sought = search  # type: ignore[attr-defined]  # ours, read by ConsoleList
        return queryset.filter(AnyOf(F("pk"), self.found(search, queryset))), False

    def get_urls(self) -> list[URLPattern]:
        """Put the commands' pages before the admin's own, of which one takes any path."""
        pages, model = [], f"ledger_{self.opts.model_name}"
        for command in self.commands:
            view, name = command.as_view(model_admin=self), command.name
            pages.append(path(f"<int:object_id>/{name}/", view, name=f"{model}_{name}"))
            if command.bulk:
                pages.append(path(f"{name}/", view, name=f"{model}_{name}_selected"))
        return pages + super().get_urls()

    def permitted(self, request: HttpRequest) -> list[type[LedgerCommand]]:
        """Return the commands whose guard lets this person in."""
        return [command for command in self.commands if command.guard.allows(request)]

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Offer each permitted command on a selection of today's."""
        actions: dict[str, Any] = dict(super().get_actions(request))
        for command in () if is_past(request) else self.permitted(request):
            if command.bulk:
                actions[command.name] = (partial(go_to_command, command), command.name, f"{command.verb} …")
        return actions


def go_to_command(
    command: type[LedgerCommand], model_admin: CommandedAdmin, request: HttpRequest, queryset: QuerySet[Any]
) -> HttpResponse | None:
    """Take a selection to the command's page: the rows that were chosen, or the list's filter where all of it was."""
    opts, limit, across = model_admin.opts, selection.MOST, request.POST.get("select_across") == "1"
    if across and (unseen := getattr(request, "sought", None) and request.sought.unseen):  # type: ignore[attr-defined]  # as above
        model_admin.message_user(request, unseen, messages.ERROR)
        return None
    if queryset.order_by()[: limit + 1].count() > limit:
        text = f"One run takes {limit:,} {opts.verbose_name_plural} at most: filter the list first."
        model_admin.message_user(request, text, messages.ERROR)
        return None
    if across:
        chosen = {FILTER: request.GET.urlencode()}
    else:
        chosen = {"ids": ",".join(map(str, queryset.order_by("pk").values_list("pk", flat=True)))}
        chosen |= model_admin.kept_context(request)["kept_fields"]
    page = reverse(f"{model_admin.admin_site.name}:ledger_{opts.model_name}_{command.name}_selected")
    return HttpResponseRedirect(f"{page}?{urlencode(chosen, safe=',')}")
