"""Doing the rows of a run, in whatever scope runs: posted, asked for where another person has to approve, or left out.

One call posts one batch. Nothing here is saved but what the ledger writes: `Run.settle` keeps what became of the rows, in the
same transaction, so that both are there or neither. Locks: the run (the caller's), then as any batch.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from django.db import transaction

from audit.record import record
from bulk.models import Result, Row, Run, State
from ledger.errors import ApprovalRequired, Contended, LedgerError
from ledger.models import Account, Approval
from ledger.posting import Outcome, Posting

if TYPE_CHECKING:
    from ledger.admin.commands import LedgerCommand

AT_ONCE = 200  # rows that the request which confirms does by itself; a longer run goes on behind it
OUT_OF_REACH = "It is not there any more, or belongs to an entity that whoever confirmed this does not work on now."
NOT_ALLOWED = "Whoever confirmed this may not do it any more."


def at_once(run: Run, command: "LedgerCommand") -> None:
    """Do a short run within the request that confirms it; what meets another transaction is left to the worker."""
    rows = run.next_rows(AT_ONCE)
    try:
        with transaction.atomic(using=command.model_admin.using):
            do(run, command, rows)
    except Contended:
        return
    settle(run, rows)


def settle(run: Run, rows: Sequence[Row]) -> None:
    """Keep what became of rows, and tell of the run's end."""
    run.settle(rows)
    if run.state == State.DONE:
        record("bulk.finished", obj=run, data=run.facts)


def do(run: Run, command: "LedgerCommand", rows: Sequence[Row]) -> None:
    """Do these rows; what became of each stands on it afterwards.

    Raises:
        Contended: another transaction waited for this one; nothing has changed.
    """
    if not command.guard.allows(command.request):
        return _refuse(rows, "not_allowed", NOT_ALLOWED)
    known = {row.object_id: row for row in rows}
    command.objects = command.found(known)
    _refuse([known[pk] for pk in known.keys() - {item.pk for item in command.objects}], "out_of_reach", OUT_OF_REACH)
    form = command.make_form(run.asked)
    if not form.is_valid():  # the objects have changed so much that the form does not fit them any more
        return _refuse([known[item.pk] for item in command.objects], "form", " ".join(_errors(form)))
    postings = []
    for item, asked in zip(command.objects, command.postings(form.cleaned_data), strict=True):
        row = known[item.pk]
        if isinstance(asked, LedgerError):
            row.refuse(asked.code, str(asked))
        else:
            postings.append((row, replace(asked, idempotency_key=row.key)))
    return _post(postings, command.model_admin.using)


def _errors(form: "object") -> list[str]:
    return [str(error) for errors in form.errors.values() for error in errors]  # type: ignore[attr-defined]  # a form


def _refuse(rows: Sequence[Row], code: str, text: str) -> None:
    for row in rows:
        row.refuse(code, text)


def _post(postings: Sequence[tuple[Row, Posting]], using: str) -> None:
    over = []
    for (row, posting), outcome in zip(postings, _posted([one for _, one in postings], using), strict=True):
        if outcome.error is None:
            row.state, row.action = Result.POSTED, outcome.action
        elif isinstance(outcome.error, ApprovalRequired):
            over.append((row, posting))
        else:
            row.refuse(outcome.error.code, str(outcome.error))
    filed = Approval.request_postings([posting for _, posting in over], using=using) if over else []
    for (row, _), answer in zip(over, filed, strict=True):
        if isinstance(answer, LedgerError):
            row.refuse(answer.code, str(answer))
        else:
            row.state, row.approval = Result.ASKED, answer


def _posted(postings: Sequence[Posting], using: str) -> list[Outcome]:
    """Return what became of each; where the database refuses them together, they are posted one by one."""
    try:
        return Account.post_batch(postings, using=using)
    except Contended:
        raise
    except LedgerError as error:
        if len(postings) == 1:
            return [Outcome(posting=postings[0], error=error)]
    return [outcome for one in postings for outcome in _posted([one], using)]
