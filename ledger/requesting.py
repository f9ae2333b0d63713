"""Asking for approval: a request keeps what was asked, and what it would have done then.

The same request waits once, whoever asks; the same request of one form, under its key, is the first one again.
Callers: the classmethods of `Approval`.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from backoffice.effects import Seen, digest
from ledger import approving, asking, errors
from ledger.choices import ApprovalKind, ApprovalState
from ledger.deeds import DEEDS
from ledger.effects import of_drafts
from ledger.posting import Outcome, Posting, preview
from ledger.refused import translating
from ledger.shape import check_past, check_text

if TYPE_CHECKING:
    from ledger.models.approval import Approval

Filed: TypeAlias = "Approval | errors.LedgerError"


def life() -> timedelta:
    """Return how long a request waits for a decision."""
    return timedelta(days=settings.APPROVAL_DAYS)


def ask_postings(
    approvals: "type[Approval]", postings: Sequence[Posting], *, reason: str = "", using: str
) -> "list[Filed]":
    """Return a request for each posting, or what refuses it; see `Approval.request`."""
    from ledger.models.account import Account  # noqa: PLC0415  the models import this module

    made: list[Filed] = []
    plain = preview(Account, postings, using=using)
    with_approval = preview(Account, [replace(posting, approval=approvals()) for posting in postings], using=using)
    for outcome, approved in zip(plain, with_approval, strict=True):
        try:
            made.append(_drawn_up(approvals, outcome, approved, reason))
        except errors.LedgerError as error:
            made.append(error)
    return _filed(made, using)


def _drawn_up(approvals: "type[Approval]", outcome: Outcome, approved: Outcome, reason: str) -> "Approval":
    if outcome.error is None:
        raise errors.ApprovalNotRequired(
            "Nobody has to approve this: it is within the threshold, or was posted before."
        )
    if not isinstance(outcome.error, errors.ApprovalRequired):
        raise outcome.error
    account, _ = approved.unwrap()
    posting = outcome.posting
    return approvals(
        kind=ApprovalKind.POSTING,
        entity_id=account.entity_id,
        account=account,
        currency=account.currency,
        amount=posting.amount,
        asked=asking.as_json(posting, account.currency),
        shown=Seen(effects=of_drafts(approved.drafts)).as_json,
        reason=reason or posting.comment,
        maker=posting.by,
        requested=posting.asof,
        expires=posting.asof + life(),
    )


def ask(approval: "Approval", *, asof: datetime, using: str) -> "Approval":
    """File a request for a limit or a cap, with what it would do.

    Raises:
        DuplicateRequest: it waits already.
        ReasonRequired, InvalidLimit: there is no reason, or nothing to do.
    """
    check_past(asof, timezone.now())
    approval.shown = Seen(effects=DEEDS[approval.kind].effects(approval, asof, using)).as_json
    approval.requested, approval.expires = asof, asof + life()
    [filed] = _filed([approval], using)
    if isinstance(filed, errors.LedgerError):
        raise filed
    return filed


def _filed(made: "Sequence[Filed]", using: str) -> "list[Filed]":
    """Write the requests down, those that wait already left out."""
    from ledger.models.approval import Approval  # noqa: PLC0415  it imports this module

    checked = [_checked(one) for one in made]
    news = [one for one in checked if isinstance(one, Approval)]
    for one in news:
        unique = {name: value for name, value in one.asked.items() if name != "idempotency_key"}
        one.fingerprint = digest({"kind": one.kind, **unique})
    prints = [one.fingerprint for one in news]
    approving.expire(Approval.objects.using(using).filter(fingerprint__in=prints), timezone.now(), using)
    pending = Approval.objects.using(using).filter(fingerprint__in=prints, state=ApprovalState.PENDING)
    waiting = {bytes(one.fingerprint): one for one in pending.select_related("maker")}
    return [_filed_once(each, waiting, using) if isinstance(each, Approval) else each for each in checked]


def _checked(one: "Filed") -> "Filed":
    """Return the request, or what is wrong with its reason."""
    if isinstance(one, errors.LedgerError):
        return one
    try:
        if not one.reason.strip():
            raise errors.ReasonRequired("Give a reason: whoever approves has to know why.")
        check_text(one.reason, "reason", approving.LONGEST)
    except errors.LedgerError as error:
        return error
    return one


def _filed_once(one: "Approval", waiting: "dict[bytes, Approval]", using: str) -> "Filed":
    other = waiting.get(bytes(one.fingerprint))
    if other is None:
        try:
            with translating(), transaction.atomic(using=using):
                one.save(using=using, force_insert=True)
        except errors.DuplicateRequest as error:
            return error
        waiting[bytes(one.fingerprint)] = one
        approving.tell("requested", one, one.reason, using)
        return one
    key = one.asked.get("idempotency_key")
    if key and (other.maker_id, other.asked.get("idempotency_key")) == (one.maker_id, key):
        other.replayed = True
        return other
    return errors.DuplicateRequest(f"{other.maker} has asked for this already, and it waits.", uid=other.uid)
