"""What the page of a request shows: then and now side by side, and whether this person may decide on it."""

from typing import Any, cast

from django.contrib import admin
from django.core import signing
from django.http import HttpRequest
from django.utils import timezone

from backoffice.databases import worked_on
from backoffice.models import User
from ledger.choices import ApprovalKind, ApprovalState
from ledger.effects import Effect, Seen
from ledger.models import Account, Action, Approval

SALT = "ledger.approval"
OUT_OF_REACH = "The other account belongs to an entity that you do not work on."


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
        "token": signing.dumps([*who(request, approval), now.digest], salt=SALT),
    }


def _to(approval: Approval) -> Account | None:
    """Return the account that a transfer goes to. One query for a transfer, else none."""
    if not (uid := approval.asked.get("to")):
        return None
    return Account.objects.using(approval._state.db).select_related("user", "entity").filter(uid=uid).first()


def out_of_reach(request: HttpRequest, approval: Approval) -> bool:
    """Whether the request speaks of another account that this person does not see. Two queries where it does, else none."""
    seen = admin.site.get_model_admin(Account).get_queryset(request).using(approval._state.db)
    if approval.kind != ApprovalKind.POSTING or approval.verb not in {"transfer", "reverse", "refund"}:
        return False
    if approval.verb == "transfer":
        return not seen.filter(uid=approval.asked["to"]).exists()
    originals = Action.objects.using(approval._state.db).filter(uid=approval.asked["uid"])
    other = originals.values_list("counterparty", flat=True).first()
    return other is not None and not seen.filter(pk=other).exists()


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


def who(request: HttpRequest, approval: Approval) -> list[str]:
    """Return what a page's token is bound to: the person, the console or the sandbox, the request."""
    return [str(request.user.pk), str(worked_on()), str(approval.pk)]
