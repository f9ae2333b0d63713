"""What hammers at the ledger: clients with connections of their own, and one that watches from outside."""

import functools
import random
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection, connections, transaction
from django.utils import timezone

from backoffice.models import User
from ledger import errors
from ledger.choices import ActionType
from ledger.models import Account, Action, Approval, Hold
from ledger.posting import Outcome, Posting

PATIENCE = 60  # seconds until a client counts as hung
WATCHED = """
    SELECT (SELECT ceiling FROM ledger_cap WHERE currency = 'CZK') - sum(balance),
        (SELECT sum(remaining) FROM ledger_headroom WHERE currency = 'CZK'),
        min(balance - held), min(held), max(turnover) FILTER (WHERE id = %s), max(balance) FILTER (WHERE id = %s)
    FROM ledger_account WHERE currency = 'CZK'
"""


def together(work: Sequence[Callable[[], None]]) -> list[BaseException]:
    """Run all at once, each in a thread with a connection of its own, and return what they raised."""
    barrier, raised = threading.Barrier(len(work)), list[BaseException]()

    def one(task: Callable[[], None]) -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET statement_timeout = '20s'")
            barrier.wait(PATIENCE)
            task()
        except BaseException as error:  # noqa: BLE001  of a thread: the test raises it
            raised.append(error)
            barrier.abort()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=one, args=[task], daemon=True) for task in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    if any(thread.is_alive() for thread in threads):
        raised.append(TimeoutError("A client hangs."))
    return raised


def deadlocks() -> int:
    """Return how many deadlocks PostgreSQL has ended in this database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        [(count,)] = cursor.fetchall()
    return int(count)


class Hammer:
    """Clients' shared knowledge: what was posted, what there is to take back, to capture and to decide.

    `by` posts, `people` ask each other for approval.
    """

    def __init__(self, accounts: Sequence[Account], by: User, people: Sequence[User] = ()) -> None:
        self.accounts, self.by, self.people = accounts, by, people
        self.codes: Counter[str] = Counter()
        self.posted: list[UUID] = []
        self.keyed: list[tuple[str, UUID]] = []
        self.holds: list[UUID] = []
        self.actions: list[UUID] = []
        self.requests: list[UUID] = []
        self.decided: list[UUID] = []

    def client(self, number: int, times: int, until: frozenset[str] = frozenset()) -> Callable[[], None]:
        """Return a client that posts so many times, by a chance of its own, and goes on until each of these codes came out.

        Which come out how often is a matter of luck between the clients; five times as often, it gives up.
        """
        chance = random.Random(number)  # noqa: S311  repeatable, not secret

        def work() -> None:
            for turn in range(5 * times):
                if turn >= times and until <= self.came_out():
                    return
                verb = chance.choice([self.move, self.move, self.transfer, self.transfer, self.take_back, self.take_back, self.hold,
                                      self.resolve, self.repeat, self.batch, *self.approvals()])  # fmt: skip
                with transaction.atomic() if chance.random() < 0.3 else nullcontext():
                    self.counted(verb, chance)

        return work

    def came_out(self) -> set[str]:
        """Return the codes that came out so far, whatever was tried."""
        return {code.split()[-1] for code in list(self.codes)}

    def counted(self, verb: Callable[[random.Random], str], chance: random.Random) -> None:
        """Post, and count the code of what comes of it. What is no refusal of the ledger is raised."""
        try:
            self.codes[f"{verb.__name__} {verb(chance)}"] += 1
        except errors.LedgerError as error:
            self.codes[f"{verb.__name__} {error.code}"] += 1

    def asked(self, chance: random.Random, most: int = 40) -> dict[str, Any]:
        """Return the keywords of a posting."""
        account = chance.choice(self.accounts)
        return {"uid": account.uid, "by": self.by, "asof": timezone.now(), "amount": Decimal(chance.randint(1, most))}

    def move(self, chance: random.Random) -> str:
        """Deposit or withdraw."""
        verbs: list[Callable[..., tuple[Account, Action]]] = [Account.deposit, Account.withdraw]
        _, action = chance.choice(verbs)(**self.asked(chance))
        return self.learned(action)

    def transfer(self, chance: random.Random) -> str:
        """Move between two accounts, either way."""
        source, target = chance.sample(self.accounts, 2)
        legs = Account.transfer(**self.asked(chance) | {"uid": source.uid, "to": target.uid})
        return self.learned(*(action for _, action in legs))

    def take_back(self, chance: random.Random) -> str:
        """Reverse or refund one of the latest actions, which others try to take back too."""
        if not self.actions:
            return "nothing"
        asked: dict[str, Any] = {
            "uid": chance.choice(self.actions[-6:]),
            "by": self.by,
            "asof": timezone.now(),
            "comment": "Why",
        }
        if chance.random() < 0.6:
            returned = Action.reverse(**asked)
        else:
            returned = Action.refund(amount=Decimal(chance.randint(1, 40)), **asked)
        self.posted += [action.uid for action in returned]
        return "ok"

    def hold(self, chance: random.Random) -> str:
        """Place a hold; one of four has expired when it is placed."""
        asked = self.asked(chance, 15)
        late = {"asof": self.accounts[0].latest, "expires": asked["asof"]} if chance.random() < 0.25 else {}
        hold, action = Hold.place(**asked | late)
        self.holds.append(hold.uid)
        self.posted.append(action.uid)
        return "ok"

    def resolve(self, chance: random.Random) -> str:
        """Capture, in part or whole, or release one of the latest holds, which others try too."""
        if not self.holds:
            return "nothing"
        asked: dict[str, Any] = {"uid": chance.choice(self.holds[-4:]), "by": self.by, "asof": timezone.now()}
        part = functools.partial(Hold.capture, amount=Decimal(1))
        verbs: list[Callable[..., tuple[Hold, Action]]] = [Hold.capture, Hold.release, part]
        _, action = chance.choice(verbs)(**asked)
        return self.learned(action) if action.delta else self.noted(action)

    def repeat(self, chance: random.Random) -> str:
        """Deposit, withdraw or transfer under a key that others use for the same request at the same time."""
        number = chance.randint(0, 60)
        account, other = self.accounts[number % len(self.accounts)], self.accounts[(number + 1) % len(self.accounts)]
        asked: dict[str, Any] = {
            "uid": account.uid,
            "by": self.by,
            "asof": timezone.now(),
            "amount": Decimal(1 + number % 7),
        }
        key = f"key {number}"
        if number % 3 == 0:
            [(_, action), _] = Account.transfer(to=other.uid, idempotency_key=key, **asked)
        else:
            deposits = number % 3 == 1
            _, action = (Account.deposit if deposits else Account.withdraw)(idempotency_key=key, **asked)
        self.keyed.append((key, action.uid))
        return "replayed" if action.replayed else "ok"

    def batch(self, chance: random.Random) -> str:
        """Post up to five at once, some all or nothing."""
        kinds = [ActionType.DEPOSITED, ActionType.WITHDRAWN, ActionType.TRANSFERRED_OUT, ActionType.HELD]
        postings = []
        for _ in range(chance.randint(2, 5)):
            source, target = chance.sample(self.accounts, 2)
            kind = chance.choice(kinds)
            to = target.uid if kind == ActionType.TRANSFERRED_OUT else None
            postings.append(Posting(type=kind, **self.asked(chance) | {"uid": source.uid, "to": to}))
        outcomes = Account.post_batch(postings, all_or_nothing=chance.random() < 0.3)
        for outcome in outcomes:
            self.noted_outcome(outcome)
        return "ok"

    def approvals(self) -> list[Callable[[random.Random], str]]:
        """Return what people do who approve, where there are any."""
        return [*[self.ask] * 3, *[self.decide] * 5, self.expire] if self.people else []

    def ask(self, chance: random.Random) -> str:
        """Ask to post more than one person may; some ask for the same, and one of seven so long ago that it is over."""
        source, target = chance.sample(self.accounts, 2)
        asked: dict[str, Any] = {
            "uid": source.uid,
            "by": chance.choice(self.people),
            "asof": timezone.now(),
            "comment": "Why",
        }
        verb = chance.choice(["deposit", "withdraw", "withdraw", "transfer", "hold", "reverse"])
        if verb == "reverse":
            asked["uid"] = chance.choice(self.actions[-12:] or [source.uid])
        else:
            asked["amount"] = Decimal(chance.choice([31, 45]))
            asked["asof"] = self.accounts[0].latest if chance.random() < 0.15 else asked["asof"]
        if verb == "transfer":
            asked["to"] = target.uid
        self.requests.append(Approval.request(verb=verb, **asked).uid)
        return "ok"

    def decide(self, chance: random.Random) -> str:
        """Approve, reject or cancel one of the latest requests, which others decide too; return what became of it."""
        waiting = [uid for uid in self.requests if uid not in self.decided]
        if not waiting:
            return "nothing"
        asked: dict[str, Any] = {
            "uid": chance.choice(waiting[-8:]),
            "by": chance.choice(self.people),
            "asof": timezone.now(),
        }
        verbs: list[Callable[..., Approval]] = [Approval.approve, Approval.reject, Approval.cancel]
        [verb] = chance.choices(verbs, [3, 1, 1])
        if verb == Approval.approve and (seen := Approval.objects.filter(uid=asked["uid"]).first()):
            asked["saw"] = chance.choice([None, seen.would(asked["asof"]).digest])
        approval = verb(comment="Because", **asked)
        self.decided.append(approval.uid)
        if action := approval.action:
            self.learned(action) if action.delta else self.noted(action)
        return str(approval.state)

    def expire(self, _: random.Random) -> str:
        """Mark what nobody decided in time."""
        return "expired" if Approval.expire_due(asof=timezone.now()) else "nothing"

    def noted_outcome(self, outcome: Outcome) -> None:
        """Remember what became of a posting of a batch."""
        self.codes[f"in batch {outcome.error.code if outcome.error else 'ok'}"] += 1
        self.posted += [action.uid for action in outcome.actions]

    def learned(self, *actions: Action) -> str:
        """Remember actions that can be taken back."""
        self.actions += [action.uid for action in actions]
        return self.noted(*actions)

    def noted(self, *actions: Action) -> str:
        """Remember actions that were posted."""
        self.posted += [action.uid for action in actions]
        return "ok"


class Watch:
    """Looks at the ledger from another connection, in one snapshot each time, until told to stop."""

    def __init__(self, turning: int, filling: int) -> None:
        self.watched = [turning, filling]
        self.over = threading.Event()
        self.seen: set[tuple[Decimal, ...]] = set()

    def work(self) -> None:
        """Watch."""
        while not self.over.is_set():
            with connection.cursor() as cursor:
                cursor.execute(WATCHED, self.watched)
                self.seen.add(tuple(cursor.fetchall()[0]))
