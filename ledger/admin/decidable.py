"""What the page of a request shows: then and now side by side, and whether this person may decide on it."""

from typing import Any, cast

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone

from backoffice import deciding
from backoffice.models import User
from backoffice.models.user import MAY_BE_ONE
from ledger.choices import ApprovalKind
from ledger.models import Account, Action, Approval

OUT_OF_REACH = "The other account belongs to an entity that you do not work on."


def context(request: HttpRequest, approval: Approval) -> dict[str, Any]:
    """Return what the page shows: then and now side by side, and what this person may do about it."""
    hidden = out_of_reach(request, approval)
    shown = deciding.context(
        request,
        approval,
        would=lambda: approval.would(timezone.now()),
        why_not=lambda: why_not(cast("User", request.user), approval) or (OUT_OF_REACH if hidden else ""),
        most=1 if hidden else None,
    )
    return {**shown, "to": None if hidden else _to(approval)}


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
    return MAY_BE_ONE if user.may_be(approval.maker) else ""


def permission(approval: Approval) -> str:
    """Return the permission to do oneself what was asked for."""
    posting = approval.kind == ApprovalKind.POSTING
    return f"ledger.{approval.verb}" if posting else f"ledger.propose_{approval.kind}"
