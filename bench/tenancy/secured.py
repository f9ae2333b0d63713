"""Pages and a posting with row-level security on and off, in interleaved rounds on two copies of one database."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import sql

from bench import server
from bench.arms import Clients, measure
from bench.posting import world
from bench.report import EACH, Row

ENTITIES, GRANTED = 200, 20
SMALL = 5_000  # accounts for one of the small entity
AIM, AIM_SEARCH = "at most 1.2", "at most 3 ms in the database"
# By the superuser with triggers off, as the rows were loaded; names for the search to find, each a thousand times.
SPREAD = (
    "SET session_replication_role = replica",
    f"""INSERT INTO backoffice_entity (code, name, is_void, created)
        SELECT 'office' || n, 'Office ' || n, false, now() FROM generate_series(1, {ENTITIES}) n""",  # noqa: S608  our own figures
    """CREATE TEMP TABLE office AS
        SELECT row_number() OVER (ORDER BY id) - 1 AS n, id FROM backoffice_entity WHERE code LIKE 'office%'""",
    f"UPDATE ledger_account a SET entity_id = o.id FROM office o WHERE o.n = a.id % {ENTITIES}",  # noqa: S608  as above
    f"UPDATE ledger_action a SET entity_id = o.id FROM office o WHERE o.n = a.account_id % {ENTITIES}",  # noqa: S608  as above
    """UPDATE backoffice_user u SET entity_id = a.entity_id, last_name = 'Novak' || (u.id / 1000), first_name = 'Jana',
        email = username || '@example.com' FROM ledger_account a WHERE a.user_id = u.id AND username LIKE 'loaded%'""",
    f"""INSERT INTO backoffice_persongrant (user_id, entity_id, permission_id)
        SELECT u.id, o.id, p.id FROM backoffice_user u, office o, auth_permission p
        WHERE u.username = 'staff' AND p.codename = 'work_on_entity' AND o.n < {GRANTED}""",  # noqa: S608  as above
    "INSERT INTO backoffice_entity (code, name, is_void, created) VALUES ('small', 'Small', false, now())",
    *(
        f"""UPDATE {table} r SET entity_id = e.id FROM backoffice_entity e
        WHERE e.code = 'small' AND r.{account} IN (SELECT id FROM ledger_account WHERE id % {SMALL} = 7)"""  # noqa: S608  as above
        for table, account in (("ledger_action", "account_id"), ("ledger_account", "id"))
    ),
    """UPDATE backoffice_user u SET entity_id = a.entity_id FROM ledger_account a, backoffice_entity e
        WHERE a.user_id = u.id AND e.id = a.entity_id AND e.code = 'small'""",
    """INSERT INTO backoffice_user (username, password, is_superuser, first_name, last_name, email, is_staff, is_active,
        date_joined, is_void, phone) VALUES ('clerk', '!', false, '', '', '', false, true, now(), false, '')""",
    """INSERT INTO backoffice_persongrant (user_id, entity_id, permission_id)
        SELECT u.id, e.id, p.id FROM backoffice_user u, backoffice_entity e, auth_permission p
        WHERE u.username = 'clerk' AND p.codename = 'work_on_entity' AND e.code = 'small'""",
)
SECURED = "SELECT relname FROM pg_class WHERE relrowsecurity AND relnamespace = 'public'::regnamespace"
QUESTIONS = {  # operation: what it does
    "accounts": "list of accounts",
    "listed": "list of actions",
    "few": "list of actions, for one small entity",
    "lookup": "lookup by reference",
    "actions": "page of actions",
    "deposit": "one posting, 1 client",
    "search": "search by name, 100 found",
    "broad": "search by how a name begins, 1,000 found",
}


def rows() -> Iterator[Row]:
    """Measure each question on both databases."""
    with world.filled("secured", world.MANY) as secured:
        _spread(secured)
        with _unsecured(secured) as plain:
            for operation, question in QUESTIONS.items():
                names = {"on": secured, "off": plain}
                arms = {name: Clients(f"bench.tenancy.reader:{operation}", 1, names[name]) for name in names}
                found = measure(arms)
                yield Row.of(
                    question=f"{question}, {world.MANY:,} accounts, {ENTITIES} entities",
                    subject="row-level security on",
                    reference="the same with row-level security off",
                    ours=found["on"],
                    theirs=found["off"],
                    aim=AIM_SEARCH if operation in {"search", "broad"} else AIM,
                    unit=EACH,
                )


def _spread(database: str) -> None:
    """Put the accounts on many entities, and somebody on some of these."""
    started = time.perf_counter()
    with server.session(database) as session:
        for statement in SPREAD:
            session.execute(statement)
    with server.session(database, autocommit=True) as session:
        session.execute("VACUUM (FULL, ANALYZE) ledger_account, ledger_action, backoffice_user")
        session.execute("CHECKPOINT")
    sys.stderr.write(f"spread over {ENTITIES} entities in {time.perf_counter() - started:.0f} s\n")


@contextmanager
def _unsecured(database: str) -> Iterator[str]:
    """Make a copy without row-level security."""
    server.create("plain", template=database)
    try:
        with server.session("plain") as session:
            for (table,) in session.execute(SECURED).fetchall():
                session.execute(sql.SQL("ALTER TABLE {} DISABLE ROW LEVEL SECURITY").format(sql.Identifier(table)))
        yield "plain"
    finally:
        server.drop("plain")
