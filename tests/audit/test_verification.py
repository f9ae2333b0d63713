"""audit_verify finds whatever a superuser has changed past the triggers, and names block and event."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from hashlib import sha256
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from audit.chain import BLOCK, canonical_json
from audit.models import Alert, Event, Seal, Verification
from audit.verification import blocks, run
from backoffice.models import User
from tests.audit.sealed import kinds, make_events, seal_events, tamper, verify, wait_until_due
from tests.audit.test_relay import addresses
from tests.scope import call_command

pytestmark = pytest.mark.usefixtures("committing")


@pytest.fixture
def store(committing: None) -> None:
    """Three blocks: of three, four and three events."""
    seal_events(3, 4, 3)


def event(block: int, position: int) -> str:
    return str(Event.objects.get(block=block, position=position).pk)


@pytest.mark.usefixtures("store")
def test_untouched_store_verifies() -> None:
    assert verify() == []
    assert [(seal.number, seal.count) for seal in Seal.objects.order_by("number")] == [(1, 3), (2, 4), (3, 3)]


@pytest.mark.usefixtures("store")
def test_edit_names_block_and_row() -> None:
    name = event(2, 1)
    tamper("UPDATE audit_event SET reason = 'Nothing to see' WHERE block = 2 AND position = 1")
    assert kinds(verify()) == [(2, name, "edited")]


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("column", ["id", "created", "type", "user_id", "username", "entity_id", "object_type", "object_id", "request_id", "method", "path", "status", "ip", "browser", "reason", "success", "data", "leaf"])  # fmt: skip
def test_no_column_can_be_edited(column: str) -> None:
    other = {
        "id": "uuidv7()", "created": "created - interval '1 us'", "user_id": "7", "entity_id": "4999", "status": "418",
        "ip": "'10.0.0.1'", "success": "NOT success", "data": "data || '{\"a\": 1}'", "leaf": "sha256(leaf)",
    }.get(column, f"{column} || 'x'")  # fmt: skip
    name = event(2, 1)
    tamper(f"UPDATE audit_event SET {column} = {other} WHERE block = 2 AND position = 1")  # noqa: S608  a test's own
    found = kinds(verify())
    changed = event(2, 1)
    expected = {(2, name, "deleted"), (2, changed, "inserted")} if column == "id" else {(2, name, "edited")}
    assert set(found) == expected


@pytest.mark.usefixtures("store")
def test_edit_with_recomputed_leaf_names_block_and_row() -> None:
    name, line = event(2, 1), line_of(2, 1, "'Nothing to see'")
    digest = sha256(b"\0" + line).hexdigest()
    tamper(
        f"UPDATE audit_event SET reason = 'Nothing to see', leaf = '\\x{digest}' WHERE block = 2 AND position = 1"  # noqa: S608  as above
    )
    [found] = verify()
    assert (found.block, found.event, found.kind) == (2, name, "edited")
    assert "and its leaf with it" in found.text


@pytest.mark.usefixtures("store")
def test_edit_with_every_leaf_recomputed_names_the_block() -> None:
    digest = sha256(b"\0" + line_of(2, 1, "'Nothing to see'")).hexdigest()
    tamper(
        f"UPDATE audit_event SET reason = 'Nothing to see', leaf = '\\x{digest}' WHERE block = 2 AND position = 1",  # noqa: S608  as above
        f"UPDATE audit_seal SET leaves = overlay(leaves placing '\\x{digest}'::bytea from 33) WHERE number = 2",  # noqa: S608  as above
    )
    assert kinds(verify()) == [(2, None, "root")]


@pytest.mark.usefixtures("store")
def test_delete_names_block_and_row() -> None:
    name = event(2, 3)
    tamper("DELETE FROM audit_event WHERE block = 2 AND position = 3")
    assert kinds(verify()) == [(2, name, "deleted")]


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(("block", "position"), [(1, 3), (1, 0), (9, 0), (2**63 - 1, 0)])
def test_back_dated_insert_names_block_and_row(block: int, position: int) -> None:
    [(name,)] = tamper(
        "INSERT INTO audit_event (id, created, type, username, object_type, object_id, request_id, method, path, browser, "  # noqa: S608  as above
        "reason, success, data, block, position, leaf) "
        f"SELECT uuidv7(), created, type, 'lead', object_type, object_id, request_id, method, path, browser, reason, success, data, {block}, "
        f"{position}, leaf FROM audit_event WHERE block = 1 AND position = 1 RETURNING id::text"
    )
    assert kinds(verify()) == [(block, name, "inserted")]


@pytest.fixture
def unchecked() -> Iterator[None]:
    """Let events say they are in no block, as the owner of the table could."""
    tamper(
        "ALTER TABLE audit_event DROP CONSTRAINT audit_event_in_a_block, ALTER block DROP NOT NULL, ALTER leaf DROP NOT NULL, "
        "ALTER position DROP NOT NULL"
    )
    yield
    tamper(
        "DELETE FROM audit_event WHERE block IS NULL OR block <= 0 OR leaf IS NULL OR position IS NULL",
        "ALTER TABLE audit_event ADD CONSTRAINT audit_event_in_a_block CHECK (block > 0), ALTER block SET NOT NULL, "
        "ALTER leaf SET NOT NULL, ALTER position SET NOT NULL",
    )


@pytest.mark.usefixtures("store", "unchecked")
@pytest.mark.parametrize("block", [-(2**63), -1, 0, None])
def test_event_before_the_first_block_or_in_none_is_named(block: int | None) -> None:
    name = event(1, 1)
    tamper(f"UPDATE audit_event SET block = {'NULL' if block is None else block} WHERE id = '{name}'")  # noqa: S608  a test's own
    assert sorted(kinds(verify()), key=str) == sorted([(1, name, "deleted"), (block, name, "inserted")], key=str)


@pytest.mark.usefixtures("store", "unchecked")
def test_event_without_leaf_or_position_is_named() -> None:
    names = [event(1, 1), event(2, 1)]
    tamper(
        f"UPDATE audit_event SET leaf = NULL WHERE id = '{names[0]}'",  # noqa: S608  as above
        f"UPDATE audit_event SET position = NULL WHERE id = '{names[1]}'",  # noqa: S608  as above
    )
    assert sorted(kinds(verify())) == [(1, names[0], "edited"), (2, names[1], "moved")]


@pytest.mark.usefixtures("store")
def test_store_takes_no_event_outside_of_the_blocks() -> None:
    for block in (-(2**63), 0):
        with pytest.raises(psycopg.errors.CheckViolation):
            tamper(f"UPDATE audit_event SET block = {block} WHERE block = 1")  # noqa: S608  as above


@pytest.mark.usefixtures("store")
def test_event_that_no_range_reads_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    tamper("UPDATE audit_event SET block = 9 WHERE block = 3")
    monkeypatch.setattr(run, "ENDLESS", 8)
    [*_, found] = verify()
    assert found.text == "The store holds 10 events, and 7 were read, block by block."


@pytest.mark.usefixtures("store")
def test_swap_names_block_and_rows() -> None:
    names = [event(2, 0), event(2, 2)]
    tamper("UPDATE audit_event SET position = 2 - position WHERE block = 2 AND position IN (0, 2)")
    assert sorted(kinds(verify())) == sorted((2, name, "moved") for name in names)


@pytest.mark.usefixtures("store")
def test_swap_of_contents_names_block_and_rows() -> None:
    names = [event(1, 0), event(2, 0)]
    tamper(
        "UPDATE audit_event e SET object_id = o.object_id FROM audit_event o "
        "WHERE e.block IN (1, 2) AND e.position = 0 AND o.position = 0 AND o.block = 3 - e.block"
    )
    assert sorted(kinds(verify())) == sorted([(1, names[0], "edited"), (2, names[1], "edited")])


@pytest.mark.usefixtures("store")
def test_replaced_block_is_named() -> None:
    """All that can be computed without the key is computed anew: leaf, leaves, root, header, hash, and the chain after."""
    digest = sha256(b"\0" + line_of(2, 0, "'Replaced'")).digest()
    tamper(f"UPDATE audit_event SET reason = 'Replaced', leaf = '\\x{digest.hex()}' WHERE block = 2 AND position = 0")  # noqa: S608  as above
    replace_block(2, lambda leaves: [digest, *leaves[1:]])
    found = kinds(verify())
    assert found[0] == (2, None, "signature")
    assert {block for block, _, _ in found} <= {2, 3}


@pytest.mark.usefixtures("store")
def test_missing_block_is_named() -> None:
    tamper("DELETE FROM audit_seal WHERE number = 2", "DELETE FROM audit_event WHERE block = 2")
    assert kinds(verify()) == [(2, None, "missing")]


@pytest.mark.usefixtures("store")
def test_cut_tail_is_found_from_the_published_head() -> None:
    call_command("audit_relay", "--once")
    heads = [json.loads(line) for line in settings.AUDIT_HEADS_FILE.read_text().splitlines()]
    assert heads[-1]["block"] == 3
    tamper("DELETE FROM audit_seal WHERE number = 3", "DELETE FROM audit_event WHERE block = 3")
    assert kinds(verify(heads)) == [(3, None, "tail")]
    assert kinds(verify([{**heads[-1], "block": 2}])) == [(2, None, "head")]


@pytest.mark.usefixtures("store")
def test_cut_tail_is_found_when_new_blocks_have_grown_over_it() -> None:
    call_command("audit_relay", "--once")
    tamper("DELETE FROM audit_seal WHERE number = 3", "DELETE FROM audit_event WHERE block = 3")
    for _ in range(2):
        make_events(2)
        wait_until_due()
        call_command("audit_relay", "--once")
    heads = [json.loads(line) for line in settings.AUDIT_HEADS_FILE.read_text().splitlines()]
    assert kinds(verify(heads)) == [(3, None, "head")]


@pytest.mark.usefixtures("store")
def test_key_that_nobody_trusts_is_told(audit_files: Path) -> None:
    lines = settings.AUDIT_TRUSTED_FILE.read_text()
    settings.AUDIT_TRUSTED_FILE.write_text(lines.replace('"from_block": 1', '"from_block": 2'))
    assert kinds(verify()) == [(None, None, "key"), (1, None, "signature")]
    settings.AUDIT_TRUSTED_FILE.unlink()
    assert {kind for _, _, kind in kinds(verify())} == {"key", "signature"}


@pytest.mark.usefixtures("store")
def test_line_of_the_trusted_file_that_is_none_is_a_finding(capsys: pytest.CaptureFixture[str]) -> None:
    good = settings.AUDIT_TRUSTED_FILE.read_text()
    settings.AUDIT_TRUSTED_FILE.write_text(good + good.replace('"public": "', '"public": "zz') + "{}\n")
    with pytest.raises(SystemExit, match="1"):
        call_command("audit_verify", "--json")
    found = [(one["kind"], one["text"]) for one in json.loads(capsys.readouterr().out)["findings"]]
    path = settings.AUDIT_TRUSTED_FILE
    assert found == [("key", f"Line {line} of {path} is no trusted key.") for line in (2, 3)]


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    "other", [{"public": "a", "signature": "b"}, {"key": "abc"}, {"from_block": float("inf")}, {"public": 5}]
)
def test_key_of_odd_length_is_a_finding(other: dict[str, object], capsys: pytest.CaptureFixture[str]) -> None:
    good = settings.AUDIT_TRUSTED_FILE.read_text()
    settings.AUDIT_TRUSTED_FILE.write_text(good + json.dumps({**json.loads(good), **other}) + "\n")
    with pytest.raises(SystemExit, match="1"):
        call_command("audit_verify", "--json")
    found = [(one["kind"], one["text"]) for one in json.loads(capsys.readouterr().out)["findings"]]
    assert found == [("key", f"Line 2 of {settings.AUDIT_TRUSTED_FILE} is no trusted key.")]


SEAL = {
    "number": "99", "created": "created - interval '1 us'", "month": "month - 31", "count": "count + 1",
    "ids": "set_byte(ids, 3, (get_byte(ids, 3) + 1) % 256)", "leaves": "set_byte(leaves, 3, (get_byte(leaves, 3) + 1) % 256)",
    "key": "key || '0'",
}  # fmt: skip


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("column", [field.column for field in Seal._meta.concrete_fields])
def test_no_column_of_a_seal_can_be_edited(column: str) -> None:
    other = SEAL.get(column, f"sha256({column})")
    tamper(f"UPDATE audit_seal SET {column} = {other} WHERE number = 2")  # noqa: S608  a test's own
    found = kinds(verify())
    expected = {
        "number": {"missing", "header", "signature", "inserted", "deleted"},
        "hash": {"header", "chain"},
        "signature": {"signature"},
        "leaves": {"root", "edited"},
        "root": {"header", "signature", "root"},
        "count": {"header", "signature", "root"},
        "previous": {"header", "signature", "chain"},
    }.get(column, {"header", "signature"})
    assert {kind for _, _, kind in found} == expected
    assert 2 in {block for block, _, _ in found}


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("column", ["id", "public", "from_block", "signed_by", "signature"])
def test_no_column_of_a_key_can_be_edited(column: str) -> None:
    other = "from_block + 1" if column == "from_block" else f"{column} || '0'"
    tamper(f"UPDATE audit_key SET {column} = {other}")  # noqa: S608  a test's own
    assert {kind for _, _, kind in kinds(verify())} == {"key"}


@pytest.mark.usefixtures("store")
def test_key_that_was_deleted_is_told() -> None:
    call_command("audit_rotate_key")
    tamper("DELETE FROM audit_key WHERE from_block = 1")
    assert kinds(verify()) == [(None, None, "key")]


@pytest.mark.usefixtures("store")
def test_several_processes_find_the_same_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [event(1, 0), event(3, 2)]
    tamper(
        "UPDATE audit_event SET reason = 'x' WHERE block = 1 AND position = 0 OR block = 3 AND position = 2",
        "UPDATE audit_seal SET previous = sha256(previous) WHERE number = 2",
    )
    alone = verify()
    monkeypatch.setattr(blocks, "CHUNK", 1)  # a range a block
    monkeypatch.setattr(run, "PROCESSES", 2)
    assert set(verify()) == set(alone)
    assert [one for one in kinds(alone) if one[2] == "edited"] == [(1, names[0], "edited"), (3, names[1], "edited")]
    assert {(2, None, "chain"), (2, None, "header")} <= set(kinds(alone))


@pytest.mark.usefixtures("store")
def test_since_looks_at_what_was_sealed_since(capsys: pytest.CaptureFixture[str]) -> None:
    tamper("UPDATE audit_event SET reason = 'x' WHERE block = 1")
    second = Seal.objects.get(number=2).created.isoformat()
    call_command("audit_verify", "--json", "--since", second)
    assert json.loads(capsys.readouterr().out) == {"events": 7, "blocks": 2, "findings": []}


@pytest.mark.usefixtures("store")
def test_command_exits_1_and_is_noted() -> None:
    name = event(2, 1)
    tamper("UPDATE audit_event SET reason = 'x' WHERE block = 2 AND position = 1")
    done = subprocess.run(
        [sys.executable, "manage.py", "audit_verify", "--json"],
        cwd=settings.BASE_DIR, capture_output=True, text=True, check=False,
        env={**environment(), **addresses(), "DJANGO_SETTINGS_MODULE": "backoffice.settings"},
    )  # fmt: skip
    said = json.loads(done.stdout)
    assert (done.returncode, said["events"], said["blocks"]) == (1, 10, 3)
    assert said["findings"] == [
        {
            "block": 2,
            "event": name,
            "kind": "edited",
            "text": f"Event {name} in block 2 was changed after it was sealed.",
        }
    ]
    noted = Verification.objects.get()
    assert (noted.events, noted.blocks, noted.findings) == (10, 3, said["findings"])
    opened = Alert.objects.get()
    assert (opened.rule, opened.event_id, opened.state) == ("verification", None, "open")
    assert opened.text == f"audit_verify found 1 that is not as sealed. The first: {said['findings'][0]['text']}"


@pytest.mark.usefixtures("store")
def test_console_says_that_the_last_verification_failed(log: Client, reviewer: User) -> None:
    reviewer.user_permissions.add(Permission.objects.get(codename="view_alert"))

    def said() -> bool:
        return "is not as it was sealed" in log.get(reverse("console:index")).content.decode()

    name = event(2, 1)
    verified(0)
    assert not said()
    tamper(f"UPDATE audit_event SET reason = 'x' WHERE id = '{name}'")  # noqa: S608  a test's own
    verified(1)
    verified(1)
    assert (said(), Alert.objects.count()) == (True, 1)
    assert log.get(reverse("console:audit_alert_change", args=[Alert.objects.get().pk])).status_code == 200
    verified(0, "--since", Seal.objects.get(number=3).created.isoformat())
    assert said()
    tamper(f"UPDATE audit_event SET reason = '' WHERE id = '{name}'")  # noqa: S608  as above
    verified(0)
    assert not said()


def verified(status: int, *arguments: str) -> None:
    with nullcontext() if status == 0 else pytest.raises(SystemExit, match=str(status)):
        call_command("audit_verify", *arguments)


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    "arguments",
    [
        ["--since", "yesterday"],
        ["--head", "/nowhere/heads"],
        ["--keys", "/nowhere/keys"],
        ["--archive", "/nowhere/archive"],
        ["--export", "/nowhere/events.zip"],
    ],
)
def test_misuse_exits_2(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "audit_verify", *arguments],
        cwd=settings.BASE_DIR, capture_output=True, text=True, check=False,
        env={**environment(), **addresses(), "DJANGO_SETTINGS_MODULE": "backoffice.settings"},
    )  # fmt: skip
    assert done.returncode == 2


def environment() -> dict[str, str]:
    import os  # noqa: PLC0415  as the test has set it

    return {name: value for name, value in os.environ.items() if not name.endswith("_OWNER_URL")}


def line_of(block: int, position: int, reason: str) -> bytes:
    """The canonical line of an event with another reason, by docs/audit.md and without our code."""
    from tests.audit.sealed import superuser  # noqa: PLC0415

    columns = (
        "id, created, type, user_id, username, entity_id, object_type, object_id, request_id, method, path, status, ip, "
        f"browser, {reason}, success, data"
    )
    with superuser("audit") as session:
        session.execute("SET timezone = 'UTC'")
        query = f"COPY (SELECT {columns} FROM audit_event WHERE block = {block} AND position = {position}) TO STDOUT"  # noqa: S608  a test's own
        with session.cursor().copy(query) as copy:
            return b"".join(map(bytes, copy)).removesuffix(b"\n")


def replace_block(number: int, change: Callable[[list[bytes]], list[bytes]]) -> None:
    """Write a block anew with other leaves, and name it in the one after, as far as that goes without the key."""
    seal = Seal.objects.get(number=number)
    leaves = change([bytes(seal.leaves)[at : at + 32] for at in range(0, len(seal.leaves), 32)])
    level = leaves
    while len(level) > 1:
        pairs = [level[at : at + 2] for at in range(0, len(level), 2)]
        level = [sha256(b"\1" + b"".join(pair)).digest() if len(pair) == 2 else pair[0] for pair in pairs]
    facts = {
        "number": number, "created": seal.created.isoformat(timespec="microseconds"), "month": seal.month.isoformat(),
        "count": len(leaves), "ids": sha256(bytes(seal.ids)).hexdigest(), "root": level[0].hex(), "previous": bytes(seal.previous).hex(), "key": seal.key,
    }  # fmt: skip
    digest = sha256(BLOCK + canonical_json(facts)).hexdigest()
    joined = b"".join(leaves).hex()
    tamper(
        f"UPDATE audit_seal SET leaves = '\\x{joined}', root = '\\x{level[0].hex()}', hash = '\\x{digest}' WHERE number = {number}",  # noqa: S608  as above
        f"UPDATE audit_seal SET previous = '\\x{digest}' WHERE number = {number + 1}",  # noqa: S608  as above
    )
