"""A state machine over everything the ledger does: an independent model predicts each result code and each figure.

`MACHINE_EXAMPLES` and `MACHINE_STEPS` in the environment make it deeper than the suite's run of a few seconds.
"""

import os
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from backoffice.models import Entity, User
from ledger.choices import ActionType
from ledger.errors import LedgerError
from ledger.holding import resolving
from ledger.models import Account, Action, Approval, Cap, Hold, Limit
from ledger.posting import Outcome, Posting
from ledger.returning import returning
from ledger.verification import verify, verify_account
from tests.ledger.approvals_model import ModelWithApprovals
from tests.ledger.model import ASKABLE, TYPES, Request

OPENED = datetime(2026, 1, 1, tzinfo=UTC)
AMOUNTS = [Decimal(text) for text in ("0.01", "1", "5", "10", "33.3", "50", "60", "100", "0.001", "0", "-1", "NaN")]
VERBS = (
    ["deposit"] * 6 + ["withdraw"] * 3 + ["transfer"] * 5 + ["reverse"] * 4 + ["refund"] * 4 + ["place"] * 4
    + ["capture"] * 3 + ["release"] * 2 + ["freeze", "unfreeze", "unfreeze", "close"]
)  # fmt: skip
KINDS = [
    "min_deposit", "max_deposit", "min_withdrawal", "max_withdrawal", "min_transfer", "max_transfer", "max_balance",
    "daily_turnover", "monthly_turnover", "approval",
]  # fmt: skip
AGO = st.sampled_from([timedelta(0)] * 4 + [timedelta(days=3), timedelta(days=-1), timedelta(days=10_000)])
ENDS = st.sampled_from([None, None, timedelta(hours=1), timedelta(days=9_000), timedelta(hours=-1)])
FACTS: dict[str, Any] = {
    "account": st.integers(0, 3),
    "to": st.integers(0, 3),
    "amount": st.sampled_from(AMOUNTS[:8] * 3 + AMOUNTS),
    "ago": AGO,
    "ends": ENDS,
    "comment": st.sampled_from(["Why", "Why", "Why", "Because", " "]),
    "key": st.sampled_from([None] * 5 + ["k1", "k2"]),
    "which": st.integers(0, 5),
    "stray": st.sampled_from([""] * 25 + ["account", "to", "action", "hold"]),
}
WANTED = st.fixed_dictionaries({"verb": st.sampled_from(VERBS), **FACTS})
TO_APPROVE = st.fixed_dictionaries({
    "verb": st.sampled_from(sorted(ASKABLE)), **FACTS,
    "amount": st.sampled_from(AMOUNTS[2:8] * 3 + AMOUNTS),
    "ago": st.sampled_from([timedelta(0)] * 4 + [timedelta(days=1), timedelta(days=5), timedelta(days=-1)]),
})  # fmt: skip

DECISION = st.fixed_dictionaries({
    "verb": st.sampled_from(["approve", "approve", "approve", "reject", "cancel"]),
    "which": st.integers(0, 5),
    "by": st.sampled_from([0, 1, 2, 2]),
    "ago": st.sampled_from([timedelta(0)] * 6 + [timedelta(hours=1), timedelta(days=-1)]),
    "comment": st.sampled_from(["Fine", "Fine", " "]),
    "saw": st.booleans(),
})  # fmt: skip


class Machine(RuleBasedStateMachine):
    """The real ledger beside the model. Every example has accounts, an entity and limits of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.model = ModelWithApprovals()
        self.accounts: list[Account] = []
        self.actions: dict[int, UUID] = {}
        self.done: list[Request] = []
        self.requests: list[UUID] = []  # for approval, by the model's numbers
        mark = uuid4().hex[:12]
        self.people = [User.objects.create(username=f"{name}-{mark}") for name in ("maker", "other", "checker")]
        self.entities = {name: Entity.objects.create(code=f"{name}-{mark}", name=name) for name in ("nord", "sud")}
        for currency in ("CZK", "KWD"):
            self.model.room[currency] = Decimal(0)

    @initialize(
        room=st.sampled_from([Decimal(100_000), Decimal(150)]),
        start=st.sampled_from([Decimal(100), Decimal(40)]),
        threshold=st.sampled_from([None, Decimal(8)]),
    )
    def begin(self, room: Decimal, start: Decimal, threshold: Decimal | None) -> None:
        """Four accounts on two entities and in two currencies, two of them with money; perhaps a threshold on one entity."""
        for currency in ("CZK", "KWD"):
            self.cap(currency, room)
        for entity, currency in (("nord", "CZK"), ("nord", "CZK"), ("sud", "CZK"), ("nord", "KWD")):
            self._open(entity, currency)
        for number in range(2):
            self.post([Request("deposit", number, start, OPENED + timedelta(days=1))])
        self.limit(kind="approval", subject="entity", which=0, amount=threshold, over=False)

    def _open(self, entity: str, currency: str) -> None:
        customer = User.objects.create(username=uuid4().hex)
        account, _ = Account.create(
            user=customer, entity=self.entities[entity], currency=currency, by=self.people[0], asof=OPENED
        )
        self.accounts.append(account)
        self.model.open(entity, currency, OPENED)
        self._learn()

    @rule(wanted=WANTED, inside=st.booleans())
    def single(self, wanted: dict[str, Any], inside: bool) -> None:
        """One posting through its classmethod, after its preview, in a transaction or outside of one."""
        self.post([self._request(wanted)], inside=inside)

    @precondition(lambda self: self.done)
    @rule(which=st.integers(0, 5), inside=st.booleans())
    def again(self, which: int, inside: bool) -> None:
        """A request that was made before, which with a key returns what it returned."""
        self.post([self.done[-1 - which % len(self.done)]], inside=inside)

    @rule(wanted=st.lists(WANTED, min_size=2, max_size=6), whole=st.booleans())
    def batch(self, wanted: list[dict[str, Any]], whole: bool) -> None:
        """A batch with an outcome each, or all or nothing."""
        requests = [
            self._request(one | {"stray": one["stray"] if one["stray"] in {"account", "to"} else ""}) for one in wanted
        ]
        requests = [request for request in requests if self._exists(request)]
        if requests:
            self.post(requests, whole=whole, batch=True)

    @rule(kind=st.sampled_from(KINDS), subject=st.sampled_from(["account", "entity", "currency"]), which=st.integers(0, 1),
          amount=st.sampled_from([None, None, Decimal(1), Decimal(10), Decimal("60.5"), Decimal(150)]), over=st.booleans())  # fmt: skip
    def limit(self, kind: str, subject: str, which: int, amount: Decimal | None, over: bool) -> None:
        """Set, change or end a limit; one that is over binds nothing."""
        facts = self.model.accounts[which]
        keys: dict[str, Any] = {"account": self.accounts[which]} if subject == "account" else {}
        keys |= {"entity": self.entities[facts["entity"]]} if subject == "entity" else {}
        by = which if subject == "account" else facts["entity"] if subject == "entity" else None
        standing = Limit.objects.filter(
            kind=kind, currency="CZK", account=keys.get("account"), entity=keys.get("entity")
        )
        standing.delete()
        self.model.limits.pop((kind, "CZK", by), None)
        if amount is not None and over:
            Limit.objects.create(
                kind=kind, currency="CZK", amount=Decimal(0), valid=(OPENED, OPENED + timedelta(1)), **keys
            )
        elif amount is not None:
            Limit.objects.create(kind=kind, currency="CZK", amount=amount, **keys)
            self.model.limits[kind, "CZK", by] = amount

    @rule(currency=st.sampled_from(["CZK", "KWD"]), room=st.sampled_from([Decimal(0), Decimal(50), Decimal(100_000)]))
    def cap(self, currency: str, room: Decimal) -> None:
        """Leave so much room under the cap."""
        balances = sum(Account.objects.filter(currency=currency).values_list("balance", flat=True), Decimal(0))
        Cap.set(currency=currency, ceiling=balances + room)
        self.model.room[currency] = room

    @rule()
    def expire(self) -> None:
        """What has expired is released."""
        self.model.now = timezone.now()
        assert Hold.release_expired(now=self.model.now) == self.model.expire()
        self._learn()

    @rule(wanted=TO_APPROVE, maker=st.integers(0, 1))
    def ask(self, wanted: dict[str, Any], maker: int) -> None:
        """Ask for approval of what may need it."""
        request = replace(self._request(wanted), by=maker)
        self.model.now = timezone.now()
        expected = self._missing(request) or self.model.ask(request)
        assert self._asked(request) == expected, request
        event(f"ask {request.verb}: {expected}")

    @precondition(lambda self: self.requests)
    @rule(wanted=DECISION)
    def decide(self, wanted: dict[str, Any]) -> None:
        """Decide one of the latest requests, whatever became of it, perhaps bound to what it would do."""
        verb, by, comment = wanted["verb"], wanted["by"], wanted["comment"]
        number = len(self.requests) - 1 - wanted["which"] % len(self.requests)
        self.model.now = timezone.now()
        asof = self.model.now - wanted["ago"]
        asked = {"uid": self.requests[number], "by": self.people[by], "asof": asof, "comment": comment}
        if verb == "approve" and wanted["saw"]:
            asked["saw"] = Approval.objects.get(uid=asked["uid"]).would(asof).digest
        expected = self.model.decide(verb, number, by, asof, comment)
        assert self._decided(verb, asked) == expected, self.model.approvals[number]
        event(f"{verb}: {expected}")
        self._learn()

    @rule()
    def expire_requests(self) -> None:
        """What nobody decided in time is marked."""
        self.model.now = timezone.now()
        assert Approval.expire_due(asof=self.model.now) == self.model.expire_requests()

    def post(self, requests: list[Request], *, inside: bool = False, whole: bool = False, batch: bool = False) -> None:
        """Post here and there, and compare the codes."""
        self.model.now = timezone.now()
        foreseen = self._preview_batch(requests) if batch else [self._preview(requests[0])]
        with transaction.atomic() if inside else nullcontext():
            found = self._batch(requests, whole) if batch else [self._single(requests[0])]
        missing = self._missing(requests[0])
        expected = [missing] if missing else self.model.post(requests, all_or_nothing=whole)
        assert found == expected, requests
        for request, code in zip(requests, expected, strict=False):
            event(f"{request.verb}: {code}")
        if not whole:
            assert foreseen == expected, requests
        if not batch:
            self.done += requests
        self._learn()

    def _request(self, wanted: dict[str, Any]) -> Request:
        verb, which = wanted["verb"], wanted["which"]
        asof = timezone.now() - wanted["ago"]
        account = -1 if wanted["stray"] == "account" else wanted["account"]
        request = {"verb": verb, "account": account, "asof": asof, "comment": wanted["comment"], "key": wanted["key"]}
        if verb in {"deposit", "withdraw", "transfer", "refund", "place", "capture"}:
            request["amount"] = wanted["amount"]
        if verb == "transfer":
            request["to"] = -1 if wanted["stray"] == "to" else wanted["to"]
        if verb == "place" and wanted["ends"] is not None:
            request["expires"] = asof + wanted["ends"]
        if verb in {"reverse", "refund"}:
            known = sorted(self.actions)
            request["action"] = -1 if wanted["stray"] == "action" else known[-1 - which % len(known)]
            request["account"] = self.model.actions[request["action"]]["account"]
            if verb == "reverse":
                request["amount"] = abs(self.model.actions[request["action"]]["delta"])
        if verb in {"capture", "release"}:
            holds = len(self.model.holds)
            request["hold"] = -1 if wanted["stray"] == "hold" or not holds else holds - 1 - which % holds
            if request["hold"] >= 0:
                request["account"] = self.model.holds[request["hold"]]["account"]
            if verb == "capture" and wanted["ago"] == timedelta(0) and request["hold"] >= 0 and which % 2:
                request["amount"] = self.model.holds[request["hold"]]["amount"]
        return Request(**request)

    @staticmethod
    def _exists(request: Request) -> bool:
        return not (request.verb in {"capture", "release"} and request.hold < 0)

    def _keywords(self, request: Request) -> dict[str, Any]:
        """Return the request in the keywords of its classmethod."""
        uid = self.accounts[request.account].uid if request.account >= 0 else uuid4()
        words: dict[str, Any] = {
            "uid": uid, "by": self.people[request.by], "asof": request.asof, "comment": request.comment,
            "idempotency_key": request.key,
        }  # fmt: skip
        if request.verb in {"reverse", "refund"}:
            words["uid"] = self.actions[request.action] if request.action >= 0 else uuid4()
        if request.verb in {"capture", "release"}:
            words["uid"] = self.actions[self.model.holds[request.hold]["action"]] if request.hold >= 0 else uuid4()
        if request.verb not in {"reverse", "release", "freeze", "unfreeze", "close"}:
            words["amount"] = request.amount
        if request.verb == "transfer":
            words["to"] = self.accounts[request.to].uid if request.to >= 0 else uuid4()
        if request.verb == "place":
            words["expires"] = request.expires
        return words

    def _method(self, verb: str, suffix: str = "") -> Callable[..., Any]:
        owner = (
            Action if verb in {"reverse", "refund"} else Hold if verb in {"place", "capture", "release"} else Account
        )
        method: Callable[..., Any] = getattr(owner, verb + suffix)
        return method

    def _missing(self, request: Request) -> str:
        """Return the code of what is asked for before the engine: an action or a hold that does not exist."""
        if request.verb in {"reverse", "refund"} and request.action < 0:
            return "unknown_action"
        return "unknown_hold" if request.verb in {"capture", "release"} and request.hold < 0 else ""

    def _asked(self, request: Request) -> str:
        """Ask for approval, and remember a request that was filed."""
        verb = "hold" if request.verb == "place" else request.verb
        try:
            approval = Approval.request(verb=verb, **self._keywords(request))
        except LedgerError as error:
            return _code(error)
        if not approval.replayed:
            self.requests.append(approval.uid)
        return "replayed" if approval.replayed else "ok"

    @staticmethod
    def _decided(verb: str, asked: dict[str, Any]) -> str:
        """Decide a request, and return the state that it left, or the code of what refused."""
        try:
            state: str = getattr(Approval, verb)(**asked).state
        except LedgerError as error:
            return _code(error)
        return state

    def _single(self, request: Request) -> str:
        try:
            result = self._method(request.verb)(**self._keywords(request))
        except LedgerError as error:
            return _code(error)
        first = result[0] if isinstance(result, list) else result[1]
        action = first[1] if isinstance(first, tuple) else first
        return "replayed" if action.replayed else "ok"

    def _preview(self, request: Request) -> str:
        try:
            return _told(self._method(request.verb, "_preview")(**self._keywords(request)))
        except LedgerError as error:
            return _code(error)

    def _preview_batch(self, requests: list[Request]) -> list[str]:
        return [_told(outcome) for outcome in Account.preview_batch([self._posting(one) for one in requests])]

    def _posting(self, request: Request) -> Posting:
        words = self._keywords(request)
        amount = words.pop("amount", None)
        if request.verb in {"reverse", "refund"}:
            return returning(Action, [words], amount=amount)[0]  # type: ignore[list-item]  # keywords
        if request.verb in {"capture", "release"}:
            return resolving(Hold, ActionType(TYPES[request.verb]), words, amount=amount, using="default")  # type: ignore[arg-type]  # as above
        return Posting(type=ActionType(TYPES[request.verb]), amount=amount or Decimal(0), **words)

    def _batch(self, requests: list[Request], whole: bool) -> list[str]:
        try:
            outcomes = Account.post_batch([self._posting(request) for request in requests], all_or_nothing=whole)
        except LedgerError as error:
            return [_code(error)]
        return [_told(outcome) for outcome in outcomes]

    def _learn(self) -> None:
        """Learn the uids of new actions, by account and version."""
        new = [number for number in range(len(self.model.actions)) if number not in self.actions]
        if not new:
            return
        stored = {
            (action.account_id, action.version): action for action in Action.objects.filter(account__in=self.accounts)
        }
        for number in new:
            expected = self.model.actions[number]
            action = stored[self.accounts[expected["account"]].pk, expected["version"]]
            assert (action.type, action.delta, action.balance, action.held) == (
                TYPES[expected["verb"]], expected["delta"], expected["balance"], expected["held"]
            )  # fmt: skip
            self.actions[number] = action.uid

    @invariant()
    def figures_agree(self) -> None:
        """What the database holds is what the model holds."""
        names = ("status", "balance", "held", "turnover", "version", "created", "modified", "latest")
        stored = {account.pk: account for account in Account.objects.filter(pk__in=[a.pk for a in self.accounts])}
        for account, expected in zip(self.accounts, self.model.accounts, strict=True):
            found = {name: getattr(stored[account.pk], name) for name in names}
            assert found == {name: expected[name] for name in names}
            assert 0 <= found["held"] <= found["balance"]
        holds = Hold.objects.filter(account__in=self.accounts).order_by("pk")
        told = [(hold.uid, hold.amount, hold.captured, hold.state) for hold in holds]
        by_uid = {self.actions[hold["action"]]: hold for hold in self.model.holds}
        assert sorted(told) == sorted((uid, h["amount"], h["captured"], h["state"]) for uid, h in by_uid.items())

    @invariant()
    def requests_agree(self) -> None:
        """What became of each request is what the model says; those that were approved were carried out once, as the maker's."""
        stored = {one.uid: one for one in Approval.objects.filter(uid__in=self.requests)}
        carried_out = Counter(Action.objects.filter(approval__in=stored.values()).values_list("approval", "by"))
        for uid, expected in zip(self.requests, self.model.approvals, strict=True):
            found, maker = stored[uid], self.people[expected["request"].by]
            checker = None if expected["checker"] is None else self.people[expected["checker"]]
            assert (found.state, found.maker, found.error_code) == (expected["state"], maker, expected["error"])
            assert found.checker == checker
            assert carried_out[found.pk, maker.pk] == (found.state == "approved")
        assert carried_out.total() == sum(one["state"] == "approved" for one in self.model.approvals)

    def teardown(self) -> None:
        """Every account is what its actions say; the limits and what was due in this example end."""
        Hold.release_expired(now=timezone.now())
        Approval.expire_due(asof=timezone.now())
        for account in self.accounts:
            assert verify_account(account) == []
        Limit.objects.all().delete()


def _code(error: LedgerError) -> str:
    """Return the code; where a limit binds, with which."""
    return f"{error.code}:{error.data['limit']}" if error.code in {"exceeds_limit", "approval_required"} else error.code


def _told(outcome: Outcome) -> str:
    if outcome.error:
        return _code(outcome.error)
    return "replayed" if outcome.replayed else "ok"


@pytest.mark.usefixtures("committing")
@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(verb=st.sampled_from(["reverse", "refund"]), leg=st.sampled_from([0, 1]))
def test_the_model_asks_the_threshold_of_both_legs_that_go_back(verb: str, leg: int) -> None:
    machine = Machine()
    machine.begin(room=Decimal(100_000), start=Decimal(100), threshold=None)
    machine.post([Request("transfer", 0, Decimal(50), timezone.now(), to=1)])
    machine.limit(kind="approval", subject="account", which=1, amount=Decimal(10), over=False)
    number = len(machine.model.actions) - 2 + leg
    asked = Request(verb, leg, Decimal(50), timezone.now(), comment="Why", action=number)
    machine.post([asked])
    assert machine.model.actions[number]["returned"] == 0
    machine.teardown()


@pytest.mark.usefixtures("committing")
def test_ledger_does_what_the_model_says() -> None:
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=int(os.environ.get("MACHINE_EXAMPLES", "12")),
            stateful_step_count=int(os.environ.get("MACHINE_STEPS", "25")),
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert verify().findings == []
