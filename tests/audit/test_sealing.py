"""Sealing: keys, heads and blocks; what is published, and what the relay refuses to start with."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.conf import settings
from pytest_django import Settings

from audit import relay
from audit.alerts import Alerts
from audit.chain import CANONICAL, leaf, merkle_root
from audit.heads import Publisher, read_heads
from audit.keys import signing_key
from audit.models import Alert, Event, Seal, SealKey
from audit.trusted import trusted_keys
from audit.verification.attested import Attested
from audit.verification.events import Row, changed, what_is_left
from backoffice.databases import as_relay
from ledger.models import Account
from tests.audit.sealed import kinds, make_events, relay_batch, seal_events, superuser, tamper, verify, wait_until_due
from tests.audit.test_relay import addresses, relay_process
from tests.scope import call_command

STRONG = "kX9#mQ2$vL7!pR4@wN8%zT1^bY6&cF3*gH5(jD0)sA_eU+iOabcd"


def test_tree_is_that_of_rfc_6962() -> None:
    """The vectors of certificate-transparency-go's testonly reference."""
    inputs = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    leaves = [leaf(bytes.fromhex(text)) for text in inputs]
    roots = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ]
    assert [merkle_root(leaves[: count + 1]).hex() for count in range(8)] == roots
    assert merkle_root([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.usefixtures("committing")
def test_rotation_is_vouched_for_by_the_old_key() -> None:
    seal_events(2)
    old = signing_key()
    call_command("audit_rotate_key")
    new = signing_key()
    seal_events(1)
    assert [(key.key, key.from_block, key.signed_by) for key in trusted_keys()] == [
        (old.id, 1, ""),
        (new.id, 3, old.id),
    ]
    assert [(seal.number, seal.key) for seal in Seal.objects.order_by("number")] == [
        (1, old.id),
        (2, old.id),
        (3, new.id),
    ]
    assert Event.objects.get(type="audit.key_rotated").data["to"] == new.id
    assert verify() == []


@pytest.mark.usefixtures("committing")
def test_key_that_was_slipped_in_is_not_trusted() -> None:
    """A new trusted key that the old one has not signed, though the database says so."""
    seal_events(1)
    call_command("audit_rotate_key")
    lines = settings.AUDIT_TRUSTED_FILE.read_text().splitlines()
    forged = {**json.loads(lines[1]), "signature": "00" * 64}
    settings.AUDIT_TRUSTED_FILE.write_text(f"{lines[0]}\n{json.dumps(forged)}\n")
    assert kinds(verify())[0] == (None, None, "key")


@pytest.mark.usefixtures("committing")
def test_interrupted_rotation_is_finished_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    seal_events(1)

    def power_cut(*_: object) -> None:
        raise OSError("The disk is gone")

    monkeypatch.setattr(Path, "replace", power_cut)
    with pytest.raises(Exception, match="The disk is gone"):
        call_command("audit_rotate_key")
    monkeypatch.undo()
    old = signing_key()
    call_command("audit_rotate_key")
    new = signing_key()
    assert SealKey.objects.count() == 2
    assert [key.key for key in trusted_keys()] == [old.id, new.id]
    seal_events(1)
    assert verify() == []


@pytest.mark.usefixtures("committing")
def test_old_key_signs_no_more_after_its_rotation() -> None:
    seal_events(1)
    old = signing_key()
    call_command("audit_rotate_key")
    make_events(1)
    wait_until_due()
    with as_relay("default", "audit"), pytest.raises(Exception, match="is sealed with the key"):
        relay.relay_batch("default", old)
    assert relay_batch() == 1


@pytest.mark.usefixtures("committing")
def test_running_relay_goes_on_with_the_new_key() -> None:
    process = relay_process()
    try:
        make_events(1)
        assert arrives(1)
        call_command("audit_rotate_key")
        make_events(1)
        assert arrives(3)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate()
    assert process.returncode == 0
    assert verify() == []


@pytest.mark.usefixtures("committing")
def test_event_is_in_the_store_within_two_seconds() -> None:
    process = relay_process()
    try:
        make_events(1)
        assert arrives(1)
        took = []
        for number in range(2, 6):
            started = time.monotonic()
            make_events(1)
            assert arrives(number)
            took.append(time.monotonic() - started)
        assert sorted(took)[2] < 2, took  # three of four: other tests' transactions may hold one up
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate()


def arrives(number: int) -> bool:
    until = time.monotonic() + 30
    while Event.objects.count() < number and time.monotonic() < until:
        time.sleep(0.02)
    return Event.objects.count() == number


@pytest.mark.usefixtures("committing")
def test_heads_are_published_for_blocks_and_for_silence(settings: Settings, tmp_path: Path) -> None:
    settings.AUDIT_HEAD_SECONDS = 1
    told = tmp_path / "told"
    settings.AUDIT_HEAD_COMMAND = f"tee -a {told}"
    seal_events(2)
    with as_relay("audit"):
        publisher = Publisher(signing_key())
        assert publisher.publish() == ""
        assert publisher.publish() == ""
        assert publisher.look_after(wait=True) == ""
        time.sleep(1.1)
        publisher.publish()
        publisher.look_after(wait=True)
    heads, troubles = read_heads(settings.AUDIT_HEADS_FILE)
    assert troubles == []
    assert [head["block"] for head in heads] == [1, 1]
    assert heads[0]["published"] < heads[1]["published"]
    assert read_heads(told) == (heads, [])
    assert verify(heads) == []


@pytest.mark.usefixtures("committing")
def test_command_that_fails_is_told_and_stops_nothing(settings: Settings) -> None:
    settings.AUDIT_HEAD_COMMAND = "false"
    with as_relay("audit"):
        publisher = Publisher(signing_key())
        assert any([publisher.publish(), publisher.look_after(wait=True)])
    settings.AUDIT_HEAD_COMMAND = "/nowhere/to/be/found"
    with as_relay("audit"):
        assert "does not start" in Publisher(signing_key()).publish()
    assert len(read_heads(settings.AUDIT_HEADS_FILE)[0]) == 2


@pytest.mark.usefixtures("committing")
def test_row_that_stands_for_many_events_fills_blocks_of_bounded_size(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "BLOCK", 3)
    wait_until_due()
    relay_batch()
    with superuser("default") as session:
        session.execute(
            "INSERT INTO audit_outbox (type, object_type, data) SELECT 'ledger.posted', 'ledger.account', jsonb_build_object("
            "'written_out_by', 'ledger_events', 'actions', (SELECT jsonb_agg(id) FROM ledger_action))"
        )
    before = Seal.objects.count()
    tamper("SELECT 1")
    wait_until_due()
    assert relay_batch() == 1
    assert Seal.objects.count() == before  # each of these actions is there already, and is not added twice
    assert verify() == []


@pytest.mark.usefixtures("committing")
def test_two_sealing_at_once_take_turns() -> None:
    make_events(40)
    wait_until_due()
    processes = [relay_process("--once") for _ in range(3)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    for process in processes:
        process.communicate()
    while relay_batch():
        pass
    assert Event.objects.count() == 40
    assert verify() == []


@pytest.mark.parametrize("trouble", ["missing", "open", "no key"])
def test_production_refuses_to_relay_without_a_good_key(audit_files: Path, trouble: str) -> None:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.endswith("_OWNER_URL")},
        **addresses(), "DJANGO_SETTINGS_MODULE": "backoffice.settings", "BACKOFFICE_MODE": "production",
        "SECRET_KEY": STRONG, "ALLOWED_HOSTS": "console.example.com", "WEBAUTHN_RP_ID": "example.com",
    }  # fmt: skip
    key = audit_files / "signing_key.pem"
    if trouble == "open":
        signing_key()
        key.chmod(0o644)
    if trouble == "no key":
        del environment["AUDIT_SIGNING_KEY"]
    done = subprocess.run(
        [sys.executable, "manage.py", "audit_relay", "--once"],
        cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    said = {"missing": "which is not there", "open": "Others may read the signing key", "no key": "AUDIT_SIGNING_KEY"}
    assert (done.returncode, said[trouble] in done.stderr) == (2, True), done.stderr


@pytest.mark.usefixtures("committing")
@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("audit.erased", '{"events": {"a": "b\\\\c"}}'),
        ("audit.archived", '{"months": []}'),
        ('audit."q\\\t\x07é', '{"a": "q\\"\\\\"}'),
    ],
)
def test_event_of_the_sealing_in_the_outbox_is_sealed_as_forged_and_alerts(kind: str, data: str) -> None:
    with superuser("default") as session:
        session.execute("INSERT INTO audit_outbox (type, data, reason) VALUES (%s, %s, 'why')", [kind, data])
    make_events(1)
    wait_until_due()
    assert relay_batch() == 2
    told = Event.objects.get(type="record.forged")
    assert (told.data["type"], told.data["told"], told.reason) == (kind, json.loads(data), "why")
    assert not Event.objects.filter(type__startswith="audit.").exists()
    assert verify() == []
    with as_relay("audit"):
        Alerts().deliver(told)
    assert Alert.objects.get(event_id=told.pk).rule == "outside_write"


@pytest.mark.usefixtures("committing")
def test_forged_erasure_in_the_outbox_hides_no_edit() -> None:
    seal_events(3)
    event = Event.objects.get(block=1, position=1)
    with superuser("audit") as session:
        session.execute("SELECT audit_erase(ARRAY[%s]::uuid[])", [event.pk])
        session.execute("SET timezone = 'UTC'")
        query = f"COPY (SELECT {', '.join(CANONICAL)}, erased FROM audit_event WHERE id = '{event.pk}') TO STDOUT"  # noqa: S608  a test's own
        with session.cursor().copy(query) as copy:
            line, erased = b"".join(map(bytes, copy)).rstrip(b"\n").rsplit(b"\t", 1)
    left = {"events": {str(event.pk): what_is_left(line, erased)}}
    with superuser("default") as session:
        session.execute("INSERT INTO audit_outbox (type, data) VALUES ('audit.erased', %s)", [json.dumps(left)])
    wait_until_due()
    assert relay_batch() == 1
    assert kinds(verify()) == [(1, str(event.pk), "edited")]


@pytest.mark.parametrize("column", ["path", "ip", "browser", "reason", "data"])
def test_row_that_an_event_says_was_erased_holds_nothing(column: str) -> None:
    empty = {"path": b"", "ip": b"\\N", "browser": b"", "reason": b"", "data": b"{}"}
    columns = {**dict.fromkeys(CANONICAL, b"x"), **empty, "id": b"0" * 36}

    def verdict(columns: dict[str, bytes]) -> str:
        row = Row(0, b"leaf", b"2026-01-01 00:00:00+00", b"\t".join(columns.values()))
        return changed(row, b"leaf", Attested({row.id: what_is_left(row.line, row.erased)}, []))

    assert verdict(columns) == ""
    assert verdict({**columns, column: b"told"}) == "is said to be erased, and still tells something"
