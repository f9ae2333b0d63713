"""What is kept of a person goes on request, from wherever it is kept; the chain verifies all the same."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError
from django.db import connections

from audit.models import Alert, DeadLetter, Event, Outbox
from audit.record import record
from backoffice.databases import as_relay
from backoffice.models import Entity, SavedView, User
from backoffice.scope import acting
from ledger.models import Account, Note
from tests.audit.sealed import kinds, seal_events, superuser, tamper, verify, wait_until_due
from tests.audit.test_retention import archived, archives, carry, carry_as_old
from tests.cast import OpenAccount
from tests.scope import call_command

pytestmark = pytest.mark.usefixtures("committing")
WHY = ["--reason", "Asked for by letter of 3 May"]


@pytest.fixture
def jana(committing: None) -> User:
    """Somebody with a name and a telephone, told of by two events."""
    jana = User.objects.create(username="jana", first_name="Jana", last_name="Nova", email="jana@example.com")
    User.objects.filter(pk=jana.pk).update(phone="+420 123")
    wait_until_due()
    return jana


def everything_of_audit() -> str:
    """Return all that the event store and its neighbours hold, as text."""
    found = [list(model.objects.values()) for model in (Event, SavedView, Alert, DeadLetter)]
    return str(found)


def erase(*arguments: str) -> None:
    call_command("audit_erase", *arguments, *WHY)


def test_erasing_removes_what_is_told_of_a_person_and_the_chain_verifies() -> None:
    jana = User.objects.create(username="jana", first_name="Jana", last_name="Nova")
    karl = User.objects.create(username="karl", first_name="Karl")
    User.objects.filter(pk=jana.pk).update(phone="+420 123")
    carry()
    call_command("audit_erase", f"backoffice.user:{jana.pk}", "--reason", "Asked for by letter of 3 May")
    about = Event.objects.filter(object_type="backoffice.user", object_id=str(jana.pk))
    assert {event.data["events"].keys() == set() for event in about.filter(type="audit.erased")} == {False}
    assert [event.data for event in about.exclude(type="audit.erased")] == [{}, {}]
    assert "Nova" not in str(list(Event.objects.values()))
    assert Event.objects.get(object_id=str(karl.pk)).data["new"]["first_name"] == "Karl"
    [erasure] = about.filter(type="audit.erased")
    assert (erasure.reason, len(erasure.data["events"])) == ("Asked for by letter of 3 May", 2)
    assert verify() == []


def test_erasure_that_no_event_tells_of_is_an_edit() -> None:
    seal_events(3)
    event = Event.objects.get(block=1, position=1)
    with superuser("audit") as session:
        session.execute("SELECT audit_erase(ARRAY[%s]::uuid[])", [event.pk])
    assert kinds(verify()) == [(1, str(event.pk), "edited")]


def test_edit_after_an_erasure_is_found() -> None:
    seal_events(3)
    event = Event.objects.get(block=1, position=1)
    call_command("audit_erase", f"backoffice.entity:{event.object_id}", "--reason", "Asked for")
    assert verify() == []
    tamper(f"UPDATE audit_event SET username = 'lead' WHERE id = '{event.pk}'")  # noqa: S608  a test's own
    assert kinds(verify()) == [(1, str(event.pk), "edited")]


def test_moment_of_an_erasure_cannot_be_edited(jana: User) -> None:
    erase(f"backoffice.user:{jana.pk}")
    event = Event.objects.filter(erased__isnull=False).earliest("created")
    tamper(f"UPDATE audit_event SET erased = erased - interval '1 day' WHERE id = '{event.pk}'")  # noqa: S608  a test's own
    assert kinds(verify()) == [(1, str(event.pk), "edited")]


def test_what_waits_in_the_outbox_is_erased_too(jana: User) -> None:
    assert Outbox.objects.count() == 2
    erase(f"backoffice.user:{jana.pk}")
    assert (Outbox.objects.count(), "Nova" in everything_of_audit(), verify()) == (0, False, [])


def test_what_cannot_leave_the_outbox_yet_is_told(jana: User, capsys: pytest.CaptureFixture[str]) -> None:
    with superuser("default") as earlier:
        earlier.autocommit = False
        earlier.execute("SELECT pg_current_xact_id()")
        User.objects.filter(pk=jana.pk).update(phone="+420 456")
        with pytest.raises(SystemExit, match="1"):
            erase(f"backoffice.user:{jana.pk}", "--json")
    assert json.loads(capsys.readouterr().out)["waiting"] == 1
    erase(f"backoffice.user:{jana.pk}", "--json")
    assert json.loads(capsys.readouterr().out)["waiting"] == 0
    assert ("+420" in everything_of_audit(), verify()) == (False, [])


def test_versions_lose_what_is_personal_and_stay_immutable(jana: User) -> None:
    karl = User.objects.create(username="karl", first_name="Karl")
    erase(f"backoffice.user:{jana.pk}")
    versions = list(
        User.history.filter(id=jana.pk).values_list("username", "first_name", "last_name", "email", "phone")
    )
    assert versions == [("jana", "", "", "", "")] * 2
    assert User.history.get(id=karl.pk).first_name == "Karl"
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_trigger WHERE tgname = 'audit_history_immutable' AND tgenabled <> 'O'")
        assert cursor.fetchone() == (0,)
    with superuser("default") as owner, pytest.raises(Exception, match="what was recorded stays"):
        owner.execute("UPDATE backoffice_historicaluser SET first_name = 'Jana'")


def test_many_rows_that_one_row_stands_for_are_erased(committing: None) -> None:
    people = User.objects.bulk_create([User(username=f"p{n}", last_name="Nova") for n in range(25)])
    wait_until_due()
    assert Outbox.objects.count() == 1
    erase(*[f"backoffice.user:{one.pk}" for one in people])
    assert ("Nova" in everything_of_audit(), verify()) == (False, [])


def test_whatever_mentions_a_person_goes_with_it(jana: User) -> None:
    record("list.viewed", data={"query": "q=Jana+Nova"}, using="default")
    record(
        "object.viewed", object_type="backoffice.user", object_id="0", data={"query": "x=100%25_Nova"}, using="default"
    )
    team, log = Group.objects.latest("pk"), "audit.event"
    SavedView.objects.create(team=team, label=log, name="Theirs", query="q=jana%20nova&window=all")
    SavedView.objects.create(person=jana, label=log, name="By her", query="type=logout")
    SavedView.objects.create(team=team, label=log, name="Other", query="q=karl")
    with as_relay("audit"):
        Alert.objects.create(rule="r", key="k", text="Somebody looked at Jana Nova", event_id="0" * 32)
        DeadLetter.objects.create(subscriber="s", event_id="0" * 32, type="t", attempts=6, error="No such: Jana Nova")
    wait_until_due()
    erase(f"backoffice.user:{jana.pk}", "--mention", "Jana Nova")
    assert [view.name for view in SavedView.objects.all()] == ["Other"]
    assert (Alert.objects.get().text, DeadLetter.objects.get().error) == ("(erased)", "(erased)")
    left = {event.type: event.data.get("query") for event in Event.objects.filter(type__endswith="viewed")}
    assert left == {"list.viewed": None, "object.viewed": "x=100%25_Nova"}
    assert verify() == []


NESTED = ["Jana%2BNova", "Jana%2520Nova", "jana%2bnova", "Jana%20Nova"]


@pytest.mark.parametrize("spelt", NESTED)
def test_address_within_an_address_is_a_mention(spelt: str) -> None:
    record("list.viewed", data={"query": f"next={spelt}"}, using="default")
    wait_until_due()
    erase("backoffice.user:0", "--mention", "Jana Nova")
    assert (Event.objects.get(type="list.viewed").data, verify()) == ({}, [])


QUOTED = 'Jana "Jay" N\\va'


def test_text_that_json_spells_otherwise_is_a_mention() -> None:
    record("list.viewed", data={"query": f"q={QUOTED}"}, using="default")
    wait_until_due()
    erase("backoffice.user:0", "--mention", QUOTED)
    assert (Event.objects.get(type="list.viewed").data, verify()) == ({}, [])


def test_archive_is_erased_of_what_json_spells_otherwise(archived_mention: Path) -> None:
    erase("backoffice.user:0", "--mention", QUOTED)
    assert ("Jay" in lines_of(archived_mention), archived(archived_mention), verify()) == (False, [], [])


def test_reasons_of_other_objects_that_mention_a_person_are_blanked(committing: None) -> None:
    for reason in ("Cousin of Jana Nova", "A new branch"):
        with acting(actor=None, request_id="r", reason=reason):
            Entity.objects.create(code=f"e{len(reason)}", name="N")
    wait_until_due()
    erase("backoffice.user:0", "--mention", "jana nova")
    versions = Entity.history.filter(code__startswith="e").order_by("history_id")
    assert [version.history_change_reason for version in versions] == ["", "A new branch"]
    assert ("Jana" in everything_of_audit(), verify()) == (False, [])


def test_row_of_the_outbox_that_only_mentions_is_told(jana: User, capsys: pytest.CaptureFixture[str]) -> None:
    with superuser("default") as earlier:
        earlier.autocommit = False
        earlier.execute("SELECT pg_current_xact_id()")
        record("list.viewed", data={"query": "q=Jana+Nova"}, using="default")
        with pytest.raises(SystemExit, match="1"):
            erase("backoffice.user:0", "--mention", "Jana Nova", "--json")
    assert json.loads(capsys.readouterr().out)["waiting"] == 1


def test_model_that_there_is_not_is_refused(jana: User) -> None:
    with pytest.raises(CommandError, match=r"there is no model backoffice\.users") as refused:
        erase(f"backoffice.users:{jana.pk}")
    assert refused.value.returncode == 2


@pytest.mark.parametrize("text", ["Nov", "   ", ""])
def test_mention_that_would_be_found_everywhere_is_refused(jana: User, text: str) -> None:
    with pytest.raises(CommandError, match="4 characters at least"):
        erase(f"backoffice.user:{jana.pk}", "--mention", text)


def test_present_row_that_still_tells_is_named(jana: User, capsys: pytest.CaptureFixture[str]) -> None:
    erase(f"backoffice.user:{jana.pk}", "--json")
    assert json.loads(capsys.readouterr().out)["present"] == [f"backoffice.user:{jana.pk}"]
    User.objects.filter(pk=jana.pk).update(first_name="", last_name="", email="", phone="")
    wait_until_due()
    erase(f"backoffice.user:{jana.pk}", "--json")
    assert json.loads(capsys.readouterr().out)["present"] == []
    assert ("Nova" in everything_of_audit(), verify()) == (False, [])


def archived_now(settings: Any) -> Path:
    """Return the file of a month long past into which all goes that waits."""
    carry_as_old(settings)
    call_command("audit_retention")
    [path] = archives(settings)
    return path


@pytest.fixture
def archive(jana: User, settings: Any) -> Path:
    """Jana's two events and one of somebody else, in the file of a month long past."""
    User.objects.create(username="karl", first_name="Karl")
    return archived_now(settings)


@pytest.fixture
def archived_mention(committing: None, settings: Any) -> Path:
    """A file of a month long past with an event whose data holds what JSON and COPY both escape."""
    record("list.viewed", data={"query": f"q={QUOTED}"}, using="default")
    path = archived_now(settings)
    assert "Jay" in lines_of(path)
    return path


def lines_of(path: Path) -> str:
    return gzip.decompress(path.read_bytes()).decode()


def test_archives_are_erased_and_verify(archive: Path, jana: User) -> None:
    assert "Nova" in lines_of(archive)
    erase(f"backoffice.user:{jana.pk}")
    assert ("Nova" in lines_of(archive), "Karl" in lines_of(archive)) == (False, True)
    assert (archived(archive), verify()) == ([], [])
    content = archive.read_bytes()
    erase(f"backoffice.user:{jana.pk}")  # there is nothing more
    assert archive.read_bytes() == content
    assert list(archive.parent.iterdir()) == [archive]


def test_archive_is_erased_of_what_is_mentioned(archive: Path) -> None:
    erase("backoffice.user:0", "--mention", "jana@EXAMPLE.com", "--archive", str(archive))
    assert ("jana@example.com" in lines_of(archive), "+420 123" in lines_of(archive)) == (False, True)
    assert (archived(archive), verify()) == ([], [])


def test_erasure_of_an_archive_that_was_interrupted_is_finished_by_the_next(
    archive: Path, jana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def power_cut(*_: object) -> None:
        raise OSError("The disk is gone")

    monkeypatch.setattr(Path, "replace", power_cut)
    with pytest.raises(OSError, match="The disk is gone"):
        erase(f"backoffice.user:{jana.pk}")
    monkeypatch.undo()
    assert kinds_of(archived(archive)) == {"archive"}
    erase(f"backoffice.user:{jana.pk}")
    assert ("Nova" in lines_of(archive), archived(archive), verify()) == (False, [], [])


def test_file_that_no_sealed_event_names_is_refused(archive: Path, jana: User, tmp_path: Path) -> None:
    other = tmp_path / "copy.jsonl.gz"
    other.write_bytes(archive.read_bytes())
    with pytest.raises(CommandError, match="is not named by the sealed event of archiving"):
        erase(f"backoffice.user:{jana.pk}", "--archive", str(other))


def kinds_of(found: list[tuple[int | None, str | None, str]]) -> set[str]:
    return {kind for _, _, kind in found}


def test_notes_about_a_person_go_with_the_pinned_one_and_say_so(
    jana: User, open_account: OpenAccount, agent: User
) -> None:
    with acting(actor=agent.pk, request_id="r"):
        account, other = open_account("5", name="Jana Nova"), open_account("5", name="Karl Blau")
        Note.write(account=account, text="Her daughter calls for her", by=agent)
        Note.write(account=other, text="Cousin of Jana Nova", by=agent)
        Note.write(account=other, text="Calls on Fridays", by=agent)
        for pinned in ("Hard of hearing", ""):
            Account.objects.filter(pk=account.pk).update(note=pinned)
        Account.objects.filter(pk=other.pk).update(note="Prefers letters")
    wait_until_due()
    erase(f"backoffice.user:{account.user_id}", "--mention", "Jana Nova")
    assert list(Note.objects.order_by("pk").values_list("text", flat=True)) == [
        "(erased)",
        "(erased)",
        "Calls on Fridays",
    ]
    assert set(Note.history.values_list("text", flat=True)) == {"(erased)", "Calls on Fridays"}
    assert list(Account.objects.order_by("pk").values_list("note", flat=True)) == ["", "Prefers letters"]
    assert set(Account.history.values_list("note", flat=True)) == {"", "(erased)", "Prefers letters"}
    told = everything_of_audit()
    for gone in ("daughter", "Cousin", "hearing"):
        assert gone not in told
    assert ("Calls on Fridays" in told, "Prefers letters" in told, verify()) == (True, True, [])
    with superuser("default") as owner, pytest.raises(Exception, match="never changed"):
        owner.execute("UPDATE ledger_note SET text = 'x'")
