"""What the clients do: pages as somebody with grants on some of the entities gets them, and a posting in that scope."""

import logging
import random
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db import connection
from django.http import HttpRequest
from django.test import Client
from django.utils import timezone

from backoffice.grants import entities_of
from backoffice.models import User
from backoffice.roles import LEAD
from backoffice.scope import acting, acting_throughout
from bench.host import Operation
from bench.posting.ours import ONE, SAMPLE, enter
from ledger.models import Account, Action

PAGE = 25  # rows


def accounts() -> Operation:
    """Show the first page of the list of accounts."""
    return _page(lambda: "ledger/account/", rows=PAGE)


def listed() -> Operation:
    """Show the newest actions of all accounts."""
    return _page(lambda: "ledger/action/", rows=PAGE)


def few() -> Operation:
    """Show those that somebody sees who works on one small entity."""
    return _page(lambda: "ledger/action/", rows=PAGE, name="clerk")


def lookup() -> Operation:
    """Look for an action by its reference, as somebody on the phone says it."""
    references = _sampled(Action, "reference")
    return _page(lambda: f"ledger/action/?q={random.choice(references)}", rows=1)


def actions() -> Operation:
    """Show the actions of an account."""
    keys = _sampled(Account, "pk")
    return _page(lambda: f"ledger/action/?account__id__exact={random.choice(keys)}", rows=2)


def search() -> Operation:
    """Search for a customer's whole name: of a million, a hundred of the person's customers have each."""
    return _searched(lambda: f"novak{random.randrange(100, 900)}")


def broad() -> Operation:
    """Search for how a name begins, which a thousand candidates do."""
    return _searched(lambda: f"novak{random.randrange(10, 90)}")


def _searched(name: Callable[[], str]) -> Operation:
    """Return the operation that asks the database what a search asks it, without a page around it."""
    staff, request = _staff(), HttpRequest()
    request.user = staff
    model_admin = admin.site.get_model_admin(Account)

    def operation() -> int:
        with acting(actor=staff.pk, request_id="bench", entities=_entities):
            rows, _ = model_admin.get_search_results(request, model_admin.get_queryset(request), name())
            return len(rows.order_by("-id")[:PAGE]) and 1

    _entities = entities_of(staff)
    return operation


def deposit() -> Operation:
    """Deposit to a random account of the person's entities."""
    staff, uids = _staff(), _sampled(Account, "uid")
    enter(acting_throughout(actor=staff.pk, request_id="bench", entities=entities_of(staff)))

    def operation() -> int:
        Account.deposit(uid=random.choice(uids), amount=ONE, by=staff, asof=timezone.now())
        return 1

    return operation


def _staff(name: str = "staff") -> User:
    staff = User.objects.get(username=name)
    if not staff.is_staff:
        User.objects.filter(pk=staff.pk).update(is_staff=True)
        staff.groups.add(Group.objects.get(name=LEAD))
    return User.objects.get(pk=staff.pk)


def _sampled(model: type[Account] | type[Action], field: str) -> list[Any]:
    """Return values of rows that the person sees, spread evenly."""
    staff = _staff()
    entities = entities_of(staff)
    with acting(actor=staff.pk, request_id="bench", entities=entities):
        found = model._base_manager.filter(entity__in=entities, pk__gt=100).order_by("?")
        return list(found.values_list(field, flat=True)[:SAMPLE])


def _page(path: Callable[[], str], *, rows: int, name: str = "staff") -> Operation:
    """Return the operation that gets a page and refuses it where it does not show so many rows."""
    client = Client(HTTP_HOST="localhost")
    client.force_login(_staff(name))
    logging.getLogger("backoffice.request").setLevel(logging.WARNING)

    def operation() -> int:
        response = client.get(f"/{settings.CONSOLE_PATH}{path()}")
        shown = response.content.count(b'<th class="field-')  # the first cell of a row
        if response.status_code != 200 or shown != rows:  # noqa: PLR2004  HTTP's OK
            raise RuntimeError(f"{path()}: status {response.status_code}, {shown} rows where {rows} were expected.")
        return 1

    connection.close()
    return operation
