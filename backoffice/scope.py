"""Who is acting, on which entities, from where and why: local settings of one transaction, which triggers and policies read.

The facts of a request, a command or a job are its `Scope`, kept in a context variable; `announce` tells them to the
database of the running transaction. Local settings end with the transaction, so nothing leaks to the next one on the
connection; after that they read as '' and not as NULL, which is why SQL wraps them in
`nullif(current_setting(..., true), '')`.

Row-level security shows and takes rows of the entities that were announced, and none where nobody has announced any.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Required, TypedDict, TypeVar, Unpack

from django.db import connections, transaction

from backoffice.databases import EVENT_STORE, SANDBOX, worked_on, working_on

T = TypeVar("T")
TOLD = ("actor", "username", "request_id", "method", "path", "ip", "browser", "reason")
# Settings are written by name, so that one statement serves all scopes and is prepared once.
SETTINGS = [f"backoffice.{name}" for name in (*TOLD, "everything", "entities")]
SAY = ", ".join(f"set_config('{name}', %s, {{here}})" for name in SETTINGS[:-1])
ENTITIES = "ids, set_config('backoffice.entities', ids::text, {here})"
ANNOUNCE = f"SELECT {ENTITIES}, {SAY} FROM (SELECT {{ids}}) AS seen (ids)"  # noqa: S608  of the names above
SAID = "SELECT " + ", ".join(f"coalesce(current_setting('{name}', true), '')" for name in SETTINGS)
# The event store knows no entities, so it is told whether these are all that stand: `backoffice_sees_everything()` elsewhere.
IS_EVERYTHING = "SELECT NOT EXISTS (SELECT FROM backoffice_entity WHERE NOT is_void AND id <> ALL (%s::bigint[]))"
RESTORE = "SELECT " + ", ".join(f"set_config('{name}', %s, true)" for name in SETTINGS)


class Reach(Enum):
    """Which entities somebody sees, where the database is to say it: an expression that takes the id of who acts."""

    GRANTED = "backoffice_entities_of(%s)"  # what the grants of who acts cover
    EVERYTHING = "backoffice_every_entity(%s)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Who acts (`actor` is a user's id), in which request, from where and why. Empty: nobody has said.

    `entities` are those whose rows are seen and written; `announce` puts their ids in the place of how to find them.
    """

    actor: int | None = None
    username: str = ""
    request_id: str = ""
    method: str = ""
    path: str = ""
    ip: str = ""
    browser: str = ""
    reason: str = ""
    entities: Reach | tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for name in TOLD[1:]:
            if "\0" in (text := getattr(self, name)):  # which no text of PostgreSQL holds
                object.__setattr__(self, name, text.replace("\0", "\N{REPLACEMENT CHARACTER}"))


class Who(TypedDict, total=False):
    """The keywords of `acting`: who acts, in which request or command, why, and on which entities."""

    actor: Required[int | None]
    request_id: Required[str]
    reason: str
    username: str
    entities: Reach | Sequence[int] | None


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


def change(**facts: str | int | Reach | tuple[int, ...] | None) -> Scope:
    """Learn more about the scope that runs, such as who logged in or the reason given; announce it again afterwards."""
    scope = replace(current(), **facts)  # type: ignore[arg-type]  # each fact has its field's type
    _current.set(scope)
    return scope


def announce(using: str = "default") -> tuple[int, ...]:
    """Tell the database of the running transaction who acts, and return the entities that are seen from now on.

    One query; without a transaction it has no effect.
    """
    return _announce(using, here=True)


def _announce(using: str, *, here: bool) -> tuple[int, ...]:
    scope = current()
    if isinstance(scope.entities, Reach) and using == EVENT_STORE:  # which has neither grants nor entities
        scope = change(entities=tuple(_in_default(f"SELECT {scope.entities.value}", scope.actor)))
    ids: str = scope.entities.value if isinstance(scope.entities, Reach) else "%s"
    of = scope.actor if isinstance(scope.entities, Reach) else list(scope.entities)
    asked = using == EVENT_STORE and worked_on() != SANDBOX  # whose pages ask live nothing, and need to know less
    everything = "yes" if asked and _in_default(IS_EVERYTHING, of) else ""
    told = ["" if scope.actor is None else str(scope.actor), *(getattr(scope, name) for name in TOLD[1:]), everything]
    with connections[using].cursor() as cursor:
        cursor.execute(ANNOUNCE.format(here=here, ids=f"{ids}::bigint[]"), [*told, of])
        entities = tuple(cursor.fetchall()[0][0])
    change(entities=entities)
    return entities


@contextmanager
def acting(*, using: str = "default", **who: Unpack[Who]) -> Iterator[None]:
    """Run a block in one transaction of this actor: for commands, jobs and on_commit work.

    Within a request, what else is known of it stays known, its entities too unless others are given; elsewhere every entity
    is seen. Within another's transaction, what had been announced there holds again afterwards.
    """
    scope = _scope(**who)
    nested = connections[using].in_atomic_block
    with transaction.atomic(using=using), entered(scope):
        before = _said(using) if nested else None
        announce(using)
        yield
        if before:
            with connections[using].cursor() as cursor:
                cursor.execute(RESTORE, before)


@contextmanager
def acting_throughout(*, using: str = "default", **who: Unpack[Who]) -> Iterator[None]:
    """Run a block of many transactions of this actor, on a connection that nobody else uses meanwhile.

    For commands and workers that post one by one without a transaction around it. Entities that come later are not seen.

    Raises:
        RuntimeError: within a request or a transaction, whose scope would be another's afterwards.
    """
    if current().method or connections[using].in_atomic_block:
        raise RuntimeError("A scope for many transactions is entered outside of requests and transactions.")
    with entered(_scope(**who)):
        _announce(using, here=False)
        try:
            yield
        finally:
            with entered(NOBODY):
                _announce(using, here=False)


def carried(work: Callable[[], T], using: str = "default") -> Callable[[], T]:
    """Return `work` to be done later, by whoever acts now, in a transaction of its own: for on_commit and streams."""
    scope = current()

    def later() -> T:
        with transaction.atomic(using=using), entered(scope):
            announce(using)
            return work()

    return later


@contextmanager
def announcing_first(using: str) -> Iterator[None]:
    """Run a block in whose first statement on this database, if there is one, a transaction begins and the scope is announced.

    For a database that most requests do without, and some have to. The transaction ends with the block.
    """
    begun = False
    with ExitStack() as stack:

        def begin(execute: Callable[..., Any], *statement: Any) -> Any:
            nonlocal begun
            if not begun:
                begun = True
                stack.enter_context(transaction.atomic(using=using))
                announce(using)
            return execute(*statement)

        with connections[using].execute_wrapper(begin):
            yield


def _scope(**who: Unpack[Who]) -> Scope:
    """Return who is meant, with what the scope around knows of the same actor in the same request."""
    outer = current()
    same = (outer.actor, outer.request_id) == (who["actor"], who["request_id"])
    known = outer if same else replace(NOBODY, entities=Reach.EVERYTHING)
    entities = who.get("entities")
    if entities is None:
        entities = known.entities
    return replace(
        known,
        actor=who["actor"],
        request_id=who["request_id"],
        reason=who.get("reason") or known.reason,
        username=who.get("username") or known.username,
        entities=entities if isinstance(entities, Reach) else tuple(entities),
    )


def _in_default(question: str, about: Any) -> Any:
    """Return what the database answers in which entities and grants are."""
    with working_on("default"), connections["default"].cursor() as cursor:
        cursor.execute(question, [about])
        return cursor.fetchall()[0][0]


def _said(using: str) -> Any:
    with connections[using].cursor() as cursor:
        cursor.execute(SAID)
        return cursor.fetchone()
