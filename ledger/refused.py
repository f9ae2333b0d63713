"""The database's refusals in the ledger's words: a constraint that fires is translated by its name."""

from django.db import IntegrityError
from psycopg import errors as postgres

from ledger import errors

BY_CONSTRAINT: dict[str, tuple[type[errors.LedgerError], str]] = {
    "ledger_account_user_id_key": (errors.AlreadyHasAccount, "This customer has an account already."),
    "ledger_account_uid_key": (errors.AlreadyHasAccount, "There is an account with this uid already."),
    "ledger_action_idempotency_key": (
        errors.IdempotencyConflict,
        "The key was used for another posting a moment ago.",
    ),
    "ledger_action_out_of_step": (errors.LedgerOutOfStep, "The account changed outside the ledger; try again."),
    "ledger_return_within": (errors.AlreadyReversed, "The action went back a moment ago."),
    "ledger_hold_resolved_once": (errors.HoldResolved, "The hold was resolved a moment ago."),
    "ledger_action_account_version": (errors.LedgerOutOfStep, "The account changed outside the ledger; try again."),
    "ledger_account_held_is_covered": (errors.LedgerOutOfStep, "More would be held than the balance."),
    "ledger_approval_pending_once": (errors.DuplicateRequest, "The same was asked for a moment ago."),
    "ledger_limit_no_overlap": (errors.InvalidLimit, "The limit changed a moment ago; ask again."),
    "ledger_account_balance_not_negative": (errors.LedgerOutOfStep, "The balance would become negative."),
}

CAP = {"ledger_cap", "ledger_headroom_not_negative"}  # the cap itself, and a slot that two emptied at the same moment


def translated(error: IntegrityError) -> Exception:
    """Return the ledger's error for a database's, or the error itself where no rule of the ledger is behind it."""
    cause = error.__cause__
    name = cause.diag.constraint_name if isinstance(cause, postgres.Error) else None
    if name in CAP:
        return errors.ExceedsCap(currency=str(cause.diag.message_detail))  # type: ignore[union-attr]  # it has a name
    if name not in BY_CONSTRAINT:
        return error
    kind, sentence = BY_CONSTRAINT[name]
    return kind(sentence, constraint=name)
