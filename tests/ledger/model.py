"""The ledger once more, as plain dicts and Decimals: what the state machine expects of the real one.

Written from docs/ledger.md, and imports nothing of `ledger`, so that a mistake there is not repeated here. A request is a
`Request`; `Model.post` says which code each of a batch ends with ("ok", "replayed", or that of the error) and moves along.
Accounts, actions and holds are called by numbers, which count up as they come into being.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

PLACES = {"CZK": 2, "KWD": 3, "JPY": 0}
MONEY_OUT = {"withdraw", "transfer"}
NEEDS_REASON = {"reverse", "refund", "freeze", "unfreeze", "close"}
ASKABLE = {"deposit", "withdraw", "transfer", "reverse", "refund", "place"}  # approval for, over the threshold
RETURNABLE = {"deposit", "withdraw", "transfer", "transfer_in", "capture"}
TYPES = {
    "deposit": "deposited", "withdraw": "withdrawn", "transfer": "transferred_out", "transfer_in": "transferred_in",
    "reverse": "reversed", "refund": "refunded", "place": "held", "capture": "captured", "release": "released",
    "freeze": "frozen", "unfreeze": "unfrozen", "close": "closed", "create": "created",
}  # fmt: skip


class Refused(Exception):
    """A rule refuses; the argument is the code, with limits the kind of limit after a colon."""


@dataclass(frozen=True)
class Request:
    """What somebody asks for; numbers call what exists, and None or -1 what does not."""

    verb: str
    account: int = -1
    amount: Decimal | None = None
    asof: datetime = datetime.min  # noqa: DTZ901  always given
    comment: str = ""
    key: str | None = None
    to: int = -1
    action: int = -1
    hold: int = -1
    expires: datetime | None = None
    reference_type: str = "none"
    reference: str = ""
    by: int = 0
    approved: bool = False  # by another person, so that the threshold is not asked


@dataclass
class Model:
    """All that there is. `now` is set before each posting."""

    accounts: list[dict[str, Any]] = field(default_factory=list)
    actions: list[dict[str, Any]] = field(default_factory=list)
    holds: list[dict[str, Any]] = field(default_factory=list)
    keys: dict[tuple[str, str], Request] = field(default_factory=dict)
    limits: dict[tuple[str, str, object], Decimal] = field(default_factory=dict)  # by kind, currency, subject
    room: dict[str, Decimal] = field(default_factory=dict)  # under the cap, by currency
    now: datetime = datetime.min  # noqa: DTZ901  always given

    def open(self, entity: str, currency: str, created: datetime) -> None:
        """Open an account."""
        zero = Decimal(0)
        self.accounts.append({
            "entity": entity, "currency": currency, "status": "open", "balance": zero, "held": zero, "turnover": zero,
            "created": created, "latest": created, "modified": created, "version": 0,
        })  # fmt: skip
        self._record("create", len(self.accounts) - 1, created)

    def post(self, requests: Sequence[Request], *, all_or_nothing: bool = False) -> list[str]:
        """Return the codes. The cap asks what a batch leaves; where that is too much, it is asked posting by posting."""
        for weigh in (False, True):
            trial = copy.deepcopy(self)
            codes = trial._fold(requests, weigh=weigh)
            refused = [code for code in codes if code not in {"ok", "replayed"}]
            if all_or_nothing and refused:
                return [refused[0]]
            if weigh or all(room >= 0 for room in trial.room.values()):
                self.__dict__.update(trial.__dict__)
                return codes
        raise AssertionError

    def expire(self) -> int:
        """Release what is due, and say how many holds that were."""
        due = [hold for number in range(len(self.accounts)) for hold in self._due(number, set())]
        for hold in due:
            self._expire(hold)
        return len(due)

    def _fold(self, requests: Sequence[Request], *, weigh: bool) -> list[str]:
        released = {request.hold for request in requests if request.verb == "release"}
        due = {number: self._due(number, released) for number in range(len(self.accounts))}
        return [self._one(request, due, weigh=weigh) for request in requests]

    def _one(self, request: Request, due: dict[int, list[int]], *, weigh: bool) -> str:
        if request.account < 0:
            return "unknown_account"
        entity, currency = (self.accounts[request.account][name] for name in ("entity", "currency"))
        if request.key and (earlier := self.keys.get((entity, request.key))):
            again = replace(request, asof=earlier.asof, approved=earlier.approved)
            return "replayed" if earlier == again else "idempotency_conflict"
        try:
            legs = self._legs(request)
            changes = [self._decide(request, leg, due) for leg in legs]
        except Refused as refusal:
            return str(refusal)
        net = sum((change["delta"] for change in changes), Decimal(0))
        if weigh and net and self.room[currency] < net:
            return "exceeds_cap"
        self.room[currency] -= net
        self._apply(request, legs, changes, due)
        if request.key:
            self.keys[entity, request.key] = request
        return "ok"

    def _legs(self, request: Request) -> list[dict[str, Any]]:
        account, amount = request.account, request.amount
        if request.verb == "transfer":
            if request.to < 0:
                raise Refused("unknown_account")
            if request.to == account:
                raise Refused("same_account")
            if self.accounts[request.to]["currency"] != self.accounts[account]["currency"]:
                raise Refused("currency_mismatch")
            return [
                {"verb": "transfer", "account": account, "amount": amount, "action": None},
                {"verb": "transfer_in", "account": request.to, "amount": amount, "action": None},
            ]
        if request.verb not in {"reverse", "refund"}:
            return [{"verb": request.verb, "account": account, "amount": amount, "action": None}]
        numbers = [request.action, *self._others(request.action)]
        return [
            {"verb": request.verb, "account": self.actions[n]["account"], "amount": amount, "action": n}
            for n in numbers
        ]

    def _others(self, number: int) -> list[int]:
        pair = self.actions[number]["transfer"]
        return [n for n, a in enumerate(self.actions) if n != number and pair is not None and a["transfer"] == pair]

    def _decide(self, request: Request, leg: dict[str, Any], due: dict[int, list[int]]) -> dict[str, Any]:
        """Return what the leg adds, or refuse: the rules in the order in which they are told."""
        verb, account = leg["verb"], self.accounts[leg["account"]]
        self._moment(request, account)
        self._status(verb, account)
        if verb in NEEDS_REASON and not request.comment.strip():
            raise Refused("reason_required")
        zero = Decimal(0)
        change = {"delta": zero, "held": zero, "turnover": zero, "status": account["status"]}
        if verb == "close" and account["balance"]:
            raise Refused("not_empty")
        if verb in {"freeze", "unfreeze", "close"}:
            return change | {"status": {"freeze": "frozen", "unfreeze": "open", "close": "closed"}[verb]}
        if verb == "release":
            self._pending(request, due)
            return change | {"held": -self.holds[request.hold]["amount"]}
        amount = self._amount(leg["amount"], account["currency"])
        self._bound_posting(verb, amount, leg["account"])
        if verb == "capture":
            self._pending(request, due)
            if amount > self.holds[request.hold]["amount"]:
                raise Refused("exceeds_hold")
            change |= {"delta": -amount, "held": -self.holds[request.hold]["amount"], "turnover": amount}
        elif verb == "place":
            change |= {"held": amount}
        elif verb in {"reverse", "refund"}:
            change |= {"delta": self._back(request, leg["action"], amount)}
        else:
            change |= {"delta": -amount if verb in MONEY_OUT else amount, "turnover": amount}
        self._room(verb, leg["account"], change, due)
        asked = leg["account"] == request.account or verb in {"reverse", "refund"}  # which take back both legs
        if asked and not request.approved and verb in ASKABLE:
            self._limit("approval", leg["account"], amount, code="approval_required")
        return change

    def _moment(self, request: Request, account: dict[str, Any]) -> None:
        if request.asof < account["created"] or request.asof > self.now:
            raise Refused("invalid_moment")
        if request.verb == "place" and request.expires is not None and request.expires <= request.asof:
            raise Refused("invalid_moment")

    def _status(self, verb: str, account: dict[str, Any]) -> None:
        status = account["status"]
        if verb == "unfreeze" and status == "open":
            raise Refused("status_unchanged")
        if status == "frozen" and verb not in {"unfreeze", "close", "release"}:
            raise Refused("status_unchanged" if verb == "freeze" else "account_frozen")
        if status == "closed":
            raise Refused("status_unchanged" if verb == "close" else "account_closed")

    def _amount(self, amount: Decimal | None, currency: str) -> Decimal:
        if amount is None or not amount.is_finite() or amount <= 0 or amount >= Decimal("1e15"):
            raise Refused("invalid_amount")
        if amount != amount.quantize(Decimal(1).scaleb(-PLACES[currency])):
            raise Refused("invalid_amount")
        return amount

    def _bound_posting(self, verb: str, amount: Decimal, account: int) -> None:
        name = {"deposit": "deposit", "withdraw": "withdrawal", "transfer": "transfer"}.get(verb)
        if name:
            self._limit(f"min_{name}", account, amount, least=True)
            self._limit(f"max_{name}", account, amount)

    def _limit(
        self, kind: str, account: int, amount: Decimal, *, least: bool = False, code: str = "exceeds_limit"
    ) -> None:
        """Refuse by the narrowest limit there is."""
        facts = self.accounts[account]
        for subject in (account, facts["entity"], None):
            bound = self.limits.get((kind, facts["currency"], subject))
            if bound is not None:
                if amount < bound if least else amount > bound:
                    raise Refused(f"{code}:{kind}")
                return

    def _pending(self, request: Request, due: dict[int, list[int]]) -> None:
        if self.holds[request.hold]["state"] != "pending" or any(request.hold in holds for holds in due.values()):
            raise Refused("hold_resolved")
        if request.asof < self.actions[self.holds[request.hold]["action"]]["asof"]:
            raise Refused("invalid_moment")

    def _back(self, request: Request, number: int, amount: Decimal) -> Decimal:
        original, verb = self.actions[number], request.verb
        if original["verb"] not in RETURNABLE:
            raise Refused("not_reversible")
        if request.asof < original["asof"]:
            raise Refused("invalid_moment")
        whole, gone = abs(original["delta"]), original["returned"]
        if gone == whole or (gone and verb == "reverse"):
            raise Refused("already_reversed")
        if gone + amount > whole:
            raise Refused("exceeds_original")
        return -amount if original["delta"] > 0 else amount

    def _room(self, verb: str, account: int, change: dict[str, Any], due: dict[int, list[int]]) -> None:
        facts = self.accounts[account]
        available = facts["balance"] - facts["held"] + sum(self.holds[hold]["amount"] for hold in due[account])
        spends = change["held"] - change["delta"]  # of what is available
        if spends > 0 and spends > available:
            raise Refused("insufficient_funds")
        if change["delta"] > 0:
            self._limit("max_balance", account, facts["balance"] + change["delta"])
        if change["turnover"]:
            for kind in ("daily_turnover", "monthly_turnover"):  # everything here happens on one day
                self._limit(kind, account, facts["turnover"] + change["turnover"])

    def _apply(
        self, request: Request, legs: list[dict[str, Any]], changes: list[dict[str, Any]], due: dict[int, list[int]]
    ) -> None:
        pair = len(self.actions) if len(legs) > 1 else None
        for leg, change in zip(legs, changes, strict=True):
            for hold in due[leg["account"]]:
                self._expire(hold)
            due[leg["account"]] = []
            if leg["action"] is not None:
                self.actions[leg["action"]]["returned"] += leg["amount"]
            if request.verb == "place":
                self.holds.append(
                    {"account": leg["account"], "amount": leg["amount"], "expires": request.expires, "state": "pending",
                     "captured": Decimal(0), "action": len(self.actions)}
                )  # fmt: skip
            if request.verb in {"capture", "release"}:
                resolved = self.holds[request.hold]
                late = resolved["expires"] is not None and resolved["expires"] <= request.asof
                resolved["state"] = "captured" if request.verb == "capture" else "expired" if late else "released"
                resolved["captured"] = -change["delta"]
            self._record(leg["verb"], leg["account"], request.asof, change, pair)

    def _due(self, account: int, but: set[int]) -> list[int]:
        return [
            number for number, hold in enumerate(self.holds)
            if hold["account"] == account and hold["state"] == "pending" and number not in but
            and hold["expires"] is not None and hold["expires"] <= self.now
        ]  # fmt: skip

    def _expire(self, number: int) -> None:
        hold = self.holds[number]
        hold["state"] = "expired"
        status = self.accounts[hold["account"]]["status"]
        change = {"delta": Decimal(0), "held": -hold["amount"], "turnover": Decimal(0), "status": status}
        self._record("release", hold["account"], hold["expires"], change)

    def _record(
        self, verb: str, account: int, asof: datetime, change: dict[str, Any] | None = None, transfer: int | None = None
    ) -> None:
        facts, change = self.accounts[account], change or {}
        for name in ("balance", "held", "turnover"):
            facts[name] += change.get("delta" if name == "balance" else name, Decimal(0))
        facts["status"] = change.get("status", facts["status"])
        facts["version"] += 1
        facts["modified"], facts["latest"] = asof, max(facts["latest"], asof)
        self.actions.append({
            "verb": verb, "account": account, "asof": asof, "delta": change.get("delta", Decimal(0)), "returned": Decimal(0),
            "transfer": transfer, "version": facts["version"], "balance": facts["balance"], "held": facts["held"],
        })  # fmt: skip
