"""ledger_verify: silent on a sound ledger, and naming whatever was tampered with behind its back."""

import io
import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from audit.models import Outbox
from backoffice import embedded
from backoffice.models import Entity, User
from ledger.choices import ActionType
from ledger.models import Account, Action, Hold
from ledger.posting import Posting
from ledger.rules import EFFECTS, Effect
from ledger.verification import Finding, verify
from ledger.verification_rules import CHECKS, HOLDS, MOVES
from tests.cast import OpenAccount
from tests.scope import call_command

pytestmark = pytest.mark.usefixtures("committing")


@pytest.fixture
def jana(committing: None, open_account: OpenAccount) -> Account:
    """Five actions: created, +100, -30, frozen, unfrozen; and another account that nobody touches."""
    open_account("5", name="Petr Klid")
    account = open_account("100")
    by, asof = User.objects.get(username="agent"), timezone.now() - timedelta(days=1)
    Account.withdraw(uid=account.uid, amount=Decimal(30), by=by, asof=asof)
    Account.freeze(uid=account.uid, by=by, asof=asof, comment="Lost card")
    Account.unfreeze(uid=account.uid, by=by, asof=asof, comment="Found it")
    account.refresh_from_db()
    return account


def tamper(statement: str, *params: object) -> None:
    """Run a statement as somebody whom no guard, trigger or foreign key stops."""
    name = str(connection.settings_dict["NAME"])
    with psycopg.connect(embedded.superuser_url(settings.BACKOFFICE_DATA, name)) as superuser:
        superuser.execute("SET session_replication_role = replica")
        superuser.execute(statement.encode(), params or None)


def verified() -> tuple[dict[str, Any], int]:
    out, code = io.StringIO(), 0
    try:
        call_command("ledger_verify", json=True, stdout=out)
    except SystemExit as end:
        code = int(str(end.code))
    return json.loads(out.getvalue()), code


def reference(account: Account, version: int) -> str:
    return Action.objects.get(account=account, version=version).reference


def found() -> set[tuple[str, str | None]]:
    """Return rule and action of each finding, all of which must be about the one account."""
    findings = verify().findings
    assert {finding.account for finding in findings} <= {Account.objects.get(user__last_name="Nova").uid}
    return {(finding.rule, finding.action) for finding in findings}


def test_a_sound_ledger_has_no_findings(jana: Account, open_account: OpenAccount) -> None:
    open_account("1.5", currency="KWD")
    assert verified() == (
        {"accounts": 3, "actions": 9, "totals": {"CZK": "75.00", "KWD": "1.500"}, "findings": []},
        0,
    )
    told = Outbox.objects.get(type="books.verified")
    assert ({**told.data, "source": ""}, told.user_id, told.request_id) == (
        {"accounts": 3, "actions": 9, "findings": 0, "source": ""},
        None,
        "ledger_verify",
    )


def test_an_empty_ledger_has_no_findings() -> None:
    assert verified() == ({"accounts": 0, "actions": 0, "totals": {}, "findings": []}, 0)


def test_a_tampered_delta_is_named_with_account_and_action(jana: Account) -> None:
    action = reference(jana, 3)
    tamper("UPDATE ledger_action SET delta = -20 WHERE reference = %s", action)
    report, code = verified()
    assert code == 1
    assert report["findings"] == [
        {
            "account": str(jana.uid),
            "action": action,
            "rule": "running_balance",
            "text": "It left CZK 70.00, but CZK 100.00 before it and its delta of -CZK 20.00 come to CZK 80.00.",
        },
        {
            "account": str(jana.uid),
            "action": action,
            "rule": "turnover",
            "text": "It left a turnover of CZK 130.00, but CZK 100.00 before it and its delta of -CZK 20.00 do not come "
            "to that.",
        },
        {
            "account": str(jana.uid),
            "action": None,
            "rule": "sum",
            "text": "The balance is CZK 70.00, but all deltas together come to CZK 80.00.",
        },
    ]


@pytest.mark.parametrize(
    ("change", "version", "rules"),
    [
        ("balance = 71", 3, {("running_balance", 3), ("running_balance", 4)}),
        ("balance = 71", 5, {("running_balance", 5), ("last_balance", 5)}),
        ("balance = 70.0001", 5, {("running_balance", 5), ("last_balance", 5)}),
        ("balance = -1, delta = -101", 3, {("running_balance", 4), ("negative", 3), ("held_covered", 3), ("turnover", 3), ("sum", None)}),
        ("version = 7", 5, {("version_gap", 5), ("last_version", 5)}),
        ("type = 'deposited'", 3, {("delta", 3)}),
        ("type = 'created'", 4, {("first", 4), ("status", 4)}),
        ("type = 'bogus'", 4, {("status", 4)}),
        ("status = 'closed'", 5, {("status", 5), ("last_status", 5)}),
        ("status = 'open'", 4, {("status", 4), ("status", 5)}),
        ("entity_id = (SELECT max(id) FROM backoffice_entity)", 2, {("entity", 2)}),
        ("currency = 'EUR'", 2, {("currency", 2)}),
        ("created = '2020-01-01Z'", 2, {("moment", 2), ("latest", 2)}),
        ("created = '2024-06-01Z'", 1, {("moment", 1), ("latest", 1)}),
        ("created = '2024-06-01Z'", 5, {("modified", 5)}),
        ("delta = 1", 1, {("running_balance", 1), ("delta", 1), ("turnover", 1), ("sum", None)}),
        ("held_delta = 5", 3, {("held_delta", 3), ("running_held", 3)}),
        ("held = 5", 3, {("running_held", 3), ("running_held", 4)}),
        ("held = 5", 5, {("running_held", 5), ("last_held", 5)}),
        ("held = 71", 3, {("running_held", 3), ("running_held", 4), ("held_covered", 3)}),
        ("turnover = 131", 3, {("turnover", 3), ("turnover", 4)}),
        ("turnover = 131", 5, {("turnover", 5), ("last_held", 5)}),
        ("latest = '2024-06-01Z'", 3, {("latest", 3)}),
        ("latest = now()", 5, {("latest", 5), ("last_held", 5)}),
        ("recorded = '2020-01-01Z'", 3, {("recorded", 3)}),
        ("expires = now()", 3, {("speaks_of", 3)}),
        ("hold_id = 1", 3, {("speaks_of", 3)}),
        ("counterparty_id = account_id", 3, {("speaks_of", 3)}),
    ],
)  # fmt: skip
def test_a_tampered_action_is_named(
    jana: Account, change: str, version: int, rules: set[tuple[str, int | None]]
) -> None:
    Entity.objects.create(code="other", name="Other")
    references = {number: reference(jana, number) for number in range(1, 6)} | {None: None}
    tamper(f"UPDATE ledger_action SET {change} WHERE reference = %s", references[version])  # noqa: S608  from the parameters above
    assert found() == {(rule, references[number]) for rule, number in rules}


@pytest.mark.parametrize(
    ("change", "rules"),
    [
        ("balance = 71", {("sum", None), ("last_balance", 5), ("cap", None)}),
        ("status = 'frozen'", {("last_status", 5)}),
        ("version = 4", {("last_version", 5)}),
        ("modified = now()", {("modified", 5)}),
        ("held = 1", {("last_held", 5)}),
        ("turnover = 1", {("last_held", 5)}),
        ("latest = now()", {("last_held", 5)}),
        ("created = created - interval '1 day'", {("moment", 1)}),
    ],
)
def test_a_tampered_account_is_named(jana: Account, change: str, rules: set[tuple[str, int | None]]) -> None:
    tamper(f"UPDATE ledger_account SET {change} WHERE id = %s", jana.id)  # noqa: S608  from the parameters above
    last = {5: reference(jana, 5), 1: reference(jana, 1), None: None}
    findings = {(finding.rule, finding.account, finding.action) for finding in verify().findings}
    assert findings == {(rule, None if rule == "cap" else jana.uid, last[number]) for rule, number in rules}


@pytest.fixture
def busy(jana: Account, agent: User) -> dict[str, str]:
    """References of what speaks of something else: a transfer, a refund and a reversal, a pending and a captured hold."""
    given: dict[str, Any] = {"by": agent, "asof": timezone.now()}
    petr, here = Account.objects.get(user__last_name="Klid"), {"uid": jana.uid, **given}
    (_, out), (_, into) = Account.transfer(to=petr.uid, amount=Decimal(10), **here)
    _, deposited = Account.deposit(amount=Decimal(20), **here)
    _, other = Account.deposit(amount=Decimal(7), **here)
    [refunded] = Action.refund(uid=deposited.uid, amount=Decimal(5), comment="Part of it", **given)
    [reversed_] = Action.reverse(uid=other.uid, comment="Booked twice", **given)
    pending, _ = Hold.place(amount=Decimal(8), **here)
    hold, placed = Hold.place(amount=Decimal(9), **here)
    _, captured = Hold.capture(uid=hold.uid, amount=Decimal(4), **given)
    named = {"out": out, "into": into, "deposited": deposited, "refunded": refunded, "reversed": reversed_,
             "placed": placed, "captured": captured, "pending": pending.placed}  # fmt: skip
    return {name: action.reference for name, action in named.items()}


@pytest.mark.parametrize(
    ("change", "on", "rules"),
    [
        ("counterparty_id = account_id", "out", {("transfer", "leg")}),
        ("transfer = gen_random_uuid()", "out", {("transfer", "out"), ("transfer", "into")}),
        ("transfer = NULL, counterparty_id = NULL", "into", {("transfer", "out"), ("speaks_of", "into")}),
        ("transfer = NULL", "into", {("transfer", "out"), ("speaks_of", "into")}),
        ("reverses_id = NULL", "refunded", {("speaks_of", "refunded")}),
        ("reverses_id = 0", "refunded", {("returned", "refunded")}),
        ("reverses_id = id", "refunded", {("returned", "refunded")}),
        ("type = 'reversed'", "refunded", {("returned", "refunded")}),
        ("reverses_id = (SELECT min(id) FROM ledger_action)", "reversed", {("returned", "reversed")}),
        ("hold_id = NULL", "captured", {("speaks_of", "captured"), ("hold", "placed")}),
        ("hold_id = 0", "captured", {("hold", "placed")}),
        ("expires = now()", "placed", {("hold", "placed")}),
        ("uid = gen_random_uuid()", "pending", {("hold", "pending")}),
    ],
)
def test_a_tampered_action_that_speaks_of_another_is_named(
    busy: dict[str, str], change: str, on: str, rules: set[tuple[str, str]]
) -> None:
    assert verify().findings == []
    tamper(f"UPDATE ledger_action SET {change} WHERE reference = %s", busy[on])  # noqa: S608  from the parameters above
    known = busy | {"leg": min(busy["out"], busy["into"])}
    assert {(finding.rule, finding.action) for finding in verify().findings} == {
        (rule, known[name]) for rule, name in rules
    }


@pytest.mark.parametrize(
    ("change", "on"),
    [
        ("state = 'released'", "pending"),
        ("state = 'pending'", "placed"),
        ("state = 'expired'", "placed"),
        ("amount = 10", "pending"),
        ("captured = 5", "placed"),
        ("resolved_id = NULL", "placed"),
        ("expires = now()", "pending"),
        ("uid = gen_random_uuid()", "pending"),
    ],
)
def test_a_tampered_hold_is_named(busy: dict[str, str], change: str, on: str) -> None:
    where = "placed_id = (SELECT id FROM ledger_action WHERE reference = %s)"
    tamper(f"UPDATE ledger_hold SET {change} WHERE {where}", busy[on])  # noqa: S608  from the parameters above
    assert found() == {("hold", busy[on])}


def test_a_deleted_hold_is_named(busy: dict[str, str], jana: Account) -> None:
    tamper("DELETE FROM ledger_hold WHERE state = 'pending'")
    assert found() == {("hold", busy["pending"])}


def test_a_deleted_leg_of_a_transfer_is_found(busy: dict[str, str]) -> None:
    tamper("DELETE FROM ledger_action WHERE reference = %s", busy["into"])
    assert ("transfer", busy["out"]) in {(finding.rule, finding.action) for finding in verify().findings}


def test_a_deleted_action_is_a_gap_before_the_next_one(jana: Account) -> None:
    tamper("DELETE FROM ledger_action WHERE account_id = %s AND version = 3", jana.id)
    after = reference(jana, 4)
    assert found() == {("version_gap", after), ("running_balance", after), ("turnover", after), ("sum", None)}


def test_a_deleted_last_action_is_found(jana: Account) -> None:
    tamper("DELETE FROM ledger_action WHERE account_id = %s AND version = 5", jana.id)
    last = reference(jana, 4)
    assert found() == {("last_version", last), ("last_status", last)}


def test_a_deleted_first_action_is_found(jana: Account) -> None:
    tamper("DELETE FROM ledger_action WHERE account_id = %s AND version = 1", jana.id)
    first = reference(jana, 2)
    assert found() == {("version_gap", first), ("first", first), ("moment", first)}


def test_an_account_without_actions_is_found(jana: Account) -> None:
    tamper("DELETE FROM ledger_action WHERE account_id = %s", jana.id)
    assert found() == {("no_actions", None)}


def test_an_action_without_account_is_found(jana: Account) -> None:
    tamper("DELETE FROM ledger_account WHERE id = %s", jana.id)
    findings = {(finding.rule, finding.account, finding.action) for finding in verify().findings}
    orphans = {("orphan", None, reference(jana, version)) for version in range(1, 6)}
    assert findings == orphans | {("cap", None, None)}


def test_an_action_after_closing_is_found(jana: Account, agent: User) -> None:
    Account.withdraw(uid=jana.uid, amount=Decimal(70), by=agent, asof=timezone.now())
    Account.close(uid=jana.uid, by=agent, asof=timezone.now(), comment="Moves abroad")
    assert found() == set()
    tamper(
        "INSERT INTO ledger_action (account_id, entity_id, currency, type, delta, balance, turnover, status, version,"
        " created, latest, reference_type, external_reference, comment, by_id)"
        " SELECT account_id, entity_id, currency, 'deposited', 1, 1, turnover + 1, 'open', 8, created, latest,"
        " 'none', '', '', by_id"
        " FROM ledger_action WHERE account_id = %s AND version = 7",
        jana.id,
    )
    last = reference(jana, 8)
    rules = {"after_closing", "last_balance", "last_held", "last_version", "last_status", "status"}
    assert found() == {*((rule, last) for rule in rules), ("sum", None)}


@pytest.mark.parametrize("place", [1, 5, 9, 11])
def test_a_mistyped_reference_is_found(jana: Account, place: int) -> None:
    right = reference(jana, 2)
    symbol = "3" if right[place - 1] != "3" else "4"
    wrong = right[: place - 1] + symbol + right[place:]
    tamper("UPDATE ledger_action SET reference = %s WHERE reference = %s", wrong, right)
    assert found() == {("reference", wrong)}


def test_a_reference_of_another_shape_is_found(jana: Account) -> None:
    tamper("UPDATE ledger_action SET reference = 'x' WHERE reference = %s", reference(jana, 2))
    assert found() == {("reference", "x")}


def test_headroom_that_does_not_fit_the_cap_is_found(jana: Account) -> None:
    tamper("UPDATE ledger_headroom SET remaining = remaining - 1 WHERE currency = 'CZK' AND slot = 7")
    assert verify().findings == [
        Finding(
            None,
            None,
            "cap",
            "All CZK balances come to CZK 75.00 and the headroom to CZK 99,999,999,924.00: "
            "together not the cap of CZK 100,000,000,000.00.",
        )
    ]


def test_postings_under_way_give_no_findings(jana: Account, agent: User) -> None:
    """What another connection commits between two of the queries is outside of the snapshot."""
    posting = Posting(type=ActionType.DEPOSITED, uid=jana.uid, by=agent, asof=timezone.now(), amount=Decimal(1))
    totals = []
    for _ in range(3):
        Account.post_batch([posting])
        verdict = verify()
        totals.append((verdict.totals["CZK"], verdict.findings))
    assert totals == [(Decimal(76), []), (Decimal(77), []), (Decimal(78), [])]


def test_people_read_who_and_what(jana: Account, capsys: pytest.CaptureFixture[str]) -> None:
    action = reference(jana, 2)
    tamper("UPDATE ledger_action SET currency = 'EUR' WHERE reference = %s", action)
    with pytest.raises(SystemExit) as end:
        call_command("ledger_verify")
    assert end.value.code == 1
    assert capsys.readouterr().out == (
        f"account {jana.uid}, action {action}: currency: It is in EUR, its account in CZK.\n"
        "2 accounts, 7 actions, CZK 75.00.\n1 finding.\n"
    )


def test_every_type_of_action_has_its_status_and_its_sign() -> None:
    assert set(MOVES) == set(ActionType)
    assert {kind for kind in ActionType if EFFECTS.get(kind, Effect()).held or kind == "released"} == set(HOLDS)


def test_rules_have_one_name_each() -> None:
    names = [code for check in CHECKS for code in check.rules]
    assert len(names) == len(set(names))


def test_verify_writes_nothing_and_waits_for_nobody(jana: Account, nord: Entity) -> None:
    name = str(connection.settings_dict["NAME"])
    with psycopg.connect(embedded.superuser_url(settings.BACKOFFICE_DATA, name)) as other:
        other.execute("SELECT * FROM ledger_account FOR UPDATE")
        assert verify().findings == []
