"""Pages and a posting with row-level security on and off, in interleaved rounds on two copies of one database."""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import sql

from bench import server
from bench.arms import Clients, measure
from bench.posting import world
from bench.report import EACH, Row

ENTITIES, GRANTED = 200, 20
SMALL = max(1, world.MANY // 200)  # accounts for one of the small entity, which has two hundred
AIM, AIM_SEARCH = "at most 1.2", "at most 3 ms in the database"
ENTITY = "INSERT INTO backoffice_entity (code, name, is_void, created) SELECT {code}, 'Office', false, now()"
PREPARED = (
    ENTITY.format(code="'office' || n") + f" FROM generate_series(0, {ENTITIES - 1}) n",
    ENTITY.format(code="'small'"),
    """INSERT INTO backoffice_user (username, password, is_superuser, first_name, last_name, email, is_staff, is_active,
        date_joined, is_void, phone) VALUES ('clerk', '!', false, '', '', '', false, true, now(), false, '')""",
    world.GRANT.format(who="staff", which=f"IN (SELECT 'office' || n FROM generate_series(0, {GRANTED - 1}) n)"),  # noqa: S608  our own figures
    world.GRANT.format(who="clerk", which="= 'small'"),
)
OFFICES = "(SELECT array_agg(id ORDER BY id) FROM backoffice_entity WHERE code LIKE 'office%')"
SMALL_ONE = "(SELECT id FROM backoffice_entity WHERE code = 'small')"
PEOPLE = {  # of a thousand names
    "first_name": "'Jana'",
    "last_name": f"'Novak' || (n::bigint * 1000 / {world.MANY})",
    "email": "'loaded' || n || '@example.com'",
    "entity_id": f"CASE WHEN n % {SMALL} = 7 THEN {SMALL_ONE} ELSE {OFFICES}[n % {ENTITIES} + 1] END",
}
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
    with (
        world.filled("secured", world.MANY, before=PREPARED, people=PEOPLE) as secured,
        _unsecured(secured) as plain,
    ):
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
