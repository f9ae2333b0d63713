"""Bad input to every verb: an error of its own with a stable code and a sentence, and nothing changed."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.utils import timezone as clock

from backoffice.models import Entity, User
from ledger import posting
from ledger.choices import ActionType
from ledger.errors import LedgerError
from ledger.models import Account, Action, Hold
from ledger.posting import Posting
from ledger.shape import storable
from tests.cast import OpenAccount

pytestmark = pytest.mark.django_db
MONEY = ["deposit", "withdraw", "transfer", "refund", "place", "capture"]
STATUS = ["freeze", "unfreeze", "close"]
BACK = ["reverse", "refund"]
HOLDS = ["capture", "release"]
ACCOUNTS = ["deposit", "withdraw", "transfer", "place", *STATUS]
POSTINGS = [*ACCOUNTS, *BACK, *HOLDS]
REFERRING = ["deposit", "withdraw", "transfer", "place"]
FAR = timezone(timedelta(hours=-12))

Bad = tuple[list[str], dict[str, Any], str]
AMOUNTS: list[object] = [
    *(Decimal(text) for text in ("0", "-0", "-1", "NaN", "sNaN", "Infinity", "-Infinity", "0.001", "1E-20", "1E+15", "1E+999")),
    1.5, 5, True, "5", (5,),
]  # fmt: skip
TEXTS: list[object] = ["x" * 501, "a\x00b", "\ud800", "\x1b[2J", 5, b"why", ["why"]]
MOMENTS: list[object] = [
    datetime(2025, 1, 1),  # noqa: DTZ001  a naive moment is what is tested
    datetime.max.replace(tzinfo=FAR), datetime.min.replace(tzinfo=UTC), datetime(2023, 12, 31, tzinfo=UTC),
    date(2025, 1, 1), "2025-01-01T00:00:00Z", 0, None,
]  # fmt: skip
UIDS: list[object] = [uuid4(), str(uuid4()), "\x00", "", None, 7, ["x"]]
NOBODIES: list[object] = [None, AnonymousUser(), User(username="unsaved"), "agent", 1]


BAD: list[tuple[list[str], str, list[object], str]] = [  # verbs, the keyword, its bad values, the code that says so
    (MONEY, "amount", AMOUNTS, "invalid_amount"),
    ([*POSTINGS, "create"], "comment", [*TEXTS, None], "invalid_text"),
    (POSTINGS, "idempotency_key", [*TEXTS, "", "x" * 101], "invalid_text"),
    ([*STATUS, *BACK], "comment", ["", " ", "\n\t"], "reason_required"),
    (POSTINGS, "asof", MOMENTS, "invalid_moment"),
    (["create"], "asof", [MOMENTS[0], MOMENTS[1], *MOMENTS[4:]], "invalid_moment"),
    (["place"], "expires", [*MOMENTS[:-1], datetime.max.replace(tzinfo=UTC), datetime(2300, 1, 1, tzinfo=UTC)], "invalid_moment"),
    (ACCOUNTS, "uid", UIDS, "unknown_account"),
    (["transfer"], "to", UIDS, "unknown_account"),
    (BACK, "uid", UIDS, "unknown_action"),
    (HOLDS, "uid", UIDS, "unknown_hold"),
    (["create"], "uid", ["\x00", str(uuid4()), 7, ["x"]], "unknown_account"),
    ([*POSTINGS, "create"], "by", NOBODIES, "unknown_user"),
    (["create"], "user", NOBODIES, "unknown_user"),
    (["create"], "entity", [None, Entity(code="x"), "nord"], "unknown_entity"),
    (["create"], "currency", ["XXX", "czk", "", "CZ\x00", None, 5, ["CZK"]], "unknown_currency"),
]  # fmt: skip


def cases() -> Iterator[Bad]:
    """What is bad, for which verbs, and the code that says so; also what is bad only together."""
    for verbs, keyword, values, code in BAD:
        yield from ((verbs, {keyword: value}, code) for value in values)
    for text in [*TEXTS[1:], None, "x" * 65]:
        yield REFERRING, {"reference_type": "cash", "reference": text}, "invalid_text"
    for kind in ("pigeon", "", None, 5, ["cash"], "\x00", "none"):
        yield REFERRING, {"reference_type": kind, "reference": "7"}, "invalid_reference"
    for moment in (MOMENTS[0], "today"):
        yield ["place"], {"asof": moment, "expires": datetime(2050, 1, 1, tzinfo=UTC)}, "invalid_moment"


CASES = [(verb, changes, code) for verbs, changes, code in cases() for verb in verbs]


@pytest.fixture
def world(open_account: OpenAccount, nord: Entity, agent: User) -> dict[str, dict[str, Any]]:
    """The keywords with which each verb would succeed."""
    account, other, frozen, empty = open_account("100"), open_account("5"), open_account("5"), open_account("0")
    now = clock.now()
    _, deposited = Account.deposit(uid=account.uid, amount=Decimal(10), by=agent, asof=now)
    hold, _ = Hold.place(uid=account.uid, amount=Decimal(10), by=agent, asof=now)
    Account.freeze(uid=frozen.uid, by=agent, asof=now, comment="Fraud")
    customer = User.objects.create(username="new")
    given: dict[str, Any] = {"by": agent, "asof": now, "comment": "Why"}
    return {
        "create": given | {"user": customer, "entity": nord, "currency": "CZK"},
        "deposit": given | {"uid": account.uid, "amount": Decimal(5)},
        "withdraw": given | {"uid": account.uid, "amount": Decimal(5)},
        "transfer": given | {"uid": account.uid, "amount": Decimal(5), "to": other.uid},
        "place": given | {"uid": account.uid, "amount": Decimal(5)},
        "refund": given | {"uid": deposited.uid, "amount": Decimal(5)},
        "capture": given | {"uid": hold.uid, "amount": Decimal(5)},
        "reverse": given | {"uid": deposited.uid},
        "release": given | {"uid": hold.uid},
        "freeze": given | {"uid": account.uid},
        "unfreeze": given | {"uid": frozen.uid},
        "close": given | {"uid": empty.uid},
    }


def method(verb: str, suffix: str = "") -> Callable[..., Any]:
    owner = Action if verb in BACK else Hold if verb in {"place", *HOLDS} else Account
    found: Callable[..., Any] = getattr(owner, verb + suffix)
    return found


def everything() -> list[tuple[Any, ...]]:
    """Return what any posting would change."""
    rows = []
    with connection.cursor() as cursor:
        for table in ("ledger_account", "ledger_action", "ledger_hold", "ledger_headroom", "audit_outbox"):
            cursor.execute(f"SELECT t::text FROM {table} t ORDER BY 1")  # noqa: S608  from the line above
            rows += cursor.fetchall()
    return rows


def check(error: LedgerError, code: str) -> None:
    sentence = str(error)
    assert (error.code, sentence[-1]) == (code, ".")
    assert sentence[0].isupper() or sentence[0].isdigit()
    assert len(sentence) < 200
    assert storable(sentence), "a refusal is written down, too"


def named(case: object) -> str | None:
    return str({name: repr(value)[:30] for name, value in case.items()}) if isinstance(case, dict) else None


@pytest.mark.parametrize("verb", [*POSTINGS, "create"])
def test_good_input_passes(world: dict[str, dict[str, Any]], verb: str) -> None:
    if verb != "create":
        assert foreseen(method(verb, "_preview"), world[verb]) == "ok"
    assert method(verb)(**world[verb])


@pytest.mark.parametrize("verb", [*POSTINGS, "create"])
def test_bad_input_is_refused_by_its_code_and_changes_nothing(world: dict[str, dict[str, Any]], verb: str) -> None:
    """All cases of a verb, one after the other, on the same world: that none changes it is what lets the next one be asked."""
    before = everything()
    call, foresee = method(verb), None if verb == "create" else method(verb, "_preview")
    failed: list[tuple[object, ...]] = []
    for _, changes, code in [case for case in CASES if case[0] == verb]:
        asked = world[verb] | changes
        try:
            call(**asked)
        except LedgerError as error:
            try:
                check(error, code)
            except AssertionError:
                failed.append((named(changes), code, error.code, str(error)))
        except Exception as error:  # noqa: BLE001  all of them are told at once
            failed.append((named(changes), code, repr(error)[:200]))
        else:
            failed.append((named(changes), code, "passed"))
        if foresee:
            assert foreseen(foresee, asked) == code
    assert failed == []
    assert everything() == before


def foreseen(foresee: Callable[..., Any], asked: dict[str, Any]) -> str:
    """Return the code that a preview foresees, raised or told."""
    try:
        error = foresee(**asked).error
    except LedgerError as raised:
        error = raised
    return error.code if error else "ok"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"type": "nonsense"}, "invalid_posting"),
        ({"type": None}, "invalid_posting"),
        ({"type": ActionType.TRANSFERRED_IN}, "invalid_posting"),
        ({"type": ActionType.CREATED}, "status_unchanged"),
        ({"type": ActionType.TRANSFERRED_OUT}, "unknown_account"),
        ({"type": ActionType.REVERSED}, "unknown_action"),
        ({"type": ActionType.REFUNDED}, "unknown_action"),
        ({"type": ActionType.CAPTURED}, "unknown_hold"),
        ({"type": ActionType.RELEASED}, "unknown_hold"),
        ({"to": uuid4()}, "invalid_posting"),
        ({"expires": datetime(2050, 1, 1, tzinfo=UTC)}, "invalid_posting"),
        ({"type": ActionType.HELD, "expires": datetime(2050, 1, 1)}, "invalid_moment"),  # noqa: DTZ001  as above
        ({"type": ActionType.HELD, "expires": datetime(2000, 1, 1, tzinfo=UTC)}, "invalid_moment"),
    ],
)
def test_a_posting_of_no_sense_is_refused_in_a_batch_and_hinders_no_other(
    world: dict[str, dict[str, Any]], changes: dict[str, Any], code: str
) -> None:
    good = {"type": ActionType.DEPOSITED, **world["deposit"]}
    bad, fine = Account.post_batch([Posting(**good | changes), Posting(**good)])
    assert bad.error
    check(bad.error, code)
    assert (fine.error, fine.action and fine.action.delta) == (None, 5)


def test_every_bad_value_in_one_batch_leaves_the_good_ones(world: dict[str, dict[str, Any]]) -> None:
    bad = [(changes, code) for verb, changes, code in CASES if verb == "deposit"]
    postings = [Posting(**{"type": ActionType.DEPOSITED, **world["deposit"], **changes}) for changes, _ in bad]
    good = Posting(**{"type": ActionType.DEPOSITED, **world["deposit"]})
    outcomes = Account.post_batch([good, *postings, good])
    assert [outcome.error and outcome.error.code for outcome in outcomes] == [None, *(code for _, code in bad), None]
    assert Account.objects.get(uid=world["deposit"]["uid"]).balance == 120


@pytest.mark.parametrize("status", ["frozen", "closed"])
@pytest.mark.parametrize("verb", POSTINGS)
def test_a_frozen_or_closed_account_refuses(
    world: dict[str, dict[str, Any]], agent: User, verb: str, status: str
) -> None:
    if status == "frozen" and verb in {"release", "unfreeze", "close"}:
        return  # a frozen account allows these
    asked, now = world[verb], clock.now()
    account = Account.objects.get(uid=world["deposit"]["uid"])
    reason: dict[str, Any] = {"uid": account.uid, "by": agent, "asof": now, "comment": "Why"}
    if status == "closed":
        Hold.release(uid=world["release"]["uid"], by=agent, asof=now)
        Account.withdraw(uid=account.uid, amount=Decimal(110), by=agent, asof=now)
        Account.close(**reason)
    else:
        Account.freeze(**reason)
    if verb in STATUS:
        asked = asked | {"uid": account.uid}
    before, call = everything(), method(verb)
    with pytest.raises(LedgerError) as refusal:
        call(**asked)
    unchanged = (status, verb) in {("frozen", "freeze"), ("closed", "close")}
    check(refusal.value, "status_unchanged" if unchanged else f"account_{status}")
    assert everything() == before


@pytest.mark.parametrize("status", ["frozen", "closed"])
def test_a_transfer_to_a_frozen_or_closed_account_is_refused(
    world: dict[str, dict[str, Any]], agent: User, open_account: OpenAccount, status: str
) -> None:
    other = open_account("0")
    change = Account.freeze if status == "frozen" else Account.close
    change(uid=other.uid, by=agent, asof=clock.now(), comment="Why")
    before = everything()
    with pytest.raises(LedgerError) as refusal:
        Account.transfer(**world["transfer"] | {"to": other.uid})
    check(refusal.value, f"account_{status}")
    assert everything() == before


@pytest.mark.parametrize(("currency", "code"), [("CZK", "same_account"), ("EUR", "currency_mismatch")])
def test_a_transfer_to_itself_or_across_currencies_is_refused(
    world: dict[str, dict[str, Any]], open_account: OpenAccount, currency: str, code: str
) -> None:
    to = world["transfer"]["uid"] if currency == "CZK" else open_account("0", currency).uid
    before = everything()
    with pytest.raises(LedgerError) as refusal:
        Account.transfer(**world["transfer"] | {"to": to})
    check(refusal.value, code)
    assert everything() == before


@pytest.mark.parametrize("changed", ["user", "uid"])
def test_a_second_account_is_refused(world: dict[str, dict[str, Any]], changed: str) -> None:
    there = Account.objects.get(uid=world["deposit"]["uid"])
    before = everything()
    with pytest.raises(LedgerError) as refusal:
        Account.create(**world["create"] | {changed: getattr(there, changed)})
    check(refusal.value, "already_has_account")
    assert everything() == before


def test_a_batch_over_the_maximum_is_refused_before_anything_else(world: dict[str, dict[str, Any]]) -> None:
    before = everything()
    asked = Posting(type=ActionType.DEPOSITED, **world["deposit"])
    with pytest.raises(LedgerError) as refusal:
        Account.post_batch([asked] * (posting.LARGEST_BATCH + 1))
    check(refusal.value, "batch_too_large")
    assert everything() == before


LISTED: list[tuple[dict[str, Any], str, str]] = [  # what a posting is given, the code, and which cause of it
    ({"amount": Decimal(0)}, "invalid_amount", "zero"),
    ({"amount": Decimal(-1)}, "invalid_amount", "negative"),
    ({"amount": Decimal("NaN")}, "invalid_amount", "nan"),
    ({"amount": Decimal("sNaN")}, "invalid_amount", "nan"),
    ({"amount": Decimal("Infinity")}, "invalid_amount", "infinite"),
    ({"amount": Decimal("0.001")}, "invalid_amount", "decimals"),
    ({"amount": Decimal("1E+15")}, "invalid_amount", "too_large"),
    ({"amount": 5}, "invalid_amount", "type"),
    ({"asof": datetime(2025, 1, 1)}, "invalid_moment", "zone"),  # noqa: DTZ001  as above
    ({"asof": datetime.max.replace(tzinfo=FAR)}, "invalid_moment", "future"),
    ({"asof": datetime(2023, 12, 31, tzinfo=UTC)}, "invalid_moment", "before_account"),
    ({"asof": "today"}, "invalid_moment", "type"),
    ({"comment": "x" * 501}, "invalid_text", "too_long"),
    ({"comment": "a\x00b"}, "invalid_text", "unstorable"),
    ({"comment": 5}, "invalid_text", "type"),
    ({"idempotency_key": ""}, "invalid_text", "empty"),
]


def test_each_cause_has_a_name_and_a_sentence_of_its_own(world: dict[str, dict[str, Any]]) -> None:
    said: dict[tuple[str, str], str] = {}
    for changes, code, why in LISTED:
        with pytest.raises(LedgerError) as refusal:
            Account.deposit(**world["deposit"] | changes)
        check(refusal.value, code)
        assert refusal.value.data["why"] == why
        said[code, why] = str(refusal.value)
    assert len(set(said.values())) == len(said) == len(LISTED) - 1  # the two kinds of NaN are one
