"""What the ledger refuses, as one tree of errors: a stable code, the facts, and a sentence fit for staff.

`except LedgerError` catches all of them. Callers translate, they never decide again.
"""

from decimal import Decimal
from typing import Any, ClassVar, Self

from ledger.money import written


class LedgerError(Exception):
    """A posting that a rule refuses. `code` is stable, `data` holds the facts, `str()` is the sentence."""

    code: ClassVar[str] = "refused"

    def __init__(self, sentence: str, **data: Any) -> None:
        super().__init__(sentence)
        self.data = data

    def of(self, which: str) -> Self:
        """Say which of two accounts refuses, such as the `receiving` one. Returns the error itself."""
        sentence = str(self)
        rest = sentence.removeprefix("The account ")
        told = f"Of the {which} account: {sentence}" if rest == sentence else f"The {which} account {rest}"
        self.args = (told,)
        return self


class InvalidAmount(LedgerError):
    """Not a finite, positive amount that the currency can express.

    `data["why"]`: `zero`, `negative`, `nan`, `infinite`, `decimals`, `too_large` or `type`.
    """

    code = "invalid_amount"


class InvalidText(LedgerError):
    """A comment, reference or key that is too long or holds characters that no database stores.

    `data["why"]`: `too_long`, `unstorable` (NUL and other control characters), `empty` (a key) or `type`.
    """

    code = "invalid_text"


class InvalidReference(LedgerError):
    """An external reference without its type, or of a type that does not exist."""

    code = "invalid_reference"


class InvalidMoment(LedgerError):
    """A business time without a zone, in the future, or before the account existed.

    `data["why"]`, of a business time: `zone`, `future`, `before_account` or `type`; of two moments: `ends_before`, `too_far`,
    `before_original`, `before_request` or `past`.
    """

    code = "invalid_moment"


class InvalidPosting(LedgerError):
    """Of a type that nobody can ask for, or speaking of what does not go with its type."""

    code = "invalid_posting"


class UnknownUser(LedgerError):
    """By nobody, or by or for somebody who is not in the database."""

    code = "unknown_user"


class UnknownEntity(LedgerError):
    """On the books of no legal entity that is in the database."""

    code = "unknown_entity"


class UnknownAccount(LedgerError):
    """No account has this uid."""

    code = "unknown_account"


class UnknownAction(LedgerError):
    """No action has this uid or reference."""

    code = "unknown_action"


class UnknownHold(LedgerError):
    """No hold has this uid."""

    code = "unknown_hold"


class UnknownMention(LedgerError):
    """A note calls somebody who is not there, or does not see the account."""

    code = "unknown_mention"


class AlreadyHasAccount(LedgerError):
    """A customer has one account at most."""

    code = "already_has_account"


class UnknownCurrency(LedgerError):
    """No cap is set for this currency, so the ledger does not keep it."""

    code = "unknown_currency"


class AccountFrozen(LedgerError):
    """The account is frozen."""

    code = "account_frozen"


class AccountClosed(LedgerError):
    """The account is closed."""

    code = "account_closed"


class StatusUnchanged(LedgerError):
    """The account already has the status asked for."""

    code = "status_unchanged"


class NotEmpty(LedgerError):
    """Only an account without money can be closed."""

    code = "not_empty"


class ReasonRequired(LedgerError):
    """The action needs a reason."""

    code = "reason_required"


class InsufficientFunds(LedgerError):
    """The balance would become negative."""

    code = "insufficient_funds"

    def __init__(self, *, available: Decimal, amount: Decimal, currency: str) -> None:
        super().__init__(
            f"{written(amount, currency)} is more than the available {written(available, currency)}.",
            available=available,
            amount=amount,
            currency=currency,
        )


class SameAccount(LedgerError):
    """A transfer needs two accounts."""

    code = "same_account"


class CurrencyMismatch(LedgerError):
    """A transfer needs two accounts of one currency; nothing is ever converted."""

    code = "currency_mismatch"


class NotReversible(LedgerError):
    """An action of this type cannot be reversed or refunded."""

    code = "not_reversible"


class AlreadyReversed(LedgerError):
    """The action was reversed before, or refunded in part, so that it cannot be reversed as a whole."""

    code = "already_reversed"


class ExceedsOriginal(LedgerError):
    """All refunds of an action together would be more than the action."""

    code = "exceeds_original"


class HoldResolved(LedgerError):
    """The hold was captured or released before, or has expired."""

    code = "hold_resolved"


class ExceedsHold(LedgerError):
    """A capture of more than the hold."""

    code = "exceeds_hold"


class ExceedsLimit(LedgerError):
    """A limit binds; `data["limit"]` names which."""

    code = "exceeds_limit"


class ExceedsCap(ExceedsLimit):
    """The total of all balances in the currency would pass its cap."""

    code = "exceeds_cap"

    def __init__(self, *, currency: str | None, **data: Any) -> None:
        super().__init__(
            f"This would take all {currency} balances together over the cap set for {currency}."
            if currency
            else "This would take all balances of the currency together over its cap.",
            limit="cap",
            currency=currency,
            **data,
        )


class ApprovalRequired(ExceedsLimit):
    """The amount is over the approval threshold: another person has to approve it."""

    code = "approval_required"


class UnknownApproval(LedgerError):
    """No request for approval has this uid."""

    code = "unknown_approval"


class ApprovalNotRequired(LedgerError):
    """A request for approval of what nobody has to approve."""

    code = "approval_not_required"


class UnknownVerb(LedgerError):
    """Nothing of this name can be asked approval for."""

    code = "unknown_verb"


class InvalidLimit(LedgerError):
    """A limit or a cap that cannot be, or is so already."""

    code = "invalid_limit"


class CapTooLow(LedgerError):
    """A cap below what the balances come to."""

    code = "cap_too_low"


class NotTheMaker(LedgerError):
    """Only who asked for an approval can take the request back."""

    code = "not_the_maker"


class SameApprover(LedgerError):
    """Whoever asked for an approval can neither approve nor reject it."""

    code = "same_approver"


class ApprovalDecided(LedgerError):
    """The request was decided before, or has expired."""

    code = "approval_decided"


class DuplicateRequest(LedgerError):
    """The same request waits for approval already."""

    code = "duplicate_request"


class StalePreview(LedgerError):
    """What would happen now is not what was shown; `data["now"]` holds what it would be."""

    code = "stale_preview"


class IdempotencyConflict(LedgerError):
    """The key was used before for a different posting."""

    code = "idempotency_conflict"


class Contended(LedgerError):
    """Two transactions waited for each other and this one was ended: nothing has changed, and it can be tried again."""

    code = "contended"


class BatchTooLarge(LedgerError):
    """More postings than one transaction should hold."""

    code = "batch_too_large"


class LedgerOutOfStep(LedgerError):
    """The database's own guard refused a posting that the rules let pass: somebody wrote past the engine."""

    code = "out_of_step"


# What none of these lets pass it never will: nothing opens a closed account, gives a hold back or undoes a return.
FINAL = frozenset(error.code for error in (AccountClosed, AlreadyReversed, HoldResolved, NotReversible))
