"""Every type of event there is, and how it reads. docs/audit.md lists them; a test compares.

A sentence is completed with what the event holds: `{who}`, `{object}` (in words, as a link) and `{more}`, which
`audit.sentences` makes from the event's data.
"""

from dataclasses import dataclass


class UnknownEventType(LookupError):
    """An event of a type that is not registered here."""


@dataclass(frozen=True, slots=True)
class EventType:
    """A type of event: its name, its sentence, and when it is written."""

    name: str
    sentence: str
    written: str


_TYPES = (
    EventType("page.viewed", "{who} looked at {more}", "a page of the console that is about no object was shown"),
    EventType("list.viewed", "{who} looked through {object}{more}", "a list was shown; with what was searched for"),
    EventType("object.viewed", "{who} looked at {object}{more}", "a page about one object was shown"),
    EventType("export.downloaded", "{who} downloaded {object}{more}", "a file was handed out"),
    EventType("log.viewed", "{who} read the event log{more}", "the event log itself was read, or one of its events"),
    EventType("login.succeeded", "{who} logged in", "somebody logged in"),
    EventType("login.failed", "Somebody failed to log in as {who}", "a login was refused; never with the password"),
    EventType("logout", "{who} logged out", "somebody logged out"),
    EventType(
        "access.refused", "{who} was refused {more}", "a page was answered with 403, whatever became of the request"
    ),
    EventType("approval.requested", "{who} asked for {object}{more}", "approval of something was asked for"),
    EventType(
        "approval.approved", "{who} approved {object}{more}", "somebody else approved it, and it was carried out"
    ),
    EventType(
        "approval.failed", "{who} approved {object}, which failed{more}", "it was approved, and a rule refused it"
    ),
    EventType("approval.rejected", "{who} rejected {object}{more}", "somebody else turned it down"),
    EventType("approval.cancelled", "{who} took back {object}{more}", "who had asked took it back"),
    EventType(
        "approval.expired", "Nobody decided on {object} in time{more}", "it expired, which the next one to look found"
    ),
    EventType("change.created", "{who} created {object}{more}", "a captured row was inserted, by whatever statement"),
    EventType("change.updated", "{who} changed {object}{more}", "a captured row, or what it links to, was changed"),
    EventType("change.deleted", "{who} deleted {object}{more}", "a captured row was really deleted"),
    EventType("ledger.posted", "{who} posted on {object}{more}", "an action was posted"),
)
BY_THE_DATABASE = ("change.", "ledger.")  # no code can write these

TYPES: dict[str, EventType] = {kind.name: kind for kind in _TYPES}


def event_type(name: str) -> EventType:
    """Return a registered type.

    Raises:
        UnknownEventType: nobody has registered it.
    """
    try:
        return TYPES[name]
    except KeyError:
        raise UnknownEventType(f"No event type {name} is registered in audit/registry.py.") from None
