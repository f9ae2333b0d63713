"""The demo's present: what happens today until now, so that the day has something to show beside its usual.

What came in and went out on this weekday a week ago, until the same hour, does so again today, on the same accounts and by
the same people, as far as the ledger allows it now. Nothing where something has happened today already.
"""

from django.utils import timezone

from backoffice.scope import acting
from ledger.choices import ActionType
from ledger.models import Account, Action
from ledger.movements import WEEK, midnight
from ledger.posting import LARGEST_BATCH, Posting


def live_today(using: str = "default") -> int:
    """Post it; return how many postings that were."""
    now = timezone.now()
    begun = midnight(now)
    with acting(actor=None, request_id="demo", using=using):
        actions = Action.objects.using(using).order_by("created")
        if actions.filter(created__gte=begun).exists():
            return 0
        again = actions.filter(
            created__range=(begun - WEEK, now - WEEK), type__in=[ActionType.DEPOSITED, ActionType.WITHDRAWN]
        )
        postings = [_again(action) for action in again.select_related("account", "by")[:LARGEST_BATCH]]
        return sum(outcome.error is None for outcome in Account.post_batch(postings, using=using))


def _again(action: Action) -> Posting:
    return Posting(
        type=ActionType(action.type),
        uid=action.account.uid,
        by=action.by,
        asof=action.created + WEEK,
        amount=abs(action.delta),
        reference_type=action.reference_type,
        reference=action.external_reference,
        comment=action.comment,
    )
