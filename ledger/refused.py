"""The database's refusals in the ledger's words: whatever fires is translated by its name.

What the rules refuse first has a name here because two people can do it at the same moment; any other guard of the ledger
fires only where somebody wrote past the rules. A test compares the names with the database's catalogue.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError, IntegrityError, OperationalError
from psycopg import errors as postgres

from backoffice.models.user import MAY_BE_ONE
from ledger import errors

BY_CONSTRAINT: dict[str, tuple[type[errors.LedgerError], str]] = {
    "ledger_account_user_id_key": (errors.AlreadyHasAccount, "This customer has an account already."),
    "ledger_account_uid_key": (errors.AlreadyHasAccount, "There is an account with this uid already."),
    "ledger_action_idempotency_key": (
        errors.IdempotencyConflict,
        "The key was used for another posting a moment ago.",
    ),
    "ledger_action_out_of_step": (errors.LedgerOutOfStep, "The account changed outside the ledger; try again."),
    "ledger_action_too_early": (
        errors.LedgerOutOfStep,
        "The database's clock was set back before the account's last action: nothing is posted until it has caught up.",
    ),
    "ledger_return_within": (errors.AlreadyReversed, "The action went back a moment ago."),
    "ledger_hold_resolved_once": (errors.HoldResolved, "The hold was resolved a moment ago."),
    "ledger_action_account_version": (errors.LedgerOutOfStep, "The account changed outside the ledger; try again."),
    "ledger_action_approved": (errors.InvalidPosting, "This is not what another person approved."),
    "ledger_action_approved_once": (errors.ApprovalDecided, "What was approved was posted a moment ago."),
    "ledger_account_held_is_covered": (errors.LedgerOutOfStep, "More would be held than the balance."),
    "ledger_account_balance_not_negative": (errors.LedgerOutOfStep, "The balance would become negative."),
    "ledger_approval_pending_once": (errors.DuplicateRequest, "The same was asked for a moment ago."),
    "ledger_approval_checker_is_another": (errors.SameApprover, "Whoever asked cannot decide."),
    "ledger_approval_two_hands": (errors.SameApprover, MAY_BE_ONE),
    "ledger_approval_decided_once": (errors.ApprovalDecided, "The request was decided a moment ago, or has expired."),
    "ledger_approval_in_time": (errors.ApprovalDecided, "The request has expired."),
    "ledger_approval_decided_by_somebody": (errors.UnknownUser, "Say which user decides."),
    "ledger_limit_no_overlap": (errors.InvalidLimit, "The limit changed a moment ago; ask again."),
    "ledger_limit_not_negative": (errors.InvalidLimit, "A limit cannot be negative."),
    "ledger_limit_is_a_number": (errors.InvalidLimit, "A limit is a number that an account can hold."),
    "ledger_limit_one_subject": (errors.InvalidLimit, "A limit is for an entity or for an account, not for both."),
    "ledger_cap_invalid": (errors.InvalidLimit, "A cap needs a currency and a number that can be stored."),
}
# Foreign keys: table and column, to which Django adds a digest.
BY_REFERENCE: dict[str, tuple[type[errors.LedgerError], str]] = {
    "ledger_account_entity_id": (errors.UnknownEntity, "The entity is not in the database any more."),
    "ledger_account_user_id": (errors.UnknownUser, "The customer is not in the database any more."),
    "ledger_action_by_id": (errors.UnknownUser, "Who asks is not in the database any more."),
    "ledger_approval_maker_id": (errors.UnknownUser, "Who asks is not in the database any more."),
    "ledger_approval_checker_id": (errors.UnknownUser, "Who decides is not in the database any more."),
    "ledger_limit_entity_id": (errors.UnknownEntity, "The entity is not in the database any more."),
}
GUARD = "ledger_"  # how the names of all of them begin
CAP = {"ledger_cap", "ledger_headroom_not_negative"}  # the cap itself, and a slot that two emptied at the same moment


@contextmanager
def translating() -> Iterator[None]:
    """Raise the ledger's error for a database's; what is none of the ledger's goes on as it is, with its cause."""
    try:
        yield
    except (IntegrityError, OperationalError) as error:
        found = translated(error)
        if found is error:
            raise
        raise found from error


def translated(error: DatabaseError) -> Exception:
    """Return the ledger's error for a database's, or the error itself where no guard of the ledger is behind it."""
    cause = error.__cause__
    if deadlocked(error):
        return errors.Contended("Somebody changed the same at this very moment. Nothing has changed: try again.")
    name = (cause.diag.constraint_name if isinstance(cause, postgres.Error) else None) or ""
    if isinstance(cause, postgres.Error) and name in CAP:
        return errors.ExceedsCap(currency=_currency(cause))
    column = name.partition("_fk_")[0].rpartition("_")[0]
    if known := BY_CONSTRAINT.get(name) or BY_REFERENCE.get(column):
        kind, sentence = known
        return kind(sentence, constraint=name)
    if name.startswith(GUARD):
        return errors.LedgerOutOfStep(f"The database refused this by its guard {name}.", constraint=name)
    return error


def _currency(cause: postgres.Error) -> str | None:
    """Return the currency of the cap: the guard tells it, while PostgreSQL's own detail of a slot speaks of a failing row."""
    return cause.diag.message_detail if cause.diag.constraint_name == "ledger_cap" else None


def deadlocked(error: DatabaseError) -> bool:
    """Say whether PostgreSQL ended one of two transactions that waited for each other."""
    return isinstance(error.__cause__, postgres.DeadlockDetected)
