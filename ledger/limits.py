"""Which limit binds: of those valid now, the narrowest one of each kind.

That of the account, else that of its entity, else that of the nearest entity above, else that of the currency.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from ledger.choices import LimitKind
from ledger.errors import ApprovalRequired, ExceedsLimit
from ledger.money import written

if TYPE_CHECKING:
    from ledger.models.account import Account

COUNTED = {  # what is measured, where it is not the amount of the posting
    LimitKind.MAX_BALANCE: "A balance of ",
    LimitKind.DAILY_TURNOVER: "A turnover of ",
    LimitKind.MONTHLY_TURNOVER: "A turnover of ",
}


class Rule(NamedTuple):
    """A limit that is valid now. `entity_id` is the entity it binds, `width` how many it binds, where it is for a branch."""

    kind: str
    currency: str
    entity_id: int | None
    account_id: int | None
    amount: Decimal
    width: int = 0
    above: bool = False  # set for an entity above that one

    @property
    def scope(self) -> str:
        """What the rule is set for."""
        return "account" if self.account_id else "entity" if self.entity_id else "currency"


class Bounds(NamedTuple):
    """The limits of one account: one rule a kind at most."""

    currency: str
    rules: dict[str, Rule]

    def check(self, amount: Decimal, *, least: LimitKind | None = None, most: LimitKind | None = None) -> None:
        """Refuse an amount that a limit binds.

        Raises:
            ExceedsLimit: `data` names the limit, its scope and its amount.
        """
        if least and (rule := self.rules.get(least)) and amount < rule.amount:
            raise self._refusal(amount, rule, "below")
        if most and (rule := self.rules.get(most)) and amount > rule.amount:
            raise self._refusal(amount, rule, "over")

    def check_threshold(self, amount: Decimal) -> None:
        """Refuse an amount that somebody else has to approve.

        Raises:
            ApprovalRequired: `data` names the threshold as that of ExceedsLimit does.
        """
        rule = self.rules.get(LimitKind.APPROVAL)
        if rule and amount > rule.amount:
            raise self._refusal(amount, rule, "over", ApprovalRequired, ": another person has to approve it")

    def _refusal(
        self, amount: Decimal, rule: Rule, side: str, kind: type[ExceedsLimit] = ExceedsLimit, advice: str = ""
    ) -> ExceedsLimit:
        named = LimitKind(rule.kind)
        return kind(
            f"{COUNTED.get(named, '')}{written(amount, self.currency)} is {side} the {named.label.lower()} of "
            f"{written(rule.amount, self.currency)} set for {subject(rule)}{advice}.",
            limit=rule.kind,
            scope=rule.scope,
            bound=rule.amount,
            amount=amount,
        )


def subject(rule: Rule) -> str:
    """Say in words what a rule is set for."""
    entity = "an entity above its own" if rule.above else "its entity"
    return {"account": "this account", "entity": entity, "currency": rule.currency}[rule.scope]


class Limits:
    """All limits that can bind a batch, looked up by account."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._by_subject: dict[tuple[str, int | None, int | None], dict[str, Rule]] = {}
        for rule in rules:
            of_subject = self._by_subject.setdefault(rule[1:4], {})
            # A branch holds those of the entities below, so the smallest is the nearest.
            wider = of_subject.get(rule.kind)
            if wider is None or rule.width < wider.width:
                of_subject[rule.kind] = rule
        self.kinds = {kind for rules_of in self._by_subject.values() for kind in rules_of}
        self._shared: dict[tuple[str, int], Bounds] = {}  # of accounts without a limit of their own

    def of(self, account: "Account") -> Bounds:
        """Return the bounds of an account, the narrowest limit winning kind by kind."""
        wide = (account.currency, account.entity_id)
        if wide not in self._shared:
            rules = self._by_subject.get((account.currency, None, None), {})
            rules = rules | self._by_subject.get((account.currency, account.entity_id, None), {})
            self._shared[wide] = Bounds(account.currency, rules)
        own = self._by_subject.get((account.currency, None, account.id))
        return Bounds(account.currency, self._shared[wide].rules | own) if own else self._shared[wide]
