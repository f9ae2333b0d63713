"""Pages of the console, rendered in process, in interleaved rounds: ours, stock, unfold; then ours in both sizes."""

import json
import os
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager

from django.conf import settings

from bench.arms import Clients, measure
from bench.posting import world
from bench.report import EACH, Row

WANTED = os.environ.get("BENCH_PAGES", "")  # a pattern of the names below
PER_ACCOUNT = 10  # actions
SMALL = 10_000
PEERS = {"stock": "stock ModelAdmin", "unfold": "django-unfold"}
QUESTIONS = {
    "list": "list of actions",
    "accounts": "list of accounts",
    "filtered": "filtered list of actions",
    "far": "page of actions far down",
    "search": "search for a customer",
    "account": "account page",
    "timeline": "timeline of an account",
}
OURS_ALONE = {"timeline"}  # theirs shows what was saved by forms, which is nothing
ENDLESS = {("far", world.LARGE)}  # theirs passes over all rows before the page, which takes minutes of so many
AIM, AIM_GROWTH, AIM_WEIGHT = "at most 0.6 of stock, or 25,000 µs", "at most 1.3", "at most 100 KB"
NOTE = "its account page shows the row and no actions, limits or holds; its lists count the table twice"
PEOPLE = {  # ten customers of each name
    "first_name": "'Jana'",
    "last_name": "'Novak' || lpad((n / 10)::text, 7, '0')",  # which begins no other name
    "email": "'loaded' || n || '@example.com'",
}


def rows() -> Iterator[Row]:
    """Measure each question in both sizes, then compare these."""
    with filled("console_few", SMALL) as few, filled("console_many", world.LARGE) as many:
        for question, told in ((name, told) for name, told in QUESTIONS.items() if re.search(WANTED, name)):
            for size, database in ((SMALL, few), (world.LARGE, many)):
                if question not in OURS_ALONE and (question, size) not in ENDLESS:
                    yield from _beside_peers(question, f"{told}, {size:,} actions", database)
            sizes = {"many": _client("ours", question, many), "few": _client("ours", question, few)}
            found = measure(sizes)
            yield Row.of(
                question=f"{told}, {world.LARGE:,} actions",
                subject="the page, rendered",
                reference=f"the same with {SMALL:,} actions",
                ours=found["many"],
                theirs=found["few"],
                aim=AIM_GROWTH,
                unit=EACH,
            )


def filled(name: str, actions: int) -> AbstractContextManager[str]:
    """Make a ledger with so many actions, whose customers have names, and where staff works on all of it."""
    return world.filled(
        name,
        max(1, actions // PER_ACCOUNT),
        PER_ACCOUNT,
        before=[world.GRANT.format(who="staff", which="= 'bench'")],
        people=PEOPLE,
    )


def _client(arm: str, question: str, database: str) -> Clients:
    facts = settings.BACKOFFICE_DATA / f"{arm}-{question}-{database}.json"
    chosen = {"ours": "bench.settings"}.get(arm, f"bench.console.{arm}_settings")
    arguments = {"arm": arm, "question": question, "facts": str(facts)}
    return Clients("bench.console.reader:page", 1, database, settings=chosen, arguments=arguments)


def _beside_peers(question: str, told: str, database: str) -> Iterator[Row]:
    """Compare time, queries and weight with those of the peers."""
    arms = {arm: _client(arm, question, database) for arm in ("ours", *PEERS)}
    found = measure(arms)
    costs = {arm: json.loads((settings.BACKOFFICE_DATA / f"{arm}-{question}-{database}.json").read_text()) for arm in arms}  # fmt: skip
    for arm, reference in PEERS.items():
        ours, theirs = costs["ours"], costs[arm]
        yield Row.of(
            question=told,
            subject="the page, rendered",
            reference=reference,
            ours=found["ours"],
            theirs=found[arm],
            aim=AIM if arm == "stock" else "",
            note=NOTE,
            unit=EACH,
        )
        for subject, unit, aim, each in (("its queries", "queries", "", 1), ("its HTML", "KB", AIM_WEIGHT, 1000)):
            name = {"queries": "queries", "KB": "bytes"}[unit]
            yield Row(
                question=f"{told}: {unit}",
                subject=subject,
                reference=reference,
                unit=unit,
                ours=round(ours[name] / each, 1),
                theirs=round(theirs[name] / each, 1),
                aim=aim,
            )
