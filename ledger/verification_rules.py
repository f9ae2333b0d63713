"""What `ledger_verify` holds the ledger to: each rule as the condition under which it is broken, and its sentence.

A condition is SQL over its query; NULL counts as unbroken. In CHAIN `w` is an action with what the one before it left
(`balance_before`, `version_before`, `status_before`) and the sum of deltas so far (`total`), `w.last` marks the account's
last one, and `a` is the account; an account without actions and an action without account are rows too. A sentence names
columns of its query. A new type of action needs its line in MOVES.
"""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from ledger.choices import ActionType, Status
from ledger.reference import ALPHABET, GROUP, LENGTH
from ledger.rules import ALLOWED, BECOMES, REVERSIBLE


class Rule(NamedTuple):
    """When it is broken, in SQL, and in which words; `of_account`: no single action is to be named."""

    broken: str
    text: str
    of_account: bool = False


class Check(NamedTuple):
    """A query whose rows break rules; its column `broken` names which."""

    query: str
    rules: dict[str, Rule]


MOVES = {  # the sign of an action's delta; None: either, but not zero
    ActionType.CREATED: 0,
    ActionType.DEPOSITED: 1,
    ActionType.WITHDRAWN: -1,
    ActionType.TRANSFERRED_OUT: -1,
    ActionType.TRANSFERRED_IN: 1,
    ActionType.REVERSED: None,
    ActionType.REFUNDED: None,
    ActionType.HELD: 0,
    ActionType.CAPTURED: -1,
    ActionType.RELEASED: 0,
    ActionType.FROZEN: 0,
    ActionType.UNFROZEN: 0,
    ActionType.CLOSED: 0,
}
HOLDS = {ActionType.HELD: 1, ActionType.CAPTURED: -1, ActionType.RELEASED: -1}  # the sign of its held_delta, else zero
TURNED = "CASE WHEN {row}.type IN ('reversed', 'refunded') THEN 0 ELSE abs({row}.delta) END"


def _case(values: Mapping[ActionType, object]) -> str:
    """Return what an action's type leads to, as SQL."""
    known = {kind: value for kind, value in values.items() if value is not None}
    return f"CASE w.type {' '.join(f'WHEN {kind.value!r} THEN {value!r}' for kind, value in known.items())} END"


def _leaves() -> str:
    """Return the status that an action leaves, as SQL: that of its kind, or the one before it."""
    kinds = {kind: status.value for kind, status in BECOMES.items()} | {ActionType.CREATED: Status.OPEN.value}
    return f"coalesce({_case(kinds)}, w.status_before)"


def _listed(kinds: Collection[ActionType]) -> str:
    return ", ".join(f"'{kind.value}'" for kind in sorted(kinds))


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
    "last_held": Rule(
        "w.last AND (w.held <> a.held OR w.turnover <> a.turnover OR w.latest <> a.latest)",
        "The account's last action left {held} held and a turnover of {turnover}, the account has {account_held} and "
        "{account_turnover}.",
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
    "delta": Rule(
        f"sign(w.delta) <> {_case(MOVES)} OR (w.type IN ('reversed', 'refunded') AND w.delta = 0)",
        "An action of type {type} cannot have a delta of {delta}.",
    ),
    "speaks_of": Rule(
        "(w.type IN ('reversed', 'refunded')) <> (w.reverses_id IS NOT NULL) OR (w.type IN ('captured', 'released')) <> "
        "(w.hold_id IS NOT NULL) OR (w.type <> 'held' AND w.expires IS NOT NULL) OR (w.transfer IS NULL) <> "
        "(w.counterparty_id IS NULL) OR (w.type IN ('transferred_out', 'transferred_in') AND w.transfer IS NULL)",
        "An action of type {type} does not name what it has to, or names what it cannot.",
    ),
    "held_delta": Rule(
        f"sign(w.held_delta) <> coalesce({_case(HOLDS)}, 0)",
        "An action of type {type} cannot add {held_delta} to what is held.",
    ),
    "running_held": Rule(
        "w.held <> coalesce(w.held_before, 0) + w.held_delta",
        "It left {held} held, but {held_before} before it and its {held_delta} do not come to that.",
    ),
    "held_covered": Rule("w.held < 0 OR w.held > w.balance", "It left {held} held of a balance of {balance}."),
    "turnover": Rule(
        f"w.turnover <> coalesce(w.turnover_before, 0) + {TURNED.format(row='w')}",
        "It left a turnover of {turnover}, but {turnover_before} before it and its delta of {delta} do not come to that.",
    ),
    "latest": Rule(
        "w.latest <> greatest(w.latest_before, w.created)",
        "It says that the latest business time is {latest}, which it is not.",
    ),
    "recorded": Rule("w.recorded < w.recorded_before", "It was recorded before the action that it follows."),
    "status": Rule(
        f"w.status <> {_leaves()} OR (w.status_before <> 'closed' AND (w.status_before, w.type) NOT IN ({_pairs()}))",
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
        w.held, w.held_delta, w.turnover, w.latest, coalesce(w.held_before, 0) AS held_before,
        coalesce(w.turnover_before, 0) AS turnover_before, a.held AS account_held, a.turnover AS account_turnover,
        w.created, coalesce(w.balance_before, 0) AS balance_before, coalesce(w.balance_before, 0) + w.delta AS expected,
        coalesce(w.version_before, 0) AS version_before, coalesce(w.status_before, 'not there') AS status_before, w.total,
        a.currency AS account_currency, a.balance AS account_balance, a.status AS account_status,
        a.version AS account_version, a.created AS account_created, a.modified
    """,
    """
        (
            SELECT *, lag(balance) OVER whole AS balance_before, lag(held) OVER whole AS held_before,
                lag(turnover) OVER whole AS turnover_before, lag(latest) OVER whole AS latest_before,
                lag(recorded) OVER whole AS recorded_before, lag(version) OVER whole AS version_before,
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
TRANSFER_RULES = {
    "transfer": Rule(
        "t.legs <> 2 OR t.total <> 0 OR t.currencies <> 1 OR t.accounts <> 2 OR NOT t.matched",
        "Its transfer has {legs} legs that come to {total}: not two that come to nothing.",
    )
}
TRANSFER = _check(
    "a.uid, t.reference, t.currency, t.legs, t.total",
    """
        (
            SELECT transfer, count(*) AS legs, sum(delta) AS total, count(DISTINCT currency) AS currencies,
                count(DISTINCT account_id) AS accounts, min(reference) AS reference, min(currency) AS currency,
                min(account_id) AS account_id,
                min(counterparty_id) = min(account_id) AND max(counterparty_id) = max(account_id) AS matched
            FROM ledger_action WHERE transfer IS NOT NULL GROUP BY transfer
        ) t LEFT JOIN ledger_account a ON a.id = t.account_id
    """,
    TRANSFER_RULES,
)
RETURN_RULES = {
    "returned": Rule(
        "o.id IS NULL OR o.account_id <> r.account_id OR r.total > abs(o.delta) OR NOT r.opposite OR r.wholes > 1 "
        f"OR (r.wholes > 0 AND r.total <> abs(o.delta)) OR o.type NOT IN ({_listed(REVERSIBLE)})",
        "Of the action that it takes back {total} went back in all, {delta} was all there was.",
    )
}
RETURN = _check(
    "a.uid, r.reference, r.currency, r.total, coalesce(abs(o.delta), 0) AS delta",
    """
        (
            SELECT w.reverses_id, w.account_id, min(w.reference) AS reference, min(w.currency) AS currency,
                sum(abs(w.delta)) AS total, count(*) FILTER (WHERE w.type = 'reversed') AS wholes,
                bool_and(sign(w.delta) = -sign(o.delta) AND (w.transfer IS NULL) = (o.transfer IS NULL)) AS opposite
            FROM ledger_action w LEFT JOIN ledger_action o ON o.id = w.reverses_id
            WHERE w.reverses_id IS NOT NULL GROUP BY 1, 2
        ) r LEFT JOIN ledger_action o ON o.id = r.reverses_id LEFT JOIN ledger_account a ON a.id = r.account_id
    """,
    RETURN_RULES,
)
HOLD_RULES = {
    "hold": Rule(
        "h.placed_id IS NULL OR w.id IS NULL OR h.amount <> w.held_delta OR h.account_id <> w.account_id OR h.state <> "
        "CASE WHEN e.id IS NULL THEN 'pending' WHEN e.type = 'captured' THEN 'captured' "
        "WHEN h.expires <= e.created THEN 'expired' ELSE 'released' END "
        "OR e.held_delta <> -h.amount OR h.captured <> coalesce(-e.delta, 0) OR h.resolved_id IS DISTINCT FROM e.id "
        "OR h.expires IS DISTINCT FROM w.expires OR h.uid <> w.uid OR e.account_id <> h.account_id",
        "The hold of {amount} is {state}, which its actions do not say.",
    ),
}
HOLD = _check(
    "a.uid, w.reference, coalesce(w.currency, h.currency) AS currency, coalesce(h.amount, 0) AS amount, "
    "coalesce(h.state, 'not there') AS state",
    """
        (SELECT * FROM ledger_action WHERE type = 'held') w FULL JOIN ledger_hold h ON h.placed_id = w.id
        LEFT JOIN ledger_action e ON e.hold_id = w.id
        LEFT JOIN ledger_account a ON a.id = coalesce(w.account_id, h.account_id)
    """,
    HOLD_RULES,
)
CHECKS = (CHAIN, REFERENCE, TRANSFER, RETURN, HOLD, CAP)
