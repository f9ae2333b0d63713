"""Guessed ids: somebody of one tenant who may do everything asks for what is another's, by every way there is.

The answer must be that to an id that there is not, to the letter, hold nothing of the other tenant, and move nothing.
"""

import re
import uuid
from collections.abc import Iterator
from itertools import chain
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.forms import BaseForm, ModelChoiceField
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse

from backoffice.entity_guard import EntityGuard
from sandbox.site import site as sandbox
from tests.audit.store import stored_alert
from tests.imports.files import csv_of, upload
from tests.security.guessing import ASKED, Attacker, Guess, body_of, called, far_from, guess, plain, told
from tests.security.walk import addresses, objects
from tests.security.world import Tenant, World, browser_of, nothing_moves
from tests.test_urls import parts

PLACES = {"console": admin.site, "sandbox": sandbox}

# Models whose rows are somebody's. Each tenant of tests/security/world.py has a row of each.
OF_TENANTS = {
    "backoffice.entity", "backoffice.user", "ledger.account", "ledger.action", "ledger.hold", "ledger.limit", "ledger.approval",
    "audit.event", "backoffice.savedview", "bulk.run",
}  # fmt: skip
# Models with pages whose rows belong to no tenant, and why.
OF_NOBODY = {
    "auth.group": "roles are the same everywhere",
    "ledger.cap": "binds the balances of all entities together",
    "audit.seal": "proves the whole record, and holds hashes only",
    "audit.verification": "tells of the whole record, in numbers of blocks",
    "audit.alert": "speaks of staff, and of rows by number; it, and the event behind it, is shown to who works on its entity",
    "audit.deadletter": "speaks of subscribers",
    "backoffice.grantrequest": "is decided by administrators, across all entities",
    "login.lockout": "speaks of logins, which belong to no entity",
    "imports.import": "may speak of accounts of several entities; rows of accounts out of reach are left blank",
}
# What a path names otherwise than by the `object_id` of its ModelAdmin: the parameter, and the model.
NAMED_OTHERWISE = {
    "list_change_view": ("view_id", "backoffice.savedview"),
}
OWNERS_ONLY = {"imports_import_confirm", "imports_import_refused"}  # of an import, for who brought it
NO_OBJECT = {  # by the first thing that is named
    "app_label": "names an app",
    "label": "names a list",
    "url": "is whatever else stands below the console",
    "pk": "is a security key, which is looked for among one's own alone",
    "content_type_id": "looks rows up that have a page elsewhere, which none has",
}
EVERYTHING = {
    "key": str(uuid.UUID(int=7)), "amount": "1", "comment": "Mine now", "reason": "Mine now", "reference_type": "none",
    "note": "Mine now", "text": "Mine now", "post": "yes", "username": "mine_now", "first_name": "Mine", "last_name": "Now", "email": "mine@example.com",
    "code": "mine", "name": "Mine",
    "kind": "max_deposit", "currency": "CZK", "valid_0": "", "valid_1": "", "_save": "Save",
}  # fmt: skip


def tenants(world: World, place: str) -> tuple[Tenant, Tenant]:
    """Return mine and theirs."""
    return (world.mine, world.theirs) if place == "console" else (world.my_sandbox, world.their_sandbox)


def attack(world: World, place: str, guesses: Iterator[Guess], who: str = "insider") -> list[str]:
    """Make the guesses in somebody's browser; nothing may move."""
    browser = browser_of(world.boss if who == "boss" else world.mine.insider)
    browser.get(reverse(f"{place}:index"))  # the sandbox makes a row for who comes for the first time
    with nothing_moves():
        return Attacker(browser, tenants(world, place)[1]).faults(guesses)


def test_walk_knows_every_address_that_names_an_object(world: World) -> None:
    """Whoever adds a page about an object says above whose it is, and gives each tenant one where it is somebody's."""
    unknown = [
        str(address)
        for address in objects()
        if address.takes[0] not in NO_OBJECT
        and address.name not in NAMED_OTHERWISE
        and not (address.takes == ("object_id",) and address.model in {*OF_TENANTS, *OF_NOBODY})
    ]
    assert unknown == []
    assert world.theirs.rows.keys() >= OF_TENANTS


def of_paths(of: Tenant, place: str, sent: dict[str, str], *, entities: bool) -> Iterator[Guess]:
    """Yield a guess by GET and one by POST for each address that names an object, or for those that name an entity."""
    for address in objects():
        name, label = NAMED_OTHERWISE.get(address.name, ("object_id", address.model))
        if address.place != place or address.takes[0] in NO_OBJECT or entities != (label == "backoffice.entity"):
            continue
        if label in OF_NOBODY and address.name not in OWNERS_ONLY:
            continue
        route, key = address.filled({name: ASKED}), of.rows[label].pk
        yield Guess("get", route, {}, key, far_from(key))
        yield Guess("post", route, sent, key, far_from(key))
        if address.name.endswith("_change"):
            yield Guess("get", route, {"_popup": "1", "_to_field": "id"}, key, far_from(key))


@pytest.mark.parametrize("place", PLACES)
def test_objects_of_another_tenant_are_not_there(world: World, place: str) -> None:
    mine, theirs = tenants(world, place)
    sent = {**EVERYTHING, "to": str(mine.other.pk)}
    assert attack(world, place, of_paths(theirs, place, sent, entities=False), "boss") == []


@pytest.mark.parametrize("place", PLACES)
def test_entities_of_another_tenant_are_not_there(world: World, place: str) -> None:
    """But for who may change the tree of them in the console."""
    theirs = tenants(world, place)[1]
    assert attack(world, place, of_paths(theirs, place, EVERYTHING, entities=True)) == []


def lists(place: str) -> Iterator[str]:
    """Yield the names of all lists whose rows belong to tenants."""
    for model in PLACES[place]._registry:
        label = model._meta.label_lower
        if label in OF_TENANTS:
            yield f"{place}:{label.replace('.', '_')}"


@pytest.mark.parametrize("place", PLACES)
def test_no_search_finds_what_is_another_tenant_s(world: World, place: str) -> None:
    pairs = called(tenants(world, place)[1])
    names = lists(place) if place == "console" else ["sandbox:ledger_account"]  # which searches as the console does
    pages = (reverse(f"{name}_{'changelist' if name.endswith('event') else 'export_csv'}") for name in names)
    guesses = (Guess("get", page, {"q": ASKED}, *pair) for page in pages for pair in pairs)
    assert attack(world, place, guesses) == []


def test_answers_are_alike_where_events_become_late_between_them() -> None:
    late, in_time = (
        render_to_string("audit/delay.html", {"delay_notice": said}) for said in ("Events since 14:18 …", "")
    )
    assert late != in_time
    assert plain(late) == plain(in_time)


# Which parameters of lists can point at a row of a model.
POINTING = {
    "ledger.account": ("account", "account__id__exact", "id__exact", "pk__in"),
    "backoffice.user": ("user", "user__id__exact", "by", "maker", "id__exact"),
    "backoffice.entity": ("entity", "entity__id__exact", "id__exact"),
    "ledger.action": ("reverses", "placed__id__exact", "id__exact"),
    "ledger.hold": ("hold", "pk"),
}


def fields_of(name: str) -> set[str]:
    """Return the names of the fields of a list's model."""
    model = apps.get_model(name.partition(":")[2].replace("_", ".", 1))
    return {field.name for field in model._meta.get_fields()}


def test_no_filter_leads_to_what_is_another_tenant_s(world: World) -> None:
    guesses = (
        guess("get", reverse(f"{name}_changelist"), world.theirs.rows[label].pk, **{parameter: ASKED})
        for name in lists("console")
        for label, parameters in POINTING.items()
        for parameter in parameters
        if parameter.partition("__")[0] in {"pk", *fields_of(name)}
    )
    assert attack(world, "console", guesses) == []


def of_selections(of: Tenant, mine: Tenant, place: str) -> Iterator[Guess]:
    """Yield guesses in what is selected, on the commands' own pages and on the lists."""
    account, everything = of.account.pk, EVERYTHING
    for verb in ("deposit", "withdraw", "hold", "freeze", "unfreeze", "close"):
        page = reverse(f"{place}:ledger_account_{verb}_selected")
        yield guess("get", page, account, ids=ASKED)
        yield guess("post", page, account, **everything, ids=f"{mine.account.pk},{ASKED}")
        yield guess("get", page, account, list=f"id__exact={ASKED}")
        yield guess("post", page, account, **everything, list=f"id__exact={ASKED}")
    for name, key in (("action_reverse", of.deposit.pk), ("hold_release", of.hold.pk)):
        page = reverse(f"{place}:ledger_{name}_selected")
        yield guess("get", page, key, ids=ASKED)
        yield guess("post", page, key, **everything, ids=ASKED)
    accounts = reverse(f"{place}:ledger_account_changelist")
    for action in ("deposit", "close", "delete_selected"):
        chosen = {"action": action, "_selected_action": ASKED, "index": "0", "post": "yes", "reason": "x"}
        yield guess("post", accounts, account, **chosen, select_across="0")
        for across in ("0", "1"):
            yield guess("post", f"{accounts}?id__exact={ASKED}", account, **chosen, select_across=across)


def of_forms(of: Tenant, mine: Tenant, place: str) -> Iterator[Guess]:
    """Yield guesses in the fields of forms, and in what fills them."""
    account, entity = of.account.pk, of.entity.pk
    transfer = reverse(f"{place}:ledger_account_transfer", args=[mine.account.pk])
    yield guess("post", transfer, account, **EVERYTHING, to=ASKED)
    yield guess("post", transfer, account, **EVERYTHING, to=ASKED, token="x")
    own = reverse(f"{place}:ledger_account_change", args=[mine.account.pk])
    yield guess("get", own, account, _changelist_filters=f"id__exact={ASKED}")
    yield guess("post", own, account, _changelist_filters=f"account__id__exact={ASKED}")
    limit = reverse(f"{place}:ledger_limit_propose_new")
    yield guess("get", limit, of.account.uid, account=ASKED)
    yield guess("get", limit, entity, entity=ASKED)
    yield guess("post", limit, account, **EVERYTHING, account=ASKED, entity="")
    yield guess("post", limit, entity, **EVERYTHING, account="", entity=ASKED)
    for model in ("limit", "account"):
        page = reverse(f"{place}:ledger_{model}_add")
        for name, key in (("account", account), ("entity", entity), ("user", of.customer.pk)):
            yield guess("get", page, key, **{name: ASKED})
            yield guess("post", page, key, **{**EVERYTHING, name: ASKED})


def of_the_past(of: Tenant, mine: Tenant, place: str) -> Iterator[Guess]:
    """Yield guesses in what the pages about the past are asked."""
    for kind in ("", "_csv", "_xlsx"):
        page = reverse(f"{place}:ledger_account_balances{kind}")
        yield guess("get", page, of.entity.pk, moment="2025-06-01T12:00:00", clock="business", entity=ASKED)
    yield guess("get", reverse(f"{place}:ledger_account_balances"), of.entity.pk, entity=ASKED)
    statement = reverse(f"{place}:ledger_account_statement", args=[mine.account.pk])
    yield guess("get", statement, of.deposit.pk, after=f"{of.deposit.created.isoformat()}_{ASKED}")
    accounts = reverse(f"{place}:ledger_account_changelist")
    yield guess("get", accounts, of.account.pk, as_of="2026-01-01T00:00:00", id__exact=ASKED)
    versions = type(of.account).history.using(of.account._state.db)
    version = versions.filter(id=of.account.pk).latest("history_id").history_id
    history = reverse(f"{place}:ledger_account_history", args=[mine.account.pk])
    yield guess("get", history, version, old=ASKED, new="1")
    yield guess("get", history, version, old="1", new=ASKED)


FIELDS = ("ledger.action.counterparty", "ledger.limit.account", "ledger.limit.entity", "backoffice.persongrant.user", "backoffice.entity.parent")  # fmt: skip


def of_searches(of: Tenant, place: str) -> Iterator[Guess]:
    """Yield guesses in the searches behind fields."""
    for field in FIELDS:
        app, model, name = field.split(".")
        asked = {"app_label": app, "model_name": model, "field_name": name, "term": ASKED}
        yield from (Guess("get", reverse(f"{place}:autocomplete"), asked, *pair) for pair in called(of))
    beside = dict(zip(("app_label", "model_name", "field_name"), FIELDS[0].split("."), strict=True)) | {"term": ""}
    yield guess("get", reverse(f"{place}:autocomplete"), of.account.pk, **beside, beside=ASKED)


def of_every_form(browser: Client, of: Tenant, mine: Tenant, place: str) -> Iterator[tuple[str, str, Guess]]:
    """Yield guesses in every field that names a row, of every form on every page: its page, the field, and a guess each way."""
    for address in addresses():
        if address.place != place or address.name.endswith(FILES) or {*address.takes[:1]} & NO_OBJECT.keys():
            continue
        name, label = NAMED_OTHERWISE.get(address.name, ("object_id", address.model))
        if address.takes and label not in mine.rows:
            continue
        page = address.filled({name: mine.rows[label].pk}) if address.takes else address.route
        shown = browser.get(page)
        for field, model in fields_naming_rows(shown.context if shown.status_code == 200 else None):
            if model in OF_TENANTS:
                for method in ("get", "post"):
                    sent = {field: ASKED} if method == "get" else {**EVERYTHING, field: ASKED}
                    yield address.name, field, guess(method, page, of.rows[model].pk, **sent)


def fields_naming_rows(context: Any) -> set[tuple[str, str]]:
    """Return the names of the fields of all forms of a page that choose a row, with the row's model."""
    forms: list[Any] = []
    contexts = context if isinstance(context, list) else [context] if context is not None else []
    for value in chain.from_iterable(layer.values() for one in contexts for layer in getattr(one, "dicts", [one])):
        forms += [getattr(value, "form", value), *getattr(value, "forms", ())]
    fields = {(form.add_prefix(name), field) for form in forms if isinstance(form, BaseForm) for name, field in form.fields.items()}  # fmt: skip
    rows = {(name, field.queryset) for name, field in fields if isinstance(field, ModelChoiceField)}
    return {(name, queryset.model._meta.label_lower) for name, queryset in rows if queryset is not None}


# The pages whose forms name rows of tenants, and the fields that do.
FORMS = {
    "console": [
        "backoffice_entity_add parent", "backoffice_entity_move parent", "backoffice_entity_rights person",
        "backoffice_user_rights entity", "ledger_account_balances entity", "ledger_account_transfer to",
        "ledger_limit_propose_new account", "ledger_limit_propose_new entity",
    ],
    "sandbox": [
        "backoffice_entity_add parent", "ledger_account_balances entity", "ledger_account_transfer to", "ledger_limit_add account",
        "ledger_limit_add entity", "ledger_limit_change account", "ledger_limit_change entity", "ledger_limit_propose_new account",
        "ledger_limit_propose_new entity",
    ],
}  # fmt: skip
FILES = ("_csv", "_xlsx", "_json")  # ends of the names of what is no page


@pytest.mark.parametrize("place", PLACES)
def test_every_field_that_names_a_row_refuses_another_tenant_s_like_one_that_there_is_not(
    world: World, place: str
) -> None:
    mine, theirs = tenants(world, place)
    found = list(of_every_form(browser_of(world.mine.insider), theirs, mine, place))
    assert attack(world, place, (one for _, _, one in found)) == []
    assert sorted({f"{page} {field}" for page, field, _ in found}) == FORMS[place]


def of_guards(of: Tenant, mine: Tenant) -> Iterator[Guess]:
    """Yield guesses in the query and the body for every parameter that a page's guard declares, beside a path of one's own."""
    for address in objects():
        label = address.model
        if address.place != "console" or address.takes != ("object_id",) or label not in OF_TENANTS:
            continue
        declared = {name for guard in parts(address.guard) if isinstance(guard, EntityGuard) for name, _ in guard.names}
        for name in declared:
            page = address.filled({"object_id": mine.rows[label].pk})
            yield guess("post", f"{page}?{name}={ASKED}", of.rows[label].pk, **EVERYTHING)
            yield guess("post", page, of.rows[label].pk, **EVERYTHING, **{name: ASKED})


def test_every_declared_parameter_is_asked_for_in_path_query_and_body_alike(world: World) -> None:
    """In the console; before the sandbox stands one guard, and the same views behind it."""
    guesses = list(of_guards(world.theirs, world.mine))
    assert len(guesses) > 40
    assert attack(world, "console", iter(guesses)) == []


@pytest.mark.parametrize("place", PLACES)
def test_ids_in_bodies_and_queries_reach_nothing_of_another_tenant(world: World, place: str) -> None:
    mine, theirs = tenants(world, place)
    guesses = [*of_selections(theirs, mine, place), *of_forms(theirs, mine, place), *of_the_past(theirs, mine, place)]
    assert attack(world, place, iter([*guesses, *of_searches(theirs, place)])) == []


def of_the_log(of: Tenant) -> Iterator[Guess]:
    """Yield guesses in what the event log is asked."""
    page, account = reverse("console:audit_event_changelist"), of.account.pk
    yield guess("get", page, account, object_type="ledger.account", object_id=ASKED, window="all")
    yield guess("get", page, account, seen=f"ledger.account {ASKED}")
    yield guess("get", page, account, q=f"ledger.account {ASKED}")
    yield guess("get", page, of.entity.pk, entity_id=ASKED)
    yield guess("get", page, of.clerk.pk, user_id=ASKED, object_type="ledger.account")
    yield guess("get", page, of.rows["audit.event"].pk, q=ASKED)
    for victim, none in ((of.customer.username, "customer1_nobody"), (of.customer.first_name, "Qqqqqqqqqqqqq")):
        yield Guess("get", page, {"username": ASKED}, victim, none)
    yield Guess("get", page, {"request_id": ASKED}, f"request-{of.name}", "request-none")


def test_event_log_tells_nothing_of_another_tenant(world: World) -> None:
    assert attack(world, "console", of_the_log(world.theirs)) == []


def test_import_knows_no_account_of_another_tenant(world: World) -> None:
    browser, answers = browser_of(world.mine.insider), []
    for number, key in enumerate((world.theirs.account.uid, uuid.UUID(int=1))):
        row = (str(key), "deposit", "1.00", "", "", "", "", f"guess-{number}")
        sent = {"file": upload(csv_of(row), "guess.csv"), "how": "valid", "reason": "Guessing"}
        page = browser.post(reverse("console:imports_import_add"), sent).headers["Location"]
        answers.append(told(browser.get(page), key, *re.findall(r"/import/(\d+)/", page)))
    assert answers[0] == answers[1]
    assert [secret for secret in world.theirs.secrets if secret in answers[0].body] == []


def test_imports_of_another_tenant_show_no_figure_of_its_accounts(world: World) -> None:
    upload_of = world.theirs.rows["imports.import posted"]
    shown = body_of(browser_of(world.mine.insider).get(reverse("console:imports_import_change", args=[upload_of.pk])))
    assert upload_of.pk
    assert [secret for secret in (world.theirs.customer.last_name, "12.34", "99999") if secret in shown] == []


def test_alert_tells_nothing_of_another_tenant_s_event(world: World) -> None:
    event = world.theirs.rows["audit.event"]
    about = {"rule": "outside_write", "text": "Something was written", "event_id": event.pk}
    alert = stored_alert("idor", entity_id=world.mine.entity.pk, **about)
    shown = body_of(browser_of(world.mine.insider).get(reverse("console:audit_alert_change", args=[alert.pk])))
    assert "Something was written" in shown
    assert [secret for secret in world.theirs.secrets if secret in shown] == []


@pytest.mark.parametrize("place", PLACES)
def test_lists_and_their_files_hold_nothing_of_another_tenant(world: World, place: str) -> None:
    mine, theirs = tenants(world, place)
    browser, faults = browser_of(world.mine.insider), []
    for name in lists(place):
        kinds = ["export_json"] if name.endswith("audit_event") else ["export_csv", "export_xlsx"]
        for page in ("changelist", *kinds):
            shown = body_of(browser.get(reverse(f"{name}_{page}"), {"window": "all"} if "event" in name else {}))
            assert mine.name in shown or page == "export_json", f"{name} {page}"
            faults += [f"{name} {page} {secret}" for secret in theirs.secrets if secret in shown]
    assert faults == []
