"""Proposing a limit, its change or its end, and another cap: a form, a preview, and a request that somebody else decides.

A limit of a whole currency and a cap bind every entity, so they are for those who see all of them.
"""

from datetime import datetime
from typing import Any, cast

from django.db.models import Model

from backoffice.admin import ConsoleAdmin
from backoffice.command import CommandForm
from backoffice.effects import Seen
from backoffice.grants import sees_everything
from backoffice.guards import PermissionGuard, StaffGuard
from backoffice.models import Entity
from ledger.admin.commands.proposal import Proposal
from ledger.admin.commands.proposal_forms import ChangeForm, EndForm, NewForm, ProposalForm
from ledger.admin.finding.reading import read
from ledger.errors import LedgerError
from ledger.models import Account, Approval, Cap, Limit

NEEDS_SUBJECT = "Choose an entity or an account: a limit for all entities is for those who see all of them."


class LimitProposal(Proposal):
    """A proposal about a limit."""

    def bound(self, data: dict[str, Any]) -> dict[str, Any]:
        """Return the keywords of the limit."""
        limit = cast("Limit", self.objects[0])
        bound = {"kind": limit.kind, "currency": limit.currency, "entity": limit.entity, "account": limit.account}
        return {**bound, "amount": data["amount"], "valid_from": data["valid_from"], "valid_until": data["valid_until"]}

    def seen(self, data: dict[str, Any], asof: datetime) -> Seen:
        bound: Any = self.bound(data)
        return Approval.request_limit_preview(asof=asof, using=self.model_admin.using, **bound)

    def request_it(self, data: dict[str, Any], asof: datetime) -> Approval:
        bound: Any = self.bound(data)
        return Approval.request_limit(asof=asof, **self.keywords(data), **bound)


class ChangeLimit(LimitProposal):
    """Another amount for a limit, from now on or for a time."""

    name = "propose"
    verb = "Propose a change"
    help_text = "Another person decides. Until then the limit stays as it is; both stay in its history."
    form_class = ChangeForm


class EndLimit(LimitProposal):
    """The end of a limit."""

    name = "end"
    verb = "Propose its end"
    help_text = "Another person decides. Afterwards the next wider limit binds, or none."
    dangerous = True
    form_class = EndForm

    def bound(self, data: dict[str, Any]) -> dict[str, Any]:
        return super().bound({**data, "amount": None, "valid_until": None})


class ProposeLimit(LimitProposal):
    """A new limit, or another amount for the same kind and subject; `?account=` and `?entity=` fill the form."""

    name = "propose"
    verb = "Propose a limit"
    help_text = (
        "Another person decides. A limit for an entity binds the entities below it too. One for an account wins over one for "
        "its entity, that over one for an entity above it, and that over the currency's."
    )
    form_class = NewForm

    def make_form(self, data: Any = None) -> CommandForm:
        """Offer what the reader sees."""
        form = cast("NewForm", super().make_form(data))
        accounts, given = self._seen(Account), self.request.GET
        form.choose(
            currencies=Cap.objects.using(self.model_admin.using).values_list("currency", flat=True),
            entities=self._seen(Entity),
            accounts=accounts,
            site=self.model_admin.admin_site,
        )
        if data is None:
            form.initial = {name: given[name] for name in form.fields if name in given}
            uid = read(given.get("account", "")).uid
            form.initial["account"] = accounts.filter(uid=uid).first() if uid else None
        return form

    def _seen(self, model: type[Model]) -> Any:
        other = self.model_admin.admin_site.get_model_admin(model)
        return cast("ConsoleAdmin", other).get_queryset(self.request).using(self.model_admin.using)

    def bound(self, data: dict[str, Any]) -> dict[str, Any]:
        """Return the keywords of the limit."""
        if not (data["entity"] or data["account"] or sees_everything(self.request)):
            raise LedgerError(NEEDS_SUBJECT)
        return {name: value for name, value in data.items() if name not in {"key", "reason"}}


class ProposeCap(Proposal):
    """Another cap for a currency."""

    name = "propose"
    verb = "Propose another cap"
    help_text = "Another person decides. The most that all balances of the currency may come to together."
    guard = StaffGuard() & PermissionGuard("ledger.propose_cap")
    form_class = ProposalForm

    def asked(self, data: dict[str, Any]) -> dict[str, Any]:
        """Return the keywords of the cap."""
        return {"currency": str(self.objects[0].pk), "ceiling": data["amount"]}

    def seen(self, data: dict[str, Any], asof: datetime) -> Seen:
        return Approval.request_cap_preview(asof=asof, using=self.model_admin.using, **self.asked(data))

    def request_it(self, data: dict[str, Any], asof: datetime) -> Approval:
        return Approval.request_cap(asof=asof, **self.keywords(data), **self.asked(data))
