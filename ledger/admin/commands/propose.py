"""Proposing a limit, its change or its end, and another cap: a form, a preview, and a request that somebody else decides.

A limit of a whole currency and a cap bind every entity, so they are for those who see all of them.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, ClassVar, cast

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from backoffice.admin import ConsoleAdmin
from backoffice.command import CommandForm, CommandPage, Line
from backoffice.grants import request_entities, sees_everything
from backoffice.guards import PermissionGuard, StaffGuard
from backoffice.models import Entity, User
from ledger.admin.forms import AmountField
from ledger.choices import LimitKind
from ledger.effects import Seen
from ledger.errors import LedgerError
from ledger.models import Account, Approval, Cap, Limit
from ledger.shape import LONGEST

FIELDS = {
    "invalid_amount": "amount",
    "cap_too_low": "amount",
    "reason_required": "reason",
    "unknown_currency": "currency",
}


class Moment(forms.DateTimeField):
    """A day and a time, in the zone of the settings."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


class ProposalForm(CommandForm):
    """What every proposal has: an amount and why."""

    why = "reason"
    amount = AmountField()
    reason = forms.CharField(
        max_length=LONGEST["comment"], widget=forms.Textarea(attrs={"rows": 2}), help_text="For whoever decides on it."
    )


class ChangeForm(ProposalForm):
    """A limit of a subject that is given."""

    valid_from = Moment(required=False, label="From", help_text="Empty: from its approval on.")
    valid_until = Moment(
        required=False, label="Until", help_text="Empty: without end. After it, the limit before comes back."
    )
    field_order: Iterable[str] = ("amount", "valid_from", "valid_until", "reason")


class NewForm(ChangeForm):
    """A limit of any subject that the reader sees."""

    kind = forms.ChoiceField(choices=LimitKind)
    currency = forms.ChoiceField()
    entity = forms.ModelChoiceField(Entity.objects.none(), required=False, help_text="Empty: not for one entity.")
    account = forms.UUIDField(required=False, help_text="The public id of an account; empty: not for one account.")
    field_order = ("kind", "currency", "entity", "account", *ChangeForm.field_order)


class EndForm(CommandForm):
    """The end of a limit."""

    why = "reason"
    valid_from = Moment(required=False, label="Ends", help_text="Empty: with its approval.")
    reason = ProposalForm.base_fields["reason"]
    field_order = ("valid_from", "reason")


def within_reach(request: HttpRequest, row: Any) -> bool:
    """Whether a person works on all that a limit or cap binds: a limit from above can be seen, and not changed."""
    if getattr(row, "account_id", None):
        return True
    entity, entities = getattr(row, "entity_id", None), request_entities(request)
    return entities is None or entity in entities or (entity is None and sees_everything(request))


class Proposal(CommandPage):
    """One kind of proposal."""

    guard = StaffGuard() & PermissionGuard("ledger.propose_limit")
    form_class: ClassVar[type[CommandForm]]
    form_template = "console/proposal_form.html"
    preview_template = "console/proposal_preview.html"
    model_admin: Any = None  # of limits or caps, given to as_view()

    def get_objects(self) -> Sequence[Model]:
        """Return the limit or cap that is to change, if it is about one that is there."""
        if "object_id" not in self.kwargs:
            return ()
        found = self.model_admin.get_queryset(self.request).filter(pk=self.kwargs["object_id"]).first()
        if found is None:
            raise Http404("There is no such limit.")
        if not within_reach(self.request, found):
            raise PermissionDenied
        return (found,)

    def seen(self, data: dict[str, Any], asof: datetime) -> Seen:
        """Return what approval would do. Raises LedgerError where it cannot be asked for."""
        raise NotImplementedError

    def request_it(self, data: dict[str, Any], asof: datetime) -> Approval:
        """File the request."""
        raise NotImplementedError

    def preview(self, data: dict[str, Any]) -> list[Line]:
        """Ask the ledger what approval would do."""
        try:
            seen = self.seen(data, timezone.now())
        except LedgerError as error:
            seen = Seen.refused(error)
        if seen.text:
            return [self._refused(seen.code, seen.text)]
        return [Line(label=effect.what, before=effect.before, after=effect.after) for effect in seen.effects]

    def execute(self, data: dict[str, Any]) -> list[Line]:
        """Ask for approval."""
        try:
            approval = self.request_it(data, timezone.now())
        except LedgerError as error:
            return [self._refused(error.code, str(error))]
        page = reverse(f"{self.model_admin.admin_site.name}:ledger_approval_change", args=[approval.pk])
        return [Line(label=str(approval), url=page)]

    @staticmethod
    def _refused(code: str, text: str) -> Line:
        return Line(label="", error=text, error_field=FIELDS.get(code), code=code)

    def answer(self, lines: list[Line]) -> HttpResponse:
        """Go to the request."""
        [line] = lines
        messages.success(
            self.request, format_html("Asked for approval: {} waits until another person decides.", line.label)
        )
        return HttpResponseRedirect(line.url)

    def keywords(self, data: dict[str, Any]) -> dict[str, Any]:
        """Return who asks, and why."""
        return {"by": cast("User", self.request.user), "reason": data["reason"], "using": self.model_admin.using}

    def page_context(self) -> dict[str, Any]:
        """Return what the admin's templates want."""
        single = self.objects[0] if self.objects else None
        return {
            **self.model_admin.admin_site.each_context(self.request),
            "opts": self.model_admin.opts,
            "original": single,
            "title": f"{self.verb}: {single}" if single else self.verb,
        }


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
        """Offer the entities that the reader sees."""
        form = super().make_form(data)
        caps = Cap.objects.using(self.model_admin.using).values_list("currency", flat=True)
        currency, entity = form.fields["currency"], form.fields["entity"]
        cast("forms.ChoiceField", currency).choices = [(name, name) for name in caps]
        cast("forms.ModelChoiceField[Entity]", entity).queryset = self._seen(Entity)
        if data is None:
            form.initial = {name: self.request.GET[name] for name in form.fields if name in self.request.GET}
        return form

    def _seen(self, model: type[Model]) -> Any:
        other = self.model_admin.admin_site.get_model_admin(model)
        return cast("ConsoleAdmin", other).get_queryset(self.request).using(self.model_admin.using)

    def bound(self, data: dict[str, Any]) -> dict[str, Any]:
        """Return the keywords of the limit, its account looked up among those that the reader sees."""
        account = None
        if data["account"] and (account := self._seen(Account).filter(uid=data["account"]).first()) is None:
            raise LedgerError("There is no account with this public id.")
        if not (data["entity"] or account or sees_everything(self.request)):
            raise LedgerError(
                "Choose an entity or an account: a limit for all entities is for those who see all of them."
            )
        return {name: value for name, value in data.items() if name not in {"key", "reason"}} | {"account": account}


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
