"""The article's deposit as an arm: its tables, its operation, and the check of its books."""

import random
from decimal import Decimal

from django.contrib.auth import get_user_model
from django.db import connections
from django.utils import timezone
from psycopg import sql

from backoffice.databases import as_owner
from bench import server
from bench.arms import Clients
from bench.host import Operation
from bench.posting.article.models import Account, Action

NAME = "article, plain ORM"
NOTE = (
    "select_for_update, SUM of all balances for the cap, save, create in one atomic(); no history, events, currencies, limits "
    "as rows, keys or guards in the database, and two deposits at once can pass its cap"
)
COPY = """
    INSERT INTO article_account (uid, user_id, created, modified, balance)
    SELECT uid, user_id, created, modified, 0 FROM ledger_account ORDER BY id
"""
BOOKS = sql.SQL(
    "SELECT coalesce(sum(balance), 0), (SELECT coalesce(sum(delta), 0) FROM article_action) FROM article_account"
)


def article(database: str, clients: int) -> Clients:
    """Return the arm; its tables are made in the database unless they are there, with the ledger's accounts, all empty."""
    with server.working_in(database), as_owner("default"):
        if "article_account" not in connections["default"].introspection.table_names():
            with connections["default"].schema_editor() as editor:
                editor.create_model(Account)
                editor.create_model(Action)
            with connections["default"].cursor() as cursor:
                cursor.execute(COPY)
    with server.session(database, autocommit=True) as s:
        s.execute("VACUUM (ANALYZE) article_account")
    return Clients("bench.posting.article.arm:deposit", clients, database)


def deposit() -> Operation:
    """Deposit to a random account."""
    uids, staff = (
        list(Account.objects.values_list("uid", flat=True)[:20_000]),
        get_user_model().objects.get(username="staff"),
    )

    def operation() -> int:
        Account.deposit(uid=random.choice(uids), deposited_by=staff, amount=Decimal(1), asof=timezone.now())
        return 1

    return operation


def check(database: str) -> None:
    """Refuse the figures where its books do not agree."""
    balances, deltas = server.one(database, BOOKS)
    if balances != deltas:
        raise RuntimeError(f"The article's books do not agree: {balances} in accounts, {deltas} in actions.")
