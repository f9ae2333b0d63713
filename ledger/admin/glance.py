"""What the account's page shows beside its form: each part takes one or two queries by index, whatever the account's size.

Latest actions by version, from the end; the chart by bisection (`ledger.admin.balance_chart`); what is possible by the ledger's own
arithmetic (`ledger.possible`); holds and requests that are pending by indexes of theirs; notes and versions by the account.
"""

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from audit.names import person
from ledger.admin import notes
from ledger.admin.attention import warnings
from ledger.admin.balance_chart import balance_chart
from ledger.admin.documents import documents
from ledger.admin.telling import amount, of_account, status_chip, what
from ledger.admin.timeline import lately
from ledger.choices import ActionType, ApprovalState, HoldState, Status
from ledger.models import Account, Action, Approval, Hold
from ledger.money import written
from ledger.possible import Possible, Range, how_it_stands
from ledger.rules import ALLOWED

LATEST = 15  # actions, pending holds and requests on an account's page
SINCE_TURNED = 1_000  # versions among which what froze or closed an account is looked for
TURNED = {Status.FROZEN: ActionType.FROZEN, Status.CLOSED: ActionType.CLOSED}


def context(request: HttpRequest, model_admin: Any, account: Account) -> dict[str, Any]:
    """Return what the templates of the account's page want."""
    may, site = request.user.has_perm, model_admin.admin_site
    latest = list(of_account(account)[:LATEST])
    stands = how_it_stands(account, using=model_admin.using)
    used = [] if account.status == Status.CLOSED else stands.used
    pending = waiting(account) if may("ledger.view_approval") else []
    return {
        **figures(account),
        "chip": status_chip(account),
        "turned": turned(account, latest),
        "possible": possible_rows(stands.possible) if account.status == Status.OPEN else (),
        "approval": approval_from(stands.possible, account.currency),
        "used": [(one, written(one.left, one.currency)) for one in used],
        "warnings": warnings(account, used, latest, len(pending)),
        "waiting": pending,
        "holds": pending_holds(account) if may("ledger.view_hold") else None,
        "latest": [(one, what(one), amount(one), written(one.balance, one.currency)) for one in latest],
        "chart": balance_chart(account, timezone.now()),
        "lines": lately(request, site, account, latest),
        "notes": notes.notes_of(request, account),
        "note_form": note_form(request, account, model_admin.using),
        "commands": commands(request, model_admin, account),
        "limit_url": limit_url(request, site, account),
        "documents": documents(request, model_admin, account),
        "twin": model_admin.twin(request, account),
    }


def figures(account: Account) -> dict[str, str]:
    """Return what is there, in words."""
    currency = account.currency
    return {
        "balance": written(account.balance, currency),
        "held": written(account.held, currency) if account.held else "",
        "available": written(account.available, currency),
    }


def turned(account: Account, latest: Sequence[Action]) -> tuple[Action, str] | None:
    """Return the action that froze or closed the account, and by whom; nothing for an open one.

    Little can happen to such an account but that its holds are released, so it is among the last versions: one query at most.
    """
    kind = TURNED.get(Status(account.status))
    if kind is None:
        return None
    found = next((action for action in latest if action.type == kind), None)
    action = found or of_account(account).filter(type=kind, version__gt=account.version - SINCE_TURNED).first()
    return (action, person(action.by)) if action else None


def possible_rows(possible: Possible) -> list[dict[str, str]]:
    """Return what can be done now: what, how much at most, and what binds."""
    return [_row(verb.capitalize(), one) for verb, one in possible._asdict().items()]


def _row(verb: str, one: Range) -> dict[str, str]:
    if not one.possible:
        return {"what": verb, "most": "Nothing", "binds": str(one)}
    return {"what": verb, "most": written(one.most.amount, one.currency), "binds": one.most.called}


def approval_from(possible: Possible, currency: str) -> str:
    """Return the amount above which another person has to approve, where any such amount is possible now."""
    found = {one.approval for one in possible if one.approval is not None}
    return written(found.pop(), currency) if found else ""


def waiting(account: Account) -> list[Approval]:
    """Return what was asked for on the account and nobody has decided yet, the latest first. One query."""
    pending = Approval.objects.filter(account=account, state=ApprovalState.PENDING, expires__gt=timezone.now())
    return list(pending.select_related("maker").order_by("-pk")[:LATEST])


def pending_holds(account: Account) -> list[tuple[Hold, str]]:
    """Return what is held on the account, the latest first; no query where nothing is."""
    if not account.held:
        return []
    holds = Hold.objects.filter(account=account, state=HoldState.PENDING).select_related("placed__by")
    return [(hold, written(hold.amount, hold.currency)) for hold in holds.order_by("-pk")[:LATEST]]


def commands(request: HttpRequest, model_admin: Any, account: Account) -> list[Any]:
    """Return the commands that the person may give and the status allows."""
    allowed = ALLOWED[Status(account.status)]
    return [command for command in model_admin.permitted(request) if command.posting_type in allowed]


def note_form(request: HttpRequest, account: Account, using: str) -> notes.NoteForm | None:
    """Return the form of a note for who may write one."""
    return notes.NoteForm(account=account, using=using) if notes.GUARD.allows(request) else None


def limit_url(request: HttpRequest, site: Any, account: Account) -> str:
    """Return where a limit for the account is begun, for who may propose one while anything can happen to it."""
    if account.status == Status.CLOSED or not request.user.has_perm("ledger.propose_limit"):
        return ""
    page = reverse(f"{site.name}:ledger_limit_propose_new")
    return f"{page}?account={account.uid}&currency={account.currency}"
