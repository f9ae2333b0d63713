"""What the cap costs: sixteen clients with it, beside the same ledger whose function that takes from it does nothing.

Once on this machine's disk, once with a commit_delay that stands in for a slow one: a lock held through the commit would
show there.
"""

from collections.abc import Iterator

from bench import server
from bench.arms import Clients, measure
from bench.posting import world
from bench.report import EACH, Row

CLIENTS = 16
DELAY = 2000  # microseconds that the first of those who commit waits for the others
TAKE = "ledger_take_headroom(text,numeric)"
FREE = f"""
    DO $$ BEGIN
        IF to_regprocedure('{TAKE}') IS NULL THEN RAISE EXCEPTION 'There is no {TAKE} to do without.'; END IF;
    END $$;
    CREATE OR REPLACE FUNCTION ledger_take_headroom(wanted text, net numeric) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$ BEGIN END $$;
"""


def rows() -> Iterator[Row]:
    """Measure both disks."""
    with world.filled("capped") as capped, world.filled("uncapped") as uncapped:
        with server.session(uncapped) as s:
            s.execute(FREE.encode())
        yield _row(capped, uncapped, "")
        with server.with_setting("commit_siblings", "0"), server.with_setting("commit_delay", str(DELAY)):
            yield _row(capped, uncapped, f", commit_delay {DELAY / 1000:g} ms")


def _row(capped: str, uncapped: str, disk: str) -> Row:
    ours, free = (Clients("bench.posting.ours:deposit", CLIENTS, database) for database in (capped, uncapped))
    with world.checked(capped, [ours]), world.checked(uncapped, [free], cap=False):
        found = measure({"ours": ours, "free": free})
    question = f"cost of the cap, {CLIENTS} clients{disk}"
    return Row.of(
        question=question,
        subject="Account.deposit",
        reference="the same without the cap",
        ours=found["ours"],
        theirs=found["free"],
        aim="at most 1.3",
        unit=EACH,
    )
