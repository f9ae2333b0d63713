"""Events as sentences for people, what a whole page speaks of looked up together (`audit.names`).

Values are told as people know them: choices by their label, relations by what they point at, personal ones masked for
readers without the right.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl

from django.contrib.admin import AdminSite
from django.db import models
from django.db.backends.postgresql.psycopg_any import Range
from django.http import HttpRequest
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from audit import origin
from audit.models import Event
from audit.names import Key, Names, Subject, called, field_of, key_of, look_up, people_of, seen_in_full
from audit.personal import MASK, masked, model_of
from audit.registry import TYPES, EventType
from backoffice.browsers import short
from backoffice.said import told, written

SHOWN = 60  # characters of a value in a sentence
NAMELESS = "somebody unknown"
PAGES = {  # of an object, that are no form of a command
    "change": "looked at",
    "history": "looked at the history of",
    "statement": "looked at the statement of",
    "as_of": "looked at the balance as of a moment of",
    "refused": "looked at the refused rows of",
}
PLACES = {  # pages about no object
    "index": "the start page",
    "waiting": "what waits for them",
    "mfa_index": "their own login",
    "usersessions_list": "their own sessions",
}
LOOKS = "looks"  # a parameter of histories that says how they are shown, and not what was looked for
LINKED = ("group_id", "permission_id")  # columns of link tables that tell what somebody was given


def is_live(event: Event) -> bool:
    """Whether an event is of the ledger's own database: ids of the sandbox are those of the ledger, its objects are not."""
    return "database" not in event.data


def spoken_of(events: Iterable[Event]) -> Iterator[Key]:
    """Yield the objects that events speak of: what they are about, and what their values point at."""
    for event in filter(is_live, events):
        if event.object_type and event.object_id:
            yield event.object_type, event.object_id
        model = model_of(event.object_type)
        for column, change in event.data.get("changes", {}).items():
            for value in change.values() if isinstance(change, dict) else ():
                if key := key_of(field_of(model, column), value):
                    yield key
        if link := _link_of(event):
            yield link[0]


def _link_of(event: Event) -> tuple[Key, bool] | None:
    """Return what a row of a link table gave or took, and whether it gave."""
    if event.type == "change.updated" and (row := event.data.get("new") or event.data.get("old")):
        for column in LINKED:
            if column in row:
                return (f"auth.{column.removesuffix('_id')}", str(row[column])), "new" in event.data
    return None


def name_of(event: Event) -> str:
    """Return what the object of an event is called where nothing better is known: `account 12`, `accounts`."""
    model = model_of(event.object_type)
    if model is None:
        return f"{event.object_type} {event.object_id}".strip() or "nothing in particular"
    opts = model._meta
    sandbox = " of the sandbox" if event.data.get("database") == "sandbox" else ""
    return (f"{opts.verbose_name} {event.object_id}" if event.object_id else str(opts.verbose_name_plural)) + sandbox


def who_of(event: Event, people: Mapping[int, str] = MappingProxyType({})) -> str:
    """Return who acted: a person, by name where `people` tells it, a command, or who wrote past the site."""
    username = called(people.get(event.user_id or 0, ""), event.username)
    if known := origin.told(event.data.get("source", ""), username):
        return known
    return "a name that nobody has" if event.data.get("unknown_name") else NAMELESS


def looked(event: Event) -> str:
    """Return how somebody looked at an object, by its page: `opened the deposit form of`, `looked at the history of`."""
    page = str(event.data.get("page", "")).removeprefix(event.object_type.replace(".", "_")).removeprefix("_")
    if page in PAGES:
        return PAGES[page]
    return f"opened the {page.replace('_', ' ')} form of" if page else PAGES["change"]


def sentence(
    event: Event, names: Names, *, personal: bool = True, people: Mapping[int, str] = MappingProxyType({})
) -> SafeString:
    """Return an event as a sentence; without `personal`, personal values are masked."""
    kind = TYPES.get(event.type) or EventType(event.type, "{who}: {object}", "")
    subject = names.get((event.object_type, event.object_id)) if is_live(event) else None
    data = event.data if personal else masked(event.object_type, event.data)
    more = _more(event, data, names, named=subject is not None)
    about = (subject or Subject(name_of(event))).html
    return format_html(kind.sentence, who=who_of(event, people), object=about, more=more, looked=looked(event))


def _more(event: Event, data: dict[str, Any], names: Names, *, named: bool) -> SafeString:
    if event.erased:
        return format_html(" ({})", "erased")
    if "changes" in data:
        known = names if is_live(event) else {}
        subject = known.get((event.object_type, event.object_id), Subject(""))
        return differences(model_of(event.object_type), data["changes"], known, subject.currency)
    if link := _link_of(event):
        given = names.get(link[0], Subject(" ".join(link[0]).removeprefix("auth.")))
        return format_html(": {} {}", "given" if link[1] else "relieved of", given.label)
    family = event.type.partition(".")[0]
    teller = (KNOWN.get(family) if named else None) or MORE.get(event.type) or MORE.get(family)
    if teller:
        return teller(event, data)
    return format_html("{}", _asked(data))


def _asked(data: dict[str, Any]) -> str:
    """Return what a page was asked, as people read it: `, with q “Nova”, status “open”`; not what Django asks itself."""
    pairs = [pair for pair in parse_qsl(str(data.get("query", ""))) if not pair[0].startswith("_") and pair[0] != LOOKS]
    return f", with {', '.join(f'{_parameter(name)} {value(text)}' for name, text in pairs)}" if pairs else ""


def _parameter(name: str) -> str:
    """Return what part of an address asks, as people read it: `status` of `status__exact`, `account` of `account__id__exact`."""
    return name.removesuffix("__exact").removesuffix("__id").replace("_", " ")


def _place(event: Event, data: dict[str, Any]) -> str:
    page = str(data.get("page") or event.path)
    return PLACES.get(page, f"the page {page.replace('_', ' ')}")


def _posted(event: Event, data: dict[str, Any]) -> SafeString:
    if "what" not in data:  # of actions that were gone before they were sealed: who and how many says the source
        return format_html("{}", "")
    amount = next((data[name] for name in ("delta", "held_delta") if Decimal(data.get(name, 0))), None)
    money = f", {written(Decimal(amount), data['currency'])}" if amount else ""
    return format_html(": {}{}, reference {}", data["what"].replace("_", " "), money, data["reference"])


def _downloaded(event: Event, data: dict[str, Any]) -> SafeString:
    rows = f", {data['rows']:,} rows" if "rows" in data else ""
    return format_html("{}{}", f" as {data['format'].upper()}" if "format" in data else "", rows + _asked(data))


def _decided(event: Event, data: dict[str, Any]) -> SafeString:
    return format_html("{}", f": {data['text']}" if "text" in data else "")


def _approval(event: Event, data: dict[str, Any]) -> SafeString:
    text = f": {data['text']}" if "text" in data else ""
    amount = written(Decimal(data["amount"]), data["currency"])
    return format_html(": {} {}{}", data["asked"].get("verb", data["kind"]), amount, text)


def _grant(event: Event, data: dict[str, Any]) -> SafeString:
    if not data.keys() & {"group", "person"}:
        place = f"below entity {data['parent']}" if "parent" in data else "to the top"
        return format_html(", to move entity {} {}", data["entity"], place)
    right = " and ".join(f"{name} {data[name]}" for name in ("person", "group", "entity") if name in data)
    return format_html(", to {} a right, of {}", "give" if data["give"] else "take", right)


def _file(event: Event, data: dict[str, Any]) -> SafeString:
    return format_html(" ({}){}", data["file"], _of_file(event, data))


def _of_file(event: Event, data: dict[str, Any]) -> SafeString:
    counts = ("rows", "posted", "already_posted", "refused")
    told = ", ".join(f"{data[name]:,} {name.replace('_', ' ')}" for name in counts if name in data)
    said = data.get("problem") or told
    return format_html("{}", f": {said}" if said else "")


def _verified(event: Event, data: dict[str, Any]) -> SafeString:
    found = f"{data['findings']:,} findings" if data["findings"] else "everything agrees"
    return format_html(": {} accounts, {} actions, {}", f"{data['accounts']:,}", f"{data['actions']:,}", found)


def _bulk(event: Event, data: dict[str, Any]) -> SafeString:
    return format_html(" ({} of {}){}", data["what"], data["selection"], _done(event, data))


def _done(event: Event, data: dict[str, Any]) -> SafeString:
    counts = ", ".join(f"{data[name]:,} {called}" for name, called in BULK.items() if data[name])
    why = f". {data['problem']}" if "problem" in data else ""
    return format_html(": {}{}", counts, why)


BULK = {"rows": "rows", "posted": "posted", "asked": "asked for", "refused": "left out"}
MORE: dict[str, Callable[[Event, dict[str, Any]], SafeString]] = {
    "ledger.posted": _posted,
    "access.refused": lambda event, data: format_html(
        "{} {}{}", event.method, event.path, f": {data['why']}" if data.get("why") else ""
    ),
    "page.viewed": lambda event, data: format_html("{}", _place(event, data)),
    "command.refused": lambda event, data: format_html("{}. {}", data["command"], " ".join(data["refusals"])),
    "login.lockout_lifted": lambda event, data: format_html("{}", data["name"]),
    "factor": lambda event, data: format_html("{}{}", data["factor"], f" “{data['name']}”" if "name" in data else ""),
    "factor.recovery_code_used": lambda event, data: format_html(", {} left", data["left"]),
    "session.revoked": lambda event, data: format_html(" at {} ({})", data["address"], short(data["browser"])),
    "right": lambda event, data: format_html("the {} {}", data["kind"], data["right"]),
    "export.downloaded": _downloaded,
    "account.rechecked": lambda event, data: format_html("{} findings", data["findings"] or "no"),
    "account.notified": lambda event, data: format_html("{}", f", in vain: {data['error']}" if "error" in data else ""),
    "password.invited": lambda event, data: format_html("{}", f", in vain: {data['error']}" if "error" in data else ""),
    "approval": _approval,
    "grant": _grant,
    "import": _file,
    "books": _verified,
    "bulk": _bulk,
    "search": lambda event, data: format_html(": {}", data["name"]),
    "alert": lambda event, data: format_html("{}", data["text"]),
    "record": lambda event, data: format_html(": {}", data["type"]),
    "delivery": lambda event, data: format_html(" to {}", data["subscriber"]),
}

# Of objects whose name says already what they are about.
KNOWN: dict[str, Callable[[Event, dict[str, Any]], SafeString]] = {
    "approval": _decided,
    "grant": lambda event, data: format_html("{}", ""),
    "bulk": _done,
    "import": _of_file,
}


def differences(
    model: type[models.Model] | None, changes: Mapping[str, Any], names: Names, currency: str = ""
) -> SafeString:
    """Return `: note from “a” to “b”, entity from Nord to Süd …` for what changed."""
    parts = []
    for column, change in changes.items():
        field = field_of(model, column)
        said = ""  # changed, and its value is nobody's business
        if isinstance(change, dict):
            old, new = (in_words(field, change[side], names, currency) for side in ("old", "new"))
            said = f" from {old} to {new}"
        parts.append((str(getattr(field, "verbose_name", column)), said))
    return format_html(": {}", format_html_join("; ", "{}{}", parts))


def in_words(field: Any, of: object, names: Names, currency: str = "") -> str:
    """Return a field's value as people know it; amounts are in `currency`, if that is known."""
    if key := key_of(field, of):
        return names[key].label if key in names else f"{field.remote_field.model._meta.verbose_name} {of}"
    if formatted := _formatted(field, of, currency):
        return formatted
    label = dict(getattr(field, "flatchoices", ())).get(of) if isinstance(of, str) and of else None
    return value(of) if label is None else str(label)


def _formatted(field: Any, of: Any, currency: str) -> str:
    """Return an amount, a moment or a span of time as people read it, '' for anything else."""
    if of is None or of == MASK:
        return ""
    if isinstance(field, models.DecimalField):
        return written(Decimal(str(of)), currency)
    if isinstance(field, models.DateTimeField):
        moment = parse_datetime(of) if isinstance(of, str) else of
        return told(moment) if moment else ""
    if isinstance(of, Range):
        ends = [f"{word} {told(end)}" for word, end in (("from", of.lower), ("until", of.upper)) if end]
        return " ".join(ends) or "always"
    return ""


def value(of: object) -> str:
    """Return a value as a sentence shows it."""
    if of is None or of == "":
        return "nothing"
    if isinstance(of, bool):
        return "yes" if of else "no"
    text = str(of)
    return f"“{text if len(text) <= SHOWN else text[:SHOWN] + '…'}”"


def as_lines(request: HttpRequest, site: AdminSite, events: Sequence[Event]) -> dict[Any, SafeString]:
    """Return the sentences of many events by their ids, and leave with each event who acted."""
    names = look_up(request, site, spoken_of(events))
    personal, people = seen_in_full(request, site, events), people_of(event.user_id for event in events)
    for event in events:
        event.who = who_of(event, people)  # type: ignore[attr-defined]  # ours, for columns
    return {event.pk: sentence(event, names, personal=event.pk in personal, people=people) for event in events}
