"""Deciding on a request: approve, reject, cancel. Each a POST from the request's page, which then shows the next one.

The page is the preview: its token binds who, in the console or the sandbox, which request and what was shown, so an
approval is of what the checker looked at. Where things have moved since, the page is shown anew and nothing is decided.
"""

from typing import Any, ClassVar, cast

from django.contrib import messages
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from backoffice.command import TOKEN_AGE
from backoffice.databases import worked_on
from backoffice.guards import Guard, PermissionGuard, StaffGuard
from backoffice.models import User
from backoffice.reason import MISSING, give_reason
from backoffice.views import BaseView
from ledger import errors
from ledger.admin.decidable import SALT, out_of_reach, permission, who
from ledger.choices import ApprovalState
from ledger.models import Action, Approval

DRIFT = "Something has changed since you looked. Check the new figures, then decide."


class Decision(BaseView):
    """One way to decide."""

    name: ClassVar[str]
    guard: ClassVar[Guard] = StaffGuard() & PermissionGuard("ledger.decide_approval")
    model_admin: Any = None  # that of approvals, given to as_view()

    def get(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Lead to the page on which it is decided."""
        return HttpResponseRedirect(self._page(object_id))

    def post(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Decide, and go on to the next request."""
        found = self.model_admin.get_queryset(request).filter(pk=object_id).first()
        if found is None:
            raise Http404("There is no such request.")
        approval, comment = cast("Approval", found), request.POST.get("comment", "").strip()
        if not self.allowed(approval):
            raise PermissionDenied
        if not comment:
            return self._again(approval, comment, warning=MISSING)
        give_reason(comment, using=worked_on() or "default")
        try:
            done = self.decide(approval, comment)
        except errors.StalePreview:
            return self._again(approval, comment, warning=DRIFT)
        except errors.LedgerError as error:
            approval.refresh_from_db()
            return self._again(approval, comment, warning=str(error))
        self.say(done)
        following = self.model_admin.waiting(request).first() if self.goes_on else None
        return HttpResponseRedirect(self._page(following.pk if following else done.pk))

    goes_on = True

    def allowed(self, approval: Approval) -> bool:
        """Whether this person may decide so; the maker's own try is answered with a sentence by the ledger."""
        return self.request.user.has_perm(permission(approval)) and not out_of_reach(self.request, approval)

    def decide(self, approval: Approval, comment: str) -> Approval:
        """Have the ledger do it."""
        raise NotImplementedError

    def say(self, done: Approval) -> None:
        """Tell what became of it."""
        link = format_html('<a href="{}">{}</a>', self._page(done.pk), done)
        messages.success(self.request, format_html("{} is {}.", link, done.get_state_display().lower()))

    def keywords(self, approval: Approval, comment: str) -> dict[str, Any]:
        """Return what each of the ledger's decisions is given."""
        return {
            "uid": approval.uid,
            "by": cast("User", self.request.user),
            "asof": timezone.now(),
            "comment": comment,
            "using": self.model_admin.using,
        }

    def _page(self, pk: int) -> str:
        return reverse(f"{self.model_admin.admin_site.name}:ledger_approval_change", args=[pk])

    def _again(self, approval: Approval, comment: str, *, warning: str) -> HttpResponse:
        shown: HttpResponse = self.model_admin.page(self.request, approval, comment=comment, warning=warning)
        return shown


class Approve(Decision):
    """Approve what the page showed: `Approval.approve`."""

    name = "approve"

    def decide(self, approval: Approval, comment: str) -> Approval:
        """Approve, bound to what was shown."""
        try:
            *asked_by, saw = signing.loads(self.request.POST.get("token", ""), salt=SALT, max_age=TOKEN_AGE)
        except signing.BadSignature:
            raise errors.StalePreview("This page is too old or was not made here.") from None
        if asked_by != who(self.request, approval):
            raise errors.StalePreview("This page was somebody else's, or of another request.")
        return Approval.approve(saw=saw, **self.keywords(approval, comment))

    def say(self, done: Approval) -> None:
        """Say what was done, with its reference, or why it failed."""
        if done.state == ApprovalState.FAILED:
            messages.error(self.request, f"{done} was approved and failed. {done.error_text}")
        elif (action := done.action) is None:
            super().say(done)
        else:
            self._say_posted(done, action)

    def _say_posted(self, done: Approval, action: Action) -> None:
        page = reverse(f"{self.model_admin.admin_site.name}:ledger_action_change", args=[action.pk])
        text = '{} is approved and posted. Reference <a href="{}"><code>{}</code></a>.'
        messages.success(self.request, format_html(text, done, page, action.reference))


class Reject(Decision):
    """Turn it down, with a reason: `Approval.reject`."""

    name = "reject"

    def decide(self, approval: Approval, comment: str) -> Approval:
        return Approval.reject(**self.keywords(approval, comment))


class Cancel(Decision):
    """Take one's own request back: `Approval.cancel`."""

    name = "cancel"
    guard = StaffGuard() & PermissionGuard("ledger.view_approval")
    goes_on = False

    def allowed(self, approval: Approval) -> bool:
        """Leave it to the ledger: who asked may."""
        return True

    def decide(self, approval: Approval, comment: str) -> Approval:
        return Approval.cancel(**self.keywords(approval, comment))


DECISIONS: tuple[type[Decision], ...] = (Approve, Reject, Cancel)
