"""Whatever is typed into searches, filters, orderings, pages, moments and lookups: an answer, no error, and no row more.

The payloads are written for PostgreSQL and for Django's own lookups. A run sends a part of them, the same each time, through
a part of the parameters of every list; with BACKOFFICE_FUZZ=all each goes through every one, which takes half an hour.
"""

import os
import random
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import pytest
from django.contrib import admin
from django.contrib.admin.options import ModelAdmin
from django.db.models import Model
from django.http import StreamingHttpResponse
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.admin.search import SearchForm
from backoffice.filters import DaysFilter, RelatedFilter
from sandbox.site import site as sandbox
from tests.security.world import World, browser_of, nothing_moves

SITES = {"console": admin.site, "sandbox": sandbox}
FINE = {200, 302, 400, 404}
PAYLOADS = (
    "'", "' OR '1'='1", "1) OR (1=1", "1; DROP TABLE ledger_account; --", "' UNION SELECT password FROM backoffice_user --",
    "'; SELECT pg_sleep(9); --", '" OR ""="', "\\", "\\'", "%", "%s", "%(x)s", "%%", "_", "{}", "{0}", "$1", "$$", "/*", "--", "*",
    "\N{RIGHT SINGLE QUOTATION MARK} OR 1=1", "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"), "ﬃ", "İ", "²", "٣",
    "9" * 30, "-9223372036854775809", "9223372036854775808", "1e400", "NaN", "Infinity", "-1", "0", "null", "None", "true", "[]", "1,2,x",
    "()", "a" * 5000, "\t\n\r", "\x7f\x01", "0001-01-01", "9999-12-31", "9999-12-31T23:59:59.999999", "2026-02-30", "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59", "-1-1", "2026-01-01T00:00:00_x", "0001-01-01T00:00:00_00000000-0000-0000-0000-000000000000",
    "2026-01-01T00:00:00+00:00_00000000-0000-0000-0000-000000000000", "(?=(a+)+$)", "[", "ledger.account x", "ledger.account 1'", "auth.user 1",
    "x.y z", "00000000-0000-0000-0000-000000000000", "{00000000-0000-0000-0000-000000000000}", "a@b", "@", "@" * 300, "K7M-Q4X-VPC",
)  # fmt: skip
LOOKUPS = ("", "__exact", "__in", "__range", "__isnull", "__contains", "__regex", "__gt", "__year", "__date", "__x", "__id__exact", "__pk", "__password__startswith")  # fmt: skip
OF_EVERY_LIST = ("q", "o", "p", "all", "e", "as_of", "_to_field", "_popup", "_facets", "_changelist_filters", "pk__in", "id__in", "user__password", "account__user__password__startswith", "entity__person_grants__user", "before", "after")  # fmt: skip
EVERYTHING = os.environ.get("BACKOFFICE_FUZZ") == "all"
FEW, FIELDS, NAMES = 8, 4, 9  # payloads of a search box; of a model's fields, each with one lookup; of OF_EVERY_LIST
T = TypeVar("T")
SAME_HERE = {"ledger.account", "ledger.action"}


def some(every: Sequence[T], most: int, about: object) -> Sequence[T]:
    """Return a part of what there is to try, the same in each run, or all of it."""
    return every if EVERYTHING else random.Random(str(about)).sample(every, min(most, len(every)))  # noqa: S311  no secret


def lists() -> list[tuple[str, type[Model]]]:
    """Return every list of the console, and of the sandbox, whose pages are the same, those of the ledger's records."""
    every = [(place, model) for place, site in SITES.items() for model in site._registry if not model._meta.app_label.startswith("test")]  # fmt: skip
    return [(place, model) for place, model in every if place == "console" or model._meta.label_lower in SAME_HERE]


def name_of(place: str, model: type[Model], page: str = "changelist") -> str:
    return reverse(f"{place}:{model._meta.app_label}_{model._meta.model_name}_{page}")


def parameters(place: str, model: type[Model]) -> Iterator[str]:
    """Yield what a list can be asked by, and what it cannot."""
    owner: ModelAdmin[Any] = SITES[place]._registry[model]
    about = f"{place} {model._meta.label}"
    yield from some(OF_EVERY_LIST, NAMES, about)
    for field in some(model._meta.get_fields(), FIELDS, about):
        yield from (field.name + lookup for lookup in some(LOOKUPS, 1, f"{about} {field.name}"))
    for one in owner.list_filter:
        if isinstance(one, type) and issubclass(one, RelatedFilter):
            yield f"{one.field}__id__exact"
        elif isinstance(one, type) and issubclass(one, DaysFilter):
            yield from one.names
        else:
            yield getattr(one, "parameter_name", None) or str(one)
    yield from SearchForm.base_fields if model._meta.label_lower == "audit.event" else ()


def _searched(place: str, model: type[Model]) -> bool:
    """Whether a list has a search box of its own: those of the sandbox are the console's over again."""
    return place == "console" and bool(SITES[place]._registry[model].search_fields)


def keys(response: Any) -> set[Any]:
    """Return which rows a list shows."""
    if response.status_code != 200 or "cl" not in (response.context or {}):
        return set()
    return {row.pk for row in response.context["cl"].result_list}


def ask(browser: Client, address: str, /, **asked: str) -> Any:
    """Ask, and return the answer, which is one that a browser can do something with."""
    answer = browser.get(address, asked)
    if isinstance(answer, StreamingHttpResponse):
        b"".join(answer)
    answer.close()
    assert answer.status_code in FINE, f"{answer.status_code} {address} {asked}"
    return answer


@pytest.fixture(scope="module")
def insider(world: World) -> Client:
    browser = browser_of(world.mine.insider)
    browser.get(reverse("sandbox:index"))
    return browser


def rows_of(browser: Client, address: str, asked: dict[str, str]) -> set[Any]:
    """Return which rows a list shows on all its pages."""
    found: set[Any] = set()
    after: dict[str, str] = {}
    while True:
        answer = ask(browser, address, **asked, **after)
        found |= keys(answer)
        place = answer.context["cl"].page.after if answer.status_code == 200 else ""
        if not place:
            return found
        after = {"after": place}


def faults_of(browser: Client, place: str, model: type[Model], wanted: list[tuple[str, str]]) -> list[str]:
    """Ask a list by each pair of parameter and payload; return what went wrong."""
    address, found = name_of(place, model), []
    whole = {"window": "all"} if model._meta.label_lower == "audit.event" else {}
    every = rows_of(browser, address, whole)
    past = keys(ask(browser, address, as_of="2026-11-01T00:00:00"))
    for parameter, payload in wanted:
        try:
            shown = keys(ask(browser, address, **{parameter: payload}))
        except Exception as error:  # noqa: BLE001  whatever it is, it is reported with what was asked
            found.append(f"{place} {model._meta.label} {parameter}={payload[:60]!r}: {type(error).__name__} {str(error)[:200]}")  # fmt: skip
        else:
            if not shown <= every | past:
                found.append(f"{place} {model._meta.label} {parameter}={payload[:60]!r} shows more")
    return found


@pytest.mark.parametrize(("place", "model"), lists(), ids=lambda one: one if isinstance(one, str) else one._meta.label_lower)  # fmt: skip
def test_no_parameter_of_a_list_reaches_the_database_as_sql(insider: Client, world: World, place: str, model: type[Model]) -> None:  # fmt: skip
    about = f"{place} {model._meta.label}"
    wanted = [("q", payload) for payload in some(PAYLOADS, FEW, about)] if _searched(place, model) else []
    for parameter in parameters(place, model):
        wanted += [(parameter, payload) for payload in some(PAYLOADS, 1, f"{about} {parameter}")]
    with nothing_moves():
        found = faults_of(insider, place, model, wanted)
    assert found == [], "\n".join(found)


MOMENTS = [payload for payload in PAYLOADS if payload[:1] in "09-2" or payload in {"'", "NaN", "\\", "%s", "x.y z"}]
OF_THE_PAST = {
    "statement": ("since", "until", "known", "after"),
    "as_of": ("moment",),
    "history": ("at", "until", "old", "new"),
    "balances": ("moment", "clock", "entity"),
}


@pytest.mark.parametrize("name", OF_THE_PAST)
def test_no_moment_reaches_the_database_as_sql(insider: Client, world: World, name: str) -> None:
    address = reverse(f"console:ledger_account_{name}", args=[] if name == "balances" else [world.mine.account.pk])
    days = {"since": "2026-01-01", "until": "2026-02-01"} if name == "statement" else {}
    whole = {**days, "moment": "2026-01-01T00:00", "clock": "business", "at": "2026-01-01T00:00"}
    with nothing_moves():
        for field in OF_THE_PAST[name]:
            for payload in some(MOMENTS, 6, f"{name} {field}"):
                ask(insider, address, **{**whole, field: payload})


@pytest.mark.parametrize("field", ["term", "app_label", "model_name", "field_name", "p", "beside"])
def test_search_behind_a_field_takes_nothing_but_words(insider: Client, world: World, field: str) -> None:
    asked = {"app_label": "ledger", "model_name": "action", "field_name": "counterparty", "term": "z"}
    with nothing_moves():
        for payload in some(PAYLOADS, 25 if field == "term" else 10, field):
            answer = insider.get(reverse("console:autocomplete"), {**asked, field: payload})
            assert answer.status_code in {*FINE, 403}, (field, payload)


# What a path is asked for instead of a key. A slash would lead to another page.
KEYS = ["0", "-1", "x", "1'", "9" * 30, "_5F", "_00", "a_00b", "%00", "_", "__", "²", "1_2F2", "1e3", "null", "a" * 3000, "CZK'", "00000000-0000-0000-0000-00000000000g", "_ZZ", "1.0", "%FF", "%F0%9F%98%80"]  # fmt: skip


PAGES = (
    "change",
    "history",
    "delete",
    "propose",
    "end",
    "statement",
    "approve",
    "confirm",
    "acknowledge",
    "password",
    "",
)
OF_CONSOLE = [model for place, model in lists() if place == "console"]


@pytest.mark.parametrize("model", OF_CONSOLE, ids=lambda model: model._meta.label_lower)
def test_no_key_in_a_path_is_an_error(insider: Client, world: World, model: type[Model]) -> None:
    base = name_of("console", model)
    with nothing_moves():
        for number, key in enumerate(some(KEYS, 8, base)):
            for page in ("change", PAGES[number % len(PAGES)]):
                address = f"{base}{key}/{page}/" if page else f"{base}{key}/"
                for method in ("get", "post"):
                    answer = getattr(insider, method)(address)
                    answer.close()
                    assert answer.status_code in {*FINE, 301, 403, 405}, (method, address)


CHOICES = ["x", "'", "9" * 30, "", "\x00", "00000000-0000-0000-0000-00000000000g", "-1", "1 OR 1=1", "a" * 3000]
ACTIONS = {"ledger_account": "deposit", "ledger_action": "reverse", "ledger_hold": "release"}


@pytest.mark.parametrize("name", ACTIONS)
def test_no_selection_of_a_list_is_an_error(insider: Client, world: World, name: str) -> None:
    with nothing_moves():
        for key in CHOICES:
            for action in (ACTIONS[name], key):
                chosen = {"action": action, "_selected_action": key, "index": "0", "select_across": "0"}
                answer = insider.post(reverse(f"console:{name}_changelist"), chosen)
                assert answer.status_code in {*FINE, 403}, chosen


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(typed=st.text(max_size=60), moment=st.text(alphabet="0123456789-:T+Z. _", max_size=40))
def test_any_text_can_be_looked_for(insider: Client, world: World, typed: str, moment: str) -> None:
    ask(insider, name_of("console", type(world.mine.account)), q=typed)
    ask(insider, name_of("console", type(world.mine.rows["audit.event"])), q=typed, before=moment, since=moment)
    ask(insider, name_of("console", type(world.mine.account)), as_of=moment, o=moment, p=moment)
