"""Who is acting, from where and why: one transaction, with the facts as local settings that triggers and policies read.

The facts of a request, a command or a job are its `Scope`, kept in a context variable; `announce` tells them to the
database of the running transaction. Local settings end with the transaction, so nothing leaks to the next one on the
connection; after that they read as '' and not as NULL, which is why SQL wraps them in
`nullif(current_setting(..., true), '')`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, replace

from django.db import connections, transaction

# The settings are written by name, so that one statement serves all scopes and is prepared once.
ANNOUNCE = "SELECT " + ", ".join(
    f"set_config('backoffice.{name}', %s, true)"
    for name in ("actor", "username", "request_id", "method", "path", "ip", "browser", "reason")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Who acts (`actor` is a user's id), in which request, from where and why. Empty: nobody has said."""

    actor: int | None = None
    username: str = ""
    request_id: str = ""
    method: str = ""
    path: str = ""
    ip: str = ""
    browser: str = ""
    reason: str = ""

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if isinstance(value, str) and "\0" in value:  # which no text of PostgreSQL holds
                object.__setattr__(self, name, value.replace("\0", "\N{REPLACEMENT CHARACTER}"))


NOBODY = Scope()
_current: ContextVar[Scope] = ContextVar("_current", default=NOBODY)


def current() -> Scope:
    """Return the scope that this code runs in; an empty one where nobody has entered any."""
    return _current.get()


@contextmanager
def entered(scope: Scope) -> Iterator[Scope]:
    """Run a block in this scope, without a word to a database: see `announce` and `acting`."""
    token = _current.set(scope)
    try:
        yield scope
    finally:
        _current.reset(token)


def change(**facts: str | int | None) -> Scope:
    """Learn more about the scope that runs, such as who logged in or the reason given; announce it again afterwards."""
    scope = replace(current(), **facts)  # type: ignore[arg-type]  # each fact has its field's type
    _current.set(scope)
    return scope


def announce(using: str = "default") -> None:
    """Tell the database of the running transaction who acts. One query; without a transaction it has no effect."""
    scope = current()
    actor = "" if scope.actor is None else str(scope.actor)
    facts = [actor, scope.username, scope.request_id, scope.method, scope.path, scope.ip, scope.browser, scope.reason]
    with connections[using].cursor() as cursor:
        cursor.execute(ANNOUNCE, facts)


@contextmanager
def acting(
    *, actor: int | None, request_id: str, reason: str = "", username: str = "", using: str = "default"
) -> Iterator[None]:
    """Run a block in one transaction of this actor: for commands, jobs and on_commit work.

    Within a request, what else is known of it stays known.
    """
    outer = current()
    same = outer.actor == actor and outer.request_id == request_id
    scope = replace(
        outer if same else NOBODY,
        actor=actor,
        request_id=request_id,
        reason=reason or (outer.reason if same else ""),
        username=username or (outer.username if same else ""),
    )
    with transaction.atomic(using=using), entered(scope):
        announce(using)
        yield
