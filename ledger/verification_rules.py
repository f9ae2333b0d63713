"""What `ledger_verify` holds the ledger to: each rule as the condition under which it is broken, and its sentence.

A condition is SQL over its query; NULL counts as unbroken. In CHAIN `w` is an action with what the one before it left
(`balance_before`, `version_before`, `status_before`) and the sum of deltas so far (`total`), `w.last` marks the account's
last one, and `a` is the account; an account without actions and an action without account are rows too. A sentence names
columns of its query. A new type of action needs its lines in LEAVES and MOVES.
"""

from collections.abc import Mapping
from typing import NamedTuple

from ledger.choices import ActionType, Status
from ledger.reference import ALPHABET, GROUP, LENGTH
from ledger.rules import ALLOWED


class Rule(NamedTuple):
    """When it is broken, in SQL, and in which words; `of_account`: no single action is to be named."""

    broken: str
    text: str
    of_account: bool = False


class Check(NamedTuple):
    """A query whose rows break rules; its column `broken` names which."""

    query: str
    rules: dict[str, Rule]


LEAVES = {  # the status an action leaves
    ActionType.CREATED: Status.OPEN.value,
    ActionType.DEPOSITED: Status.OPEN.value,
    ActionType.WITHDRAWN: Status.OPEN.value,
    ActionType.FROZEN: Status.FROZEN.value,
    ActionType.UNFROZEN: Status.OPEN.value,
    ActionType.CLOSED: Status.CLOSED.value,
}
MOVES = {  # the sign of an action's delta
    ActionType.CREATED: 0,
    ActionType.DEPOSITED: 1,
    ActionType.WITHDRAWN: -1,
    ActionType.FROZEN: 0,
    ActionType.UNFROZEN: 0,
    ActionType.CLOSED: 0,
}


def _case(values: Mapping[ActionType, object]) -> str:
    """Return what an action's type leads to, as SQL."""
    return f"CASE w.type {' '.join(f'WHEN {kind.value!r} THEN {value!r}' for kind, value in values.items())} END"


def _pairs() -> str:
    return ", ".join(
        f"('{status.value}', '{kind.value}')" for status, kinds in ALLOWED.items() for kind in sorted(kinds)
    )


ACCOUNT_RULES = {
    "orphan": Rule("a.id IS NULL", "The action belongs to no account."),
    "no_actions": Rule("w.id IS NULL", "The account has no action, not even the one that opened it.", of_account=True),
    "sum": Rule(
        "w.last AND w.total <> a.balance",
        "The balance is {account_balance}, but all deltas together come to {total}.",
        of_account=True,
    ),
    "last_balance": Rule(
        "w.last AND w.balance <> a.balance",
        "The account's last action left {balance}, but its balance is {account_balance}.",
    ),
    "last_status": Rule(
        "w.last AND w.status <> a.status",
        "The account's last action left it {status}, but it is {account_status}.",
    ),
    "last_version": Rule(
        "w.last AND w.version <> a.version",
        "The account counts {account_version} actions, but its last one is number {version}.",
    ),
    "modified": Rule(
        "w.last AND w.created <> a.modified",
        "The account was last modified {modified}, but its last action is of {created}.",
    ),
}
ACTION_RULES = {
    "version_gap": Rule(
        "w.version <> coalesce(w.version_before, 0) + 1",
        "It is number {version} of its account and follows number {version_before}.",
    ),
    "running_balance": Rule(
        "w.balance <> coalesce(w.balance_before, 0) + w.delta",
        "It left {balance}, but {balance_before} before it and its delta of {delta} come to {expected}.",
    ),
    "negative": Rule("w.balance < 0", "It left a balance below zero: {balance}."),
    "delta": Rule(f"sign(w.delta) <> {_case(MOVES)}", "An action of type {type} cannot have a delta of {delta}."),
    "status": Rule(
        f"w.status <> {_case(LEAVES)} OR (w.status_before <> 'closed' AND (w.status_before, w.type) NOT IN ({_pairs()}))",
        "An action of type {type} cannot leave an account {status} that was {status_before}.",
    ),
    "after_closing": Rule("w.status_before = 'closed'", "It follows the closing of the account."),
    "first": Rule(
        "(w.type = 'created') <> (w.version_before IS NULL)",
        "It is of type {type}: the first action of an account is created, and no other one is.",
    ),
    "entity": Rule("w.entity_id <> a.entity_id", "It names another entity than its account."),
    "currency": Rule("w.currency <> a.currency", "It is in {currency}, its account in {account_currency}."),
    "moment": Rule(
        "w.created < a.created OR (w.version_before IS NULL AND w.created <> a.created)",
        "It is of {created}, its account was opened {account_created}.",
    ),
}

SYMBOL = f"[{ALPHABET}]{{{GROUP}}}"
PLACES = [place + place // GROUP + 1 for place in range(LENGTH)]  # of the symbols, hyphens left out
DIGITS = [f"(strpos('{ALPHABET}', substr(w.reference, {place}, 1)) - 1)" for place in PLACES]
WEIGHED = " + ".join(f"{weight} * {digit}" for weight, digit in enumerate(DIGITS[:-1], start=1))
REFERENCE_RULES = {
    "reference": Rule(
        f"w.reference !~ '^{SYMBOL}-{SYMBOL}-{SYMBOL}$' OR ({WEIGHED}) % {len(ALPHABET)} <> {DIGITS[-1]}",
        "Its reference is none that the ledger gives out: the check digit is wrong.",
    )
}
CAP_RULES = {
    "cap": Rule(
        "coalesce(b.balances, 0) + coalesce(c.remaining, 0) <> coalesce(c.ceiling, 0)",
        "All {currency} balances come to {balances} and the headroom to {remaining}: together not the cap of {ceiling}.",
        of_account=True,
    )
}


def _check(columns: str, source: str, rules: dict[str, Rule], order: str = "") -> Check:
    named = ", ".join(f"CASE WHEN {rule.broken} THEN '{code}' END" for code, rule in rules.items())
    broken = " OR ".join(f"({rule.broken})" for rule in rules.values())
    query = f"""
        SELECT {columns}, array_remove(ARRAY[{named}], NULL) AS broken
        FROM {source}
        WHERE {broken}
        {order}
    """  # noqa: S608  built of the constants above
    return Check(query, rules)


CHAIN = _check(
    """
        a.uid, w.reference, coalesce(w.currency, a.currency) AS currency, w.type, w.delta, w.balance, w.status, w.version,
        w.created, coalesce(w.balance_before, 0) AS balance_before, coalesce(w.balance_before, 0) + w.delta AS expected,
        coalesce(w.version_before, 0) AS version_before, coalesce(w.status_before, 'not there') AS status_before, w.total,
        a.currency AS account_currency, a.balance AS account_balance, a.status AS account_status,
        a.version AS account_version, a.created AS account_created, a.modified
    """,
    """
        (
            SELECT *, lag(balance) OVER whole AS balance_before, lag(version) OVER whole AS version_before,
                lag(status) OVER whole AS status_before, sum(delta) OVER whole AS total,
                lead(version) OVER whole IS NULL AS last
            FROM ledger_action
            WINDOW whole AS (PARTITION BY account_id ORDER BY version ROWS UNBOUNDED PRECEDING)
        ) w FULL JOIN ledger_account a ON a.id = w.account_id
    """,
    ACTION_RULES | ACCOUNT_RULES,
    order="ORDER BY a.id, w.version",
)
REFERENCE = _check(
    "a.uid, w.reference, w.currency",
    "ledger_action w LEFT JOIN ledger_account a ON a.id = w.account_id",
    REFERENCE_RULES,
)
CAP = _check(
    "NULL AS uid, NULL AS reference, currency, coalesce(b.balances, 0) AS balances, "
    "coalesce(c.remaining, 0) AS remaining, coalesce(c.ceiling, 0) AS ceiling",
    """
        (SELECT currency, sum(balance) AS balances FROM ledger_account GROUP BY 1) b FULL JOIN (
            SELECT currency, ceiling, (SELECT sum(remaining) FROM ledger_headroom h WHERE h.currency = k.currency) AS remaining
            FROM ledger_cap k
        ) c USING (currency)
    """,
    CAP_RULES,
)
CHECKS = (CHAIN, REFERENCE, CAP)
