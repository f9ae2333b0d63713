"""Deciding on a request for approval: `backoffice.deciding`, done by the ledger."""

from typing import Any, ClassVar, cast

from django.contrib import messages
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from backoffice.command import copy_button
from backoffice.deciding import Decision
from backoffice.guards import Guard, PermissionGuard, StaffGuard
from backoffice.models import User
from ledger import errors
from ledger.admin.decidable import out_of_reach, permission
from ledger.choices import ApprovalState
from ledger.models import Action, Approval


class LedgerDecision(Decision):
    """One way to decide."""

    guard: ClassVar[Guard] = StaffGuard() & PermissionGuard("ledger.decide_approval")
    stale = errors.StalePreview
    refusal = errors.LedgerError

    def allowed(self, row: Approval) -> bool:
        """Whether this person may do himself what was asked for; the maker's own try is answered by the ledger."""
        return self.request.user.has_perm(permission(row)) and not out_of_reach(self.request, row)

    def keywords(self, approval: Approval, comment: str) -> dict[str, Any]:
        """Return what each of the ledger's decisions is given."""
        return {
            "uid": approval.uid,
            "by": cast("User", self.request.user),
            "asof": timezone.now(),
            "comment": comment,
            "using": self.model_admin.using,
        }


class Approve(LedgerDecision):
    """Approve what the page showed: `Approval.approve`."""

    name = "approve"

    def decide(self, row: Approval, comment: str) -> Approval:
        return Approval.approve(saw=self.saw(row), **self.keywords(row, comment))

    def say(self, done: Approval) -> None:
        """Say what was done, with its reference, or why it failed."""
        if done.state == ApprovalState.FAILED:
            messages.error(
                self.request, format_html("{} was approved and failed. {}", self.link(done), done.error_text)
            )
        elif (action := done.action) is None:
            super().say(done)
        else:
            self._say_posted(done, action)

    def _say_posted(self, done: Approval, action: Action) -> None:
        page = reverse(f"{self.model_admin.admin_site.name}:ledger_action_change", args=[action.pk])
        text = '{} is approved and posted. Reference <a href="{}"><code>{}</code></a> {}'
        reference = str(action.reference)
        messages.success(self.request, format_html(text, self.link(done), page, reference, copy_button(reference)))


class Reject(LedgerDecision):
    """Turn it down, with a reason: `Approval.reject`."""

    name = "reject"

    def decide(self, row: Approval, comment: str) -> Approval:
        return Approval.reject(**self.keywords(row, comment))


class Cancel(LedgerDecision):
    """Take one's own request back: `Approval.cancel`."""

    name = "cancel"
    guard = StaffGuard() & PermissionGuard("ledger.view_approval")
    goes_on = False

    def allowed(self, row: Approval) -> bool:
        """Leave it to the ledger: who asked may."""
        return True

    def decide(self, row: Approval, comment: str) -> Approval:
        return Approval.cancel(**self.keywords(row, comment))


DECISIONS: tuple[type[LedgerDecision], ...] = (Approve, Reject, Cancel)
