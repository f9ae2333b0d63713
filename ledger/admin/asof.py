"""Balances as of a moment in the console: of one account by both clocks, and of all accounts by entity and currency."""

from datetime import datetime
from typing import Any, NamedTuple

from django import forms
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from audit.moment import PastMoment
from backoffice.exporting import attachment
from backoffice.grants import Within, request_entities
from backoffice.models import Entity
from backoffice.sheets import FORMATS, number
from ledger import asof
from ledger.admin.past import PastPage
from ledger.choices import Clock
from ledger.models import Account
from ledger.money import exponent

EXPLAINED = {
    Clock.BUSINESS: "What the balance was by all that is known today; what was booked later for a time before is in it.",
    Clock.RECORDING: "What the books said at that moment; nothing that is booked later ever changes it.",
}
DIFFERENCE = (
    "By the time things happened, what is booked later for a time before counts too; by the time they were recorded, it is "
    "what this console would have shown then."
)
HEADER = ("moment", "clock", "entity_code", "entity", "currency", "balance")


class MomentForm(forms.Form):
    """A moment of the past, in the zone of the settings."""

    moment = PastMoment(
        label="As of",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local", "step": "1"}, format="%Y-%m-%dT%H:%M:%S"),
    )


class BalancesForm(MomentForm):
    """A moment, by which clock, and whose accounts."""

    clock = forms.ChoiceField(choices=Clock, initial=Clock.BUSINESS, label="By")
    entity = forms.ModelChoiceField(
        Entity.objects.none(), required=False, empty_label="All entities", label="Entity, with those below it"
    )

    def __init__(self, data: Any, *, entities: QuerySet[Entity], entity: str | None = None) -> None:
        super().__init__(data, initial={"entity": entity})
        self.fields["entity"].queryset = entities  # type: ignore[attr-defined]  # of a ModelChoiceField


class Line(NamedTuple):
    """What an entity's balances in one currency came to."""

    entity: Entity
    total: asof.Total


class AccountAsOfPage(PastPage):
    """One account's balance at a moment, by both clocks: `Account.balance_at`."""

    verb = "Balance as of a moment"
    template = "ledger/account_as_of.html"

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        """Ask for the moment, and answer."""
        account = self.account()
        form = MomentForm(request.GET if "moment" in request.GET else None)
        context = {"form": form, "difference": DIFFERENCE}
        if form.is_bound and form.is_valid():
            moment = form.cleaned_data["moment"]
            found = [(clock, EXPLAINED[clock], account.balance_at(moment=moment, clock=clock)) for clock in Clock]
            context |= {"moment": moment, "found": found, "later": found[0][2] - found[1][2]}
            context["below_zero"] = found[0][2] < 0
        return TemplateResponse(request, self.template, {**self.page_context(account), **context})


class BalancesPage(PastPage):
    """All balances that the reader may see at a moment, by entity and currency; nothing is ever converted."""

    verb = "Balances as of a moment"
    template = "ledger/balances_as_of.html"

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        """Ask for the moment, and answer as a page or as a file."""
        asked = request.GET if "moment" in request.GET else None  # an entity alone comes from that entity's page
        form = BalancesForm(asked, entities=self._entities(), entity=request.GET.get("entity"))
        context: dict[str, Any] = {"form": form, "difference": DIFFERENCE}
        if form.is_bound and form.is_valid():
            moment, clock = form.cleaned_data["moment"], Clock(form.cleaned_data["clock"])
            lines = self._lines(moment, clock, form.cleaned_data["entity"])
            if self.kind:
                return self._file(moment, clock, lines)
            context |= {"moment": moment, "clock": clock, "lines": lines, "files": self._files()}
            context["totals"] = asof.by_currency(line.total for line in lines)
        elif self.kind:
            return HttpResponseRedirect(self._address())
        return TemplateResponse(request, self.template, {**self.page_context(), **context})

    def _entities(self) -> QuerySet[Entity]:
        """Return the entities that the reader works on."""
        entities = request_entities(self.request)
        return Entity.objects.all() if entities is None else Entity.objects.filter(Within(F("pk"), entities))

    def _lines(self, moment: datetime, clock: Clock, entity: Entity | None) -> list[Line]:
        """Return the totals of the accounts that the list would show, by the name of the entity."""
        accounts: QuerySet[Account] = self.model_admin.get_queryset(self.request)
        if entity:
            branch = Entity.branches([entity.pk], using=self.model_admin.using)
            accounts = accounts.filter(Within(F("entity"), branch))
        totals = asof.totals(accounts, moment, clock)
        entities = Entity.all_objects_including_void().in_bulk({total.entity_id for total in totals})
        lines = [Line(entities[total.entity_id], total) for total in totals]
        return sorted(lines, key=lambda line: (line.entity.name, line.total.currency))

    def _file(self, moment: datetime, clock: Clock, lines: list[Line]) -> HttpResponseBase:
        rows = (
            [moment, clock.value, line.entity.code, line.entity.name, line.total.currency,
             number(line.total.balance, exponent(line.total.currency))]
            for line in lines
        )  # fmt: skip
        name = f"balances-{timezone.localtime(moment):%Y-%m-%d-%H%M%S}"
        return attachment(self.kind, name, HEADER, rows)

    def _files(self) -> list[tuple[str, str]]:
        return [(kind.label, self._address(f"_{kind.name}")) for kind in FORMATS.values()]

    def _address(self, kind: str = "") -> str:
        return reverse(f"admin:ledger_account_balances{kind}", current_app=self.model_admin.admin_site.name)
