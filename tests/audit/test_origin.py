"""Where a write came from: whatever is written past the application says so, for postings as for captured rows."""

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import DatabaseError, connection, transaction

from audit.kept import types
from audit.models import Event, Outbox
from audit.origin import is_outside, told
from audit.registry import BY_THE_DATABASE, TYPES
from backoffice import embedded
from backoffice.databases import program
from backoffice.models import Entity
from backoffice.scope import Scope, announce, entered
from ledger.models import Account
from tests.audit.sealed import relay_batch, superuser, wait_until_due

APP = settings.DATABASES["default"]["USER"]
LIE = "SELECT set_config('backoffice.request_id', 'r1', false), set_config('backoffice.method', 'POST', false)"
RENAME = "UPDATE backoffice_entity SET name = name || '!'"
POST = """
    INSERT INTO ledger_action (account_id, entity_id, currency, type, delta, balance, held_delta, held, turnover, status,
        version, created, latest, reference_type, external_reference, comment, by_id)
    SELECT account_id, entity_id, currency, 'deposited', 1, balance + 1, 0, held, turnover + 1, status, version + 1,
        statement_timestamp(), statement_timestamp(), '', '', 'Past the site', by_id
    FROM ledger_action ORDER BY version DESC LIMIT 1
"""


def source_of(session: psycopg.Connection, statement: str) -> str:
    """What the outbox says of the last thing that a session wrote, who sees everything."""
    session.execute(
        "SELECT set_config('backoffice.entities', (SELECT array_agg(id) FROM backoffice_entity)::text, false)"
    )
    session.execute(statement)
    [(source,)] = session.execute("SELECT data ->> 'source' FROM audit_outbox ORDER BY id DESC LIMIT 1").fetchall()
    return str(source)


def connected(role: str, name: str = "psql") -> psycopg.Connection:
    url = embedded.superuser_url(settings.BACKOFFICE_DATA, settings.DATABASES["default"]["NAME"])
    return psycopg.connect(url, user=role, application_name=name, autocommit=True)


@pytest.mark.usefixtures("committing")
@pytest.mark.parametrize("statement", [RENAME, POST])
@pytest.mark.parametrize(
    ("role", "before", "acts"),
    [
        ("postgres", (), "postgres"),
        ("postgres", ("SET ROLE {app}",), "postgres"),
        ("postgres", ("SET SESSION AUTHORIZATION {app}",), APP),
        (settings.OWNER_DATABASES["default"]["USER"], (), settings.OWNER_DATABASES["default"]["USER"]),
        (APP, (), APP),
    ],
)
def test_no_session_past_the_site_switches_its_mark_off(
    account: Account, role: str, before: tuple[str, ...], acts: str, statement: str
) -> None:
    with connected(role) as session:
        for step in (*before, LIE):
            session.execute(step.format(app=APP))
        assert source_of(session, statement) == f"{acts} psql"


@pytest.mark.usefixtures("committing")
def test_superuser_who_takes_the_name_of_a_program_of_ours_is_marked(account: Account) -> None:
    for step in ("SELECT 1", f"SET ROLE {APP}"):
        with connected("postgres", program()) as session:
            session.execute(step)
            session.execute(LIE)
            assert source_of(session, POST) == f"postgres {program()}"


@pytest.mark.django_db
@pytest.mark.parametrize(("method", "source"), [("POST", None), ("", program())])
def test_requests_have_no_source_and_commands_their_own(nord: Entity, method: str, source: str | None) -> None:
    with transaction.atomic(), entered(Scope(request_id="r1", method=method, entities=(nord.pk,))):
        announce()
        Entity.objects.update(name="Nord")
    assert Outbox.objects.latest("id").data.get("source") == source
    assert Entity.history.latest().history_source == (source or "")
    assert not is_outside(source or "")


@pytest.mark.django_db
def test_who_announces_nothing_is_outside_even_as_the_site(nord: Entity) -> None:
    Entity.objects.update(name="Nord")
    assert is_outside(Outbox.objects.latest("id").data["source"])


@pytest.mark.usefixtures("committing")
def test_posting_past_the_site_is_told_as_such_in_the_store(account: Account) -> None:
    with connected("postgres") as session:
        session.execute(POST)
    wait_until_due()
    while relay_batch("default"):
        pass
    event = Event.objects.filter(type="ledger.posted", data__source="postgres psql").get()
    assert event.data.keys() == {"reference", "what", "delta", "held_delta", "balance", "currency", "version", "source"}


@pytest.mark.parametrize(
    ("source", "username", "said"),
    [
        ("", "agent", "agent"), ("", "", ""), ("backoffice/demo_data", "", "The command demo_data"),
        ("backoffice/demo_data", "admin", "admin"), ("postgres psql", "", "Outside of the site, postgres psql"),
        ("postgres psql", "agent", "Outside of the site, postgres psql in the name of agent"),
    ],
)  # fmt: skip
def test_origin_is_told_in_words(source: str, username: str, said: str) -> None:
    assert told(source, username) == said


@pytest.mark.usefixtures("committing")
def test_where_passwords_are_asked_for_the_login_counts_and_not_the_session(account: Account) -> None:
    hba, line = "SELECT current_setting('hba_file')", "local all asked scram-sha-256"
    with superuser("default") as session:
        [(path,)] = session.execute(hba).fetchall()
        session.execute("DROP ROLE IF EXISTS asked")
        session.execute("CREATE ROLE asked LOGIN SUPERUSER PASSWORD 'secret'")
    was = Path(path).read_text(encoding="utf-8")
    try:
        rewrite(path, f"{line}\n{was}")
        url = embedded.superuser_url(settings.BACKOFFICE_DATA, settings.DATABASES["default"]["NAME"])
        with psycopg.connect(
            url, user="asked", password="secret", application_name=program(), autocommit=True
        ) as session:
            session.execute(f"SET SESSION AUTHORIZATION {APP}")
            session.execute(LIE)
            assert source_of(session, RENAME) == f"{APP} {program()}"
    finally:
        rewrite(path, was)
        with superuser("default") as session:
            session.execute("DROP ROLE asked")


def rewrite(path: str, text: str) -> None:
    """Change who is asked for a password on the test's server."""
    Path(path).write_text(text, encoding="utf-8")
    with superuser("default") as session:
        session.execute("SELECT pg_reload_conf()")
        session.execute("SELECT pg_sleep(0.3)")


def tried(**event: Any) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT audit_record(%s::jsonb)", [json.dumps(event)])


GOOD = {
    "type": "search.saved",
    "data": {"name": "n", "query": "q"},
    "object_type": "",
    "object_id": "",
    "success": True,
}
TEXTS = dict.fromkeys(("username", "request_id", "method", "path", "browser", "reason"), "")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"type": "change.updated"}, "by the database alone"),
        ({"type": "ledger.posted"}, "by the database alone"),
        ({"type": "audit.erased"}, "by the database alone"),
        ({"type": "made.up"}, "No event type made.up"),
        ({"type": None}, "No event type"),
        ({"data": {"name": "n"}}, "not what its type says"),
        ({"data": {"name": "n", "query": 1}}, "not what its type says"),
        ({"data": {"name": "n", "query": "q", "written_out_by": "ledger_events"}}, "not what its type says"),
        ({"data": {"name": "n", "query": "q", "source": "elsewhere"}}, "not what its type says"),
        ({"data": []}, "not what its type says"),
        ({"data": None}, "not what its type says"),
    ],
)
def test_database_takes_events_of_registered_types_with_their_data_alone(wrong: dict[str, Any], why: str) -> None:
    tried(**GOOD, **TEXTS)
    with pytest.raises(DatabaseError, match=why):
        tried(**GOOD | TEXTS | wrong)


@pytest.mark.usefixtures("committing")
@pytest.mark.parametrize("alias", ["default", "sandbox"])
def test_types_of_the_database_are_those_of_the_registry(alias: str) -> None:
    with superuser(alias) as session:
        kept = session.execute("SELECT name, required, fields FROM audit_event_type").fetchall()
    assert sorted(kept) == sorted((kind["name"], kind["required"], kind["fields"]) for kind in types())
    assert {name for name, _, _ in kept} == {name for name in TYPES if not name.startswith(BY_THE_DATABASE)}
    assert len(kept) > 20
