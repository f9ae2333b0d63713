"""One transfer, and one deposit, beside the two ledgers for Django on PyPI, 1 and 16 clients, 10,000 accounts each."""

from collections.abc import Iterator

from psycopg import sql

from bench import server
from bench.arms import Clients, measure
from bench.posting import ours, world
from bench.posting.peers import environment
from bench.report import Row

HORDAK_NOTE = (
    "transfer_to writes a transaction and two legs, whose sum and currency its triggers check; no balance is kept (each "
    "reading sums the legs) or checked, nothing is locked; no limits, cap, statuses, keys, history of who and no events"
)
OSCAR_NOTE = (
    "facade.transfer checks status and balance on the objects that the caller holds, without a lock, so that an account can be "
    "overdrawn by two at once; each balance is summed from all transactions of the account again; no limits, cap, keys, "
    "history, events or guards in the database"
)
HORDAK_BOOKS = sql.SQL("SELECT sum(debit), sum(credit), count(DISTINCT transaction_id) FROM hordak_leg")
OSCAR_BOOKS = sql.SQL(
    "SELECT (SELECT sum(amount) FROM oscar_accounts_transaction), (SELECT count(*) FROM oscar_accounts_transfer)"
)
OSCAR_WRONG = sql.SQL("""
    SELECT count(*) FROM oscar_accounts_account a
    JOIN (SELECT account_id, sum(amount) FROM oscar_accounts_transaction GROUP BY 1) t ON t.account_id = a.id
    WHERE a.balance <> t.sum
""")


def rows() -> Iterator[Row]:
    """Measure with one client, then with 16."""
    with world.filled("transfers") as database, environment.filled(world.ACCOUNTS):
        for clients in (1, 16):
            yield from _rows(database, clients)


def _rows(database: str, clients: int) -> Iterator[Row]:
    transfer, deposit = (Clients(f"bench.posting.ours:{what}", clients, database) for what in ("transfer", "deposit"))
    hordak, bank = (environment.clients(f"hordak_arm:{what}", clients) for what in ("transfer", "deposit"))
    oscar = environment.clients("oscar_arm:transfer", clients)
    before = _transactions(), _transfers()
    with world.checked(database, [transfer, deposit], [2, 1]):
        found = measure({"transfer": transfer, "deposit": deposit, "hordak": hordak, "bank": bank, "oscar": oscar})
    _same("django-hordak", _transactions() - before[0], hordak.done + bank.done)
    _same("django-oscar-accounts", _transfers() - before[1], oscar.done)
    said = f"{OSCAR_NOTE}; with {clients} clients here {oscar.refused} of {oscar.refused + oscar.done} failed"
    said = (
        f"{said}, and {_wrong()} accounts show a balance that is not the sum of their transactions"
        if _wrong()
        else said
    )
    number = f"{clients} client{'s' if clients > 1 else ''}"
    peer, oscars = "django-hordak transfer_to", "django-oscar-accounts facade.transfer"
    for question, subject, reference, pair, note in (
        ("transfer", ours.TRANSFER, peer, ("transfer", "hordak"), HORDAK_NOTE),
        ("deposit", "Account.deposit", f"{peer} from the bank", ("deposit", "bank"), HORDAK_NOTE),
        ("transfer", ours.TRANSFER, oscars, ("transfer", "oscar"), said),
    ):
        mine, theirs = (found[name] for name in pair)
        yield Row.of(
            question=f"one {question}, {number}",
            subject=subject,
            reference=reference,
            ours=mine,
            theirs=theirs,
            aim="at least 2",
            note=note,
            unit=f"{question}s/s",
        )


def _transactions() -> int:
    debited, credited, count = server.one(environment.DATABASE, HORDAK_BOOKS)
    _same("django-hordak's debits and credits", debited, credited)
    return int(str(count))


def _transfers() -> int:
    total, count = server.one(environment.DATABASE, OSCAR_BOOKS)
    _same("django-oscar-accounts' sum", total, 0)
    return int(str(count))


def _wrong() -> int:
    return int(str(server.one(environment.DATABASE, OSCAR_WRONG)[0]))


def _same(what: str, found: object, expected: object) -> None:
    if found != expected:
        raise RuntimeError(f"{what}: {found} in the database, {expected} expected.")
