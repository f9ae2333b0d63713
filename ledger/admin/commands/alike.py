"""What looks like the same done twice: told on the preview, and forbidden by nothing, as it may be meant."""

from datetime import timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from backoffice.said import told
from ledger.choices import ActionType
from ledger.models import Account, Action
from ledger.money import written

AGO = timedelta(hours=1)  # within which the same amount again is more often a slip than meant
LATEST = 50  # actions of the account that are looked at
SAID = 'This looks like one that was done already: {}, {}, by {}, reference <a href="{}"><code>{}</code></a>. Go on if it is another.'


def done_alike(rows: QuerySet[Any], account: Account, kind: ActionType, data: dict[str, Any]) -> Any:
    """Return the last action of the account of that kind with the same amount a short while ago, or the same reference.

    The reference is what a bank or an invoice calls it. One query, of the account's LATEST actions.
    """
    amounts, external = [data["amount"], -data["amount"]], data.get("reference")
    alike = (Q(delta__in=amounts) | Q(delta=0, held_delta__in=amounts)) & Q(recorded__gt=timezone.now() - AGO)
    alike |= Q(external_reference=external) if external else Q()
    of_account = rows.filter(account=account, type=kind, version__gt=account.version - LATEST)
    return of_account.filter(alike).select_related("by").order_by("-version").first()


def in_words(action: Action, past: str, site: Any) -> SafeString:
    """Return what was done, when and by whom, with the way there."""
    page = reverse(f"{site.name}:ledger_action_change", args=[action.pk])
    amount = written(abs(action.delta or action.held_delta), action.currency)
    return format_html(SAID, f"{past} {amount}", told(action.recorded), action.by, page, action.reference)
