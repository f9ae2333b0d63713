"""The demo's present: what happens today until now, so that the day has something to show beside its usual.

Of what came in and went out on this weekday in the weeks that make the usual, until the same hour, a part that comes to one
such day happens again, on the same accounts and by the same people, as far as the ledger allows it now. Nothing where
something has happened today already.
"""

from datetime import timedelta

from django.utils import timezone

from backoffice.scope import acting
from ledger.choices import ActionType
from ledger.models import Account, Action
from ledger.movements import WEEK, WEEKS, midnight
from ledger.posting import LARGEST_BATCH, Posting


def live_today(using: str = "default") -> int:
    """Post it; return how many postings that were."""
    now = timezone.now()
    begun = midnight(now)
    with acting(actor=None, request_id="demo", using=using):
        actions = Action.objects.using(using).order_by("created")
        if actions.filter(created__gte=begun).exists():
            return 0
        moved = actions.filter(type__in=[ActionType.DEPOSITED, ActionType.WITHDRAWN]).select_related("account", "by")
        postings = [
            _again(action, week)
            for week in (number * WEEK for number in range(1, WEEKS + 1))
            for action in moved.filter(created__range=(begun - week, now - week))[: LARGEST_BATCH // WEEKS : WEEKS]
        ]
        postings.sort(key=lambda posting: posting.asof)
        return sum(outcome.error is None for outcome in Account.post_batch(postings, using=using))


def _again(action: Action, later: timedelta) -> Posting:
    return Posting(
        type=ActionType(action.type),
        uid=action.account.uid,
        by=action.by,
        asof=action.created + later,
        amount=abs(action.delta),
        reference_type=action.reference_type,
        reference=action.external_reference,
        comment=action.comment,
    )
