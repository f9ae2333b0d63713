"""What all proposals of limits and caps share: who may, what approval would do, and the request that is filed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar, cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from backoffice.command import CommandForm, CommandPage, Line
from backoffice.effects import Seen
from backoffice.grants import request_entities, sees_everything
from backoffice.guards import PermissionGuard, StaffGuard
from backoffice.models import User
from ledger.admin.amounts import AmountField
from ledger.errors import LedgerError
from ledger.models import Approval

FIELDS = {
    "invalid_amount": "amount",
    "cap_too_low": "amount",
    "reason_required": "reason",
    "unknown_currency": "currency",
}


def within_reach(request: HttpRequest, row: Any) -> bool:
    """Whether a person works on all that a limit or cap binds: a limit from above can be seen, and not changed."""
    if getattr(row, "account_id", None):
        return True
    entity, entities = getattr(row, "entity_id", None), request_entities(request)
    return entities is None or entity in entities or (entity is None and sees_everything(request))


class Proposal(CommandPage):
    """One kind of proposal."""

    guard = StaffGuard() & PermissionGuard("ledger.propose_limit")
    asks_again = True
    form_class: ClassVar[type[CommandForm]]
    form_template = "console/proposal_form.html"
    preview_template = "console/proposal_preview.html"
    model_admin: Any = None  # of limits or caps, given to as_view()

    def make_form(self, data: Any = None) -> CommandForm:
        """Tell the amount its currency, where that is given."""
        form = super().make_form(data)
        if self.objects and "amount" in form.fields:
            row: Any = self.objects[0]
            cast("AmountField", form.fields["amount"]).currency = row.currency
        return form

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
            "preserved_filters": self.model_admin.get_preserved_filters(self.request),
            "original": single,
            "title": f"{self.verb}: {single}" if single else self.verb,
        }
