"""What the clients do: get a page of a console, each time of another object, and say what one costs."""

import json
import logging
import random
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import Group
from django.contrib.sessions.backends.db import SessionStore
from django.db import connections
from django.test import Client

from backoffice.grants import entities_of
from backoffice.middleware import QueryMeter
from backoffice.models import User
from backoffice.roles import LEAD
from backoffice.scope import acting, acting_throughout
from bench.host import Operation
from bench.posting.ours import SAMPLE, enter
from ledger.models import Account, Action

OK = 200
Path_ = Callable[[], str]


def page(*, arm: str, question: str, facts: str) -> Operation:
    """Return the operation that gets a page; what one needs in queries and bytes is written into the file `facts`."""
    staff, client = _staff(), Client(HTTP_HOST="localhost")
    logging.getLogger("backoffice.request").setLevel(logging.WARNING)
    client.cookies["sessionid"] = session_of(staff)
    path = PATHS[question](arm)
    if arm != "ours":  # whose middleware says nothing to the database
        connections["default"].close()
        enter(acting_throughout(actor=staff.pk, request_id="bench", entities=entities_of(staff)))

    def operation() -> int:
        address = f"/console/{path()}"
        response = client.get(address)
        if response.status_code != OK:
            raise RuntimeError(f"{arm}: {address} is answered with {response.status_code}.")
        operation.weight = len(response.content)  # type: ignore[attr-defined]  # of the last one
        return 1

    operation()
    meter = QueryMeter()
    with ExitStack() as stack:
        for connection in connections.all():
            stack.enter_context(connection.execute_wrapper(meter))
        operation()
    Path(facts).write_text(json.dumps({"queries": meter.count, "bytes": operation.weight}))  # type: ignore[attr-defined]  # as above
    return operation


def _far(arm: str) -> Path_:
    """Turn to a page that lies anywhere: by its key, or by its number."""
    with acting(actor=None, request_id="bench"):
        newest, rows = Action.objects.latest("pk").pk, Action.objects.count()
    pages = max(rows // 25, 2)
    if arm == "ours":
        return lambda: f"ledger/action/?after={random.randrange(newest - rows + 26, newest)}"
    return lambda: f"ledger/action/?p={random.randrange(2, pages)}"


def _account(arm: str) -> Path_:
    keys = _sampled()
    return lambda: f"ledger/account/{random.choice(keys)}/change/"


def _timeline(arm: str) -> Path_:
    keys = _sampled()
    return lambda: f"ledger/account/{random.choice(keys)}/history/"


def _search(arm: str) -> Path_:
    with acting(actor=None, request_id="bench"):
        names = list(
            User.objects.filter(last_name__startswith="Novak").order_by().values_list("last_name", flat=True)[:SAMPLE]
        )
    return lambda: f"ledger/account/?q={random.choice(names)}"


PATHS: dict[str, Callable[[str], Path_]] = {
    "list": lambda _: lambda: "ledger/action/",
    "accounts": lambda _: lambda: "ledger/account/",
    "filtered": lambda _: lambda: "ledger/action/?type__exact=deposited",
    "far": _far,
    "search": _search,
    "account": _account,
    "timeline": _timeline,
}


def _sampled() -> list[int]:
    with acting(actor=None, request_id="bench"):
        return list(Account.objects.filter(version__gt=2).order_by("?").values_list("pk", flat=True)[:SAMPLE])


def _staff() -> User:
    """Return somebody who works on everything as a lead."""
    staff = User.objects.get(username="staff")
    if not staff.is_staff:
        User.objects.filter(pk=staff.pk).update(is_staff=True)
        staff.groups.add(Group.objects.get(name=LEAD))
    return User.objects.get(pk=staff.pk)


def session_of(user: User, backend: str = "") -> str:
    """Log somebody in without a form, by the site's backend or another, and return the key of the session."""
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = backend or settings.AUTHENTICATION_BACKENDS[1]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return str(session.session_key)
