"""Deciding on a request: approve, reject, cancel. Each a POST from the request's page, which then shows the next one.

The page is the preview: its token binds who, in the console or the sandbox, which request and what was shown, so an
approval is of what the checker looked at. Where things have moved since, the page is shown anew and nothing is decided.
"""

from typing import Any, ClassVar, cast

from django.contrib import admin, messages
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from backoffice.command import TOKEN_AGE
from backoffice.databases import SANDBOX, worked_on
from backoffice.guards import Guard, PermissionGuard, StaffGuard
from backoffice.models import User
from backoffice.reason import MISSING, give_reason
from backoffice.views import BaseView
from ledger import errors
from ledger.choices import ApprovalKind, ApprovalState
from ledger.effects import Effect, Seen
from ledger.models import Account, Action, Approval

SALT = "ledger.approval"
OUT_OF_REACH = "The other account belongs to an entity that you do not work on."
DRIFT = "Something has changed since you looked. Check the new figures, then decide."


def context(request: HttpRequest, approval: Approval) -> dict[str, Any]:
    """Return what the page shows: then and now side by side, and what this person may do about it."""
    user = cast("User", request.user)
    then = approval.was_shown
    pending = approval.state == ApprovalState.PENDING
    expired = pending and approval.expires <= timezone.now()
    now = approval.would(timezone.now()) if pending and not expired else then
    hidden = out_of_reach(request, approval)
    return {
        "now": now,
        "drifted": now != then,
        "rows": _beside(then, now)[: 1 if hidden else None],
        "expired": expired,
        "why_not": "" if expired or not pending else why_not(user, approval) or (OUT_OF_REACH if hidden else ""),
        "may_cancel": pending and not expired and user.pk == approval.maker_id,
        "open": pending and not expired,
        "to": None if hidden else _to(approval),
        "token": signing.dumps([*_who(request, approval), now.digest], salt=SALT),
    }


def _to(approval: Approval) -> Account | None:
    """Return the account that a transfer goes to. One query for a transfer, else none."""
    if not (uid := approval.asked.get("to")):
        return None
    return Account.objects.using(approval._state.db).select_related("user", "entity").filter(uid=uid).first()


def out_of_reach(request: HttpRequest, approval: Approval) -> bool:
    """Whether the request speaks of another account that this person does not see. Two queries where it does, else none."""
    accounts = Account.objects.using(approval._state.db)
    if approval.kind != ApprovalKind.POSTING or approval.verb not in {"transfer", "reverse", "refund"}:
        return False
    if approval.verb == "transfer":
        others = accounts.filter(uid=approval.asked["to"])
    else:
        originals = Action.objects.using(approval._state.db).filter(uid=approval.asked["uid"])
        others = accounts.filter(pk__in=originals.values("counterparty"))
    other = others.values_list("pk", flat=True).first()
    seen = admin.site.get_model_admin(Account).get_queryset(request)
    return other is not None and worked_on() != SANDBOX and not seen.filter(pk=other).exists()


def why_not(user: User, approval: Approval) -> str:
    """Return why this person cannot decide on a pending request, or nothing."""
    if not user.has_perm("ledger.decide_approval"):
        return "Your groups do not let you decide on requests."
    if not user.has_perm(permission(approval)):
        return "To decide on this you need the permission to do it yourself, which your groups do not give you."
    if user.pk == approval.maker_id:
        return "You asked for this yourself, so somebody else has to decide."
    return ""


def permission(approval: Approval) -> str:
    """Return the permission to do oneself what was asked for."""
    posting = approval.kind == ApprovalKind.POSTING
    return f"ledger.{approval.verb}" if posting else f"ledger.propose_{approval.kind}"


def _beside(then: Seen, now: Seen) -> list[tuple[Effect | None, Effect | None]]:
    """Return what was shown and what would happen now, in pairs."""
    later = {effect.what: effect for effect in now.effects}
    pairs: list[tuple[Effect | None, Effect | None]] = [
        (effect, later.pop(effect.what, None)) for effect in then.effects
    ]
    return pairs + [(None, effect) for effect in later.values()]


def _who(request: HttpRequest, approval: Approval) -> list[str]:
    return [str(request.user.pk), str(worked_on()), str(approval.pk)]


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
            *who, saw = signing.loads(self.request.POST.get("token", ""), salt=SALT, max_age=TOKEN_AGE)
        except signing.BadSignature:
            raise errors.StalePreview("This page is too old or was not made here.") from None
        if who != _who(self.request, approval):
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
