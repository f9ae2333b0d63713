"""What the data of each type of event holds, and the check that it holds that and nothing else.

A schema is a TypedDict; keys that may be missing are `NotRequired`. Beside its own, any event may name the database that
it comes from, if that is not the ledger's, which the relay writes. Values are JSON's own, so a decimal is a text.
"""

from functools import cache
from types import UnionType
from typing import Any, NotRequired, Required, TypedDict, get_args, get_origin, get_type_hints


class Nothing(TypedDict, total=False):
    """Says all in its columns."""

    database: str


class Page(Nothing, total=False):
    """A page: the name of its URL, and what was asked of it."""

    page: str
    query: str


class Refusal(Page, total=False):
    """A page that was not shown: why, where that was not a matter of permissions."""

    why: str


class Download(Page, total=False):
    """A file: how many rows of which format, and, where it is signed, its SHA-256."""

    rows: int
    format: str
    sha256: str


class FailedLogin(Nothing, total=False):
    """A login that was refused. A name that nobody has is not kept: it may well be a password in the wrong field."""

    unknown_name: bool


class Lockout(Nothing):
    """A lock-out: of which user name, or under which code if nobody has the name."""

    name: str


class Factor(Nothing):
    """A second factor: of which kind, and what its owner calls it."""

    factor: str
    name: NotRequired[str]


class RecoveryCode(Nothing):
    """A recovery code: how many are left."""

    left: int


class Session(Nothing):
    """A session: where it was begun, and with which browser."""

    address: str
    browser: str


class RefusedCommand(Nothing):
    """A command that the ledger refused, with the sentences it gave."""

    command: str
    refusals: list[str]


class Right(Nothing):
    """A right: of which kind (group, permission, entity), and what it is called."""

    kind: str
    right: str


class Rotation(TypedDict("Rotation", {"from": str})):
    """A key that seals was replaced: by which, whose public part is this, from which block on."""

    to: str
    public: str
    from_block: int
    database: NotRequired[str]


class Erasure(Nothing):
    """What is left of erased events: their ids, each with the hash of its leaf."""

    events: dict[str, str]


class Archive(Nothing):
    """All months that were moved to files so far, each with its file and what proves it."""

    months: list[Any]


class Forged(Nothing):
    """A row of the outbox that pretended to be of the sealing: the type that it bore, and its data."""

    type: str
    told: dict[str, Any]
    source: str


class Created(Nothing):
    """A captured row as it was inserted; `source` is where it came from, if no request of the site: see `audit.origin`."""

    new: dict[str, Any]
    source: NotRequired[str]


class Updated(Nothing, total=False):
    """What changed of a captured row, by column; or the row of a link table that came or went."""

    changes: dict[str, Any]
    new: dict[str, Any]
    old: dict[str, Any]
    source: str


class Deleted(Nothing):
    """A captured row as it was deleted."""

    old: dict[str, Any]
    source: NotRequired[str]


class Posted(Nothing):
    """An action: its reference, its type, and the amounts as text."""

    reference: str
    what: str
    delta: str
    held_delta: str
    balance: str
    currency: str
    version: int
    source: NotRequired[str]


class Recheck(Nothing):
    """A recheck of an account: how many findings there were."""

    findings: int


class Notice(Nothing, total=False):
    """An e-mail to a person: what kind of error kept it from being sent, never the address."""

    error: str


class Approval(Nothing):
    """A request for approval: of which kind, for how much, by whom (an id), what was asked, and which rule refused it."""

    kind: str
    amount: str
    currency: str
    maker: int
    asked: dict[str, Any]
    code: NotRequired[str]
    text: NotRequired[str]


class Grant(Nothing):
    """A request for rights: to give or to take, by whom, two of entity, group and person, or where an entity is to stand; by id."""

    give: bool
    maker: int
    entity: NotRequired[int]
    group: NotRequired[int]
    person: NotRequired[int]
    parent: NotRequired[int]


class ImportedFile(Nothing, total=False):
    """A file of postings: its name and SHA-256, and what became of its rows."""

    file: Required[str]
    sha256: Required[str]
    rows: int
    posted: int
    already_posted: int
    refused: int
    problem: str


class Verified(Nothing):
    """A run of `ledger_verify`: what it looked at, and how much does not agree."""

    accounts: int
    actions: int
    findings: int
    source: NotRequired[str]


class BulkRun(Nothing):
    """A command on several objects: its name, what it does to which of them, in words, and what became of how many so far."""

    command: str
    what: str
    selection: str
    rows: int
    posted: int
    asked: int
    refused: int
    problem: NotRequired[str]


Names = list[str]


class Search(Nothing):
    """A view of a list, all of it: its name, what it asks for, the model of the list, its columns, and the team that it is for."""

    name: str
    query: str
    list: NotRequired[str]
    columns: NotRequired[Names]
    team: NotRequired[str]


class AlertData(Nothing):
    """An alert: the rule that raised it, and its sentence."""

    rule: str
    text: str


class Delivery(Nothing):
    """A delivery to a subscriber: whose, and of which event."""

    subscriber: str
    event: str


class BadEventData(ValueError):
    """Data that is not what the event's type says."""


@cache
def fields_of(schema: Any) -> dict[str, tuple[Any, bool]]:
    """Return the type of each field, and whether it has to be there."""
    hints = get_type_hints(schema)
    return {name: (hint, name in schema.__required_keys__) for name, hint in hints.items()}


def check(name: str, schema: Any, data: dict[str, Any]) -> None:
    """Raise BadEventData unless `data` holds what the schema says and nothing else."""
    fields = fields_of(schema)
    if unknown := sorted(data.keys() - fields.keys()):
        raise BadEventData(f"An event {name} has no field {', '.join(unknown)}: see audit/schemas.py.")
    if missing := sorted(field for field, (_, required) in fields.items() if required and field not in data):
        raise BadEventData(f"An event {name} needs the field {', '.join(missing)}.")
    for field, value in data.items():
        if not _fits(value, fields[field][0]):
            raise BadEventData(
                f"The field {field} of an event {name} is a {type(value).__name__}, not what it should be."
            )


def _fits(value: Any, hint: Any) -> bool:
    if hint is Any:
        return True
    if isinstance(hint, UnionType):
        return any(_fits(value, part) for part in get_args(hint))
    kind = get_origin(hint) or hint
    if kind is int and isinstance(value, bool):
        return False
    if not isinstance(value, kind):
        return False
    if kind is list:
        return all(_fits(item, get_args(hint)[0]) for item in value)
    return True


def described(schema: Any) -> str:
    """Return the fields for docs/audit.md: optional ones with a question mark."""
    fields = fields_of(schema)
    told = [f"{name}{'' if required else '?'}" for name, (_, required) in fields.items() if name != "database"]
    return ", ".join(told) or "nothing"
