"""A command of the ledger in words: what it does, on its buttons and headings, and what became of each object, in rows."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, ClassVar

from django.urls import reverse

from backoffice.command import CommandPage, Line
from ledger.admin.telling import listed, signed
from ledger.errors import LedgerError
from ledger.models import Account, Action
from ledger.money import written
from ledger.posting import Outcome

FIELDS = {
    "invalid_amount": "amount",
    "exceeds_limit": "amount",
    "exceeds_cap": "amount",
    "exceeds_original": "amount",
    "exceeds_hold": "amount",
    "approval_required": "amount",
    "insufficient_funds": "amount",
    "same_account": "to",
    "currency_mismatch": "to",
    "invalid_moment": "expires",
    "invalid_reference": "reference_type",
    "reason_required": "comment",
}


def added_up(amounts: Iterable[tuple[str, Decimal]]) -> str:
    """Return what amounts come to, of each currency apart: what goes out, then what comes in."""
    totals: dict[tuple[str, bool], Decimal] = {}
    for currency, amount in amounts:
        key = (currency, amount > 0)
        totals[key] = totals.get(key, Decimal(0)) + amount
    return listed([signed(total, currency) for (currency, _), total in sorted(totals.items())])


class Worded(CommandPage):
    """A command that can say what it does."""

    past: ClassVar[str]  # in the message: Deposited
    preposition: ClassVar[str] = "to"  # Deposit CZK 10.00 to …
    standing: ClassVar[str] = "the account is now"  # in the message, before what stands afterwards
    measure: ClassVar[str] = ""  # what the columns before and after show, where that is not the balance or the status
    model_admin: Any = None  # given to as_view()

    objects: Sequence[Any]

    @property
    def single(self) -> bool:
        """Whether this is the page of one object."""
        return "object_id" in self.kwargs

    def account_of(self, item: Any) -> Account:
        """Return the account that a posting for this object is on."""
        raise NotImplementedError

    def line(self, item: Any, outcome: Outcome) -> Line:
        """Put one outcome in words: amounts for money, the status for everything else."""
        if outcome.error:
            return self.refused(item, outcome.error)
        first, *others = outcome.legs()
        before, change, after = self.before_and_after(item, first)
        return Line(
            label=self.label(item),
            url=self.page_of(item),
            before=before,
            change=change,
            after=after,
            reference=str(first.reference) if first.pk else "",
            reference_url=self.page_of(first) if first.pk else "",
            replayed=outcome.replayed,
            also=self.also(item, first, others),
        )

    def refused(self, item: Any, error: LedgerError) -> Line:
        """Put a refusal in words."""
        return Line(
            label=self.label(item),
            url=self.page_of(item),
            before=self.stands(item),
            error=str(error),
            error_field=FIELDS.get(error.code),
            code=error.code,
        )

    def also(self, item: Any, first: Action, others: Sequence[Action]) -> tuple[Line, ...]:
        """Return what happens beside the first leg."""
        return ()

    def label(self, item: Any) -> str:
        """Return what an object is called in a row."""
        return str(item)

    def stands(self, item: Any) -> str:
        """Return what is shown of an object that is left as it is: what the column before shows of the others."""
        return self.account_of(item).get_status_display()

    def page_of(self, item: Any) -> str:
        """Return the address of an object's page."""
        return reverse(f"{self.model_admin.admin_site.name}:ledger_{item._meta.model_name}_change", args=[item.pk])

    def before_and_after(self, item: Any, action: Action) -> tuple[str, str, str]:
        """Return what stands in the three columns of the preview."""
        return self.stands(item), "", action.get_status_display()

    def told(self, line: Line) -> str:
        """Say what was done, in the message: how much, until before what stands now."""
        moved = f"{line.change.removeprefix('-')}; {self.standing}" if line.change else self.standing
        if line.replayed:
            return f"Was posted before, and only once: {moved}"
        return f"{self.past}: {moved}" if line.change else f"{moved[:1].upper()}{moved[1:]}"

    def deed(self, data: dict[str, Any], ready: int) -> str:
        """Say what is done: `Deposit CZK 10.00`, and for a selection to how many."""
        what = self.what_is_done(data)
        if self.single:
            return what
        opts = self.model_admin.opts
        nouns = f"{ready:,} {opts.verbose_name if ready == 1 else opts.verbose_name_plural}"
        return f"{what} {self._preposition(data)}{nouns}"

    def sentence(self, data: dict[str, Any], ready: int) -> str:
        """Say what is done, and to whom."""
        return f"{self.what_is_done(data)} {self._preposition(data)}{self.subject(data)}."

    def sentence_of(self, items: Sequence[Any], data: dict[str, Any]) -> str:
        """Say what is done to how many of a selection, and what that comes to."""
        total = self.total(items, data)
        return f"{self.deed(data, len(items))}{f', {total} in total' if total else ''}."

    def total(self, items: Sequence[Any], data: dict[str, Any]) -> str:
        """Return what the amounts of these objects come to; nothing where no money moves."""
        amount = data.get("amount")
        return written(amount * len(items), self._currency) if amount else ""

    def subject(self, data: dict[str, Any]) -> str:
        """Return what the command of one object acts on, in a sentence."""
        return str(self.objects[0])

    def what_is_done(self, data: dict[str, Any]) -> str:
        """Say what is done to each: `Deposit CZK 10.00`."""
        amount = data.get("amount")
        return f"{self.verb} {written(amount, self._currency)}" if amount else self.verb

    def _preposition(self, data: dict[str, Any]) -> str:
        return f"{self.preposition} " if data.get("amount") else ""

    @property
    def _currency(self) -> str:
        return self.account_of(self.objects[0]).currency
