"""Every page of the sandbox works on the sandbox, every page of the console on live: all SQL of both is looked at."""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.admin import AdminSite
from django.contrib.admin import site as console_site
from django.contrib.admin.models import LogEntry
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLResolver, resolve, reverse
from django.utils import timezone

from backoffice.models import Entity, User
from bulk.models import Row, Run
from ledger.models import Account, Action, Approval, Cap, Hold, Limit
from ledger.models.limit import OVERLAPS
from sandbox.admin import SandboxModelAdmin
from sandbox.site import site as sandbox_site
from tests.console.test_commands import hidden
from tests.sandbox.conftest import OpenThere, Recorder, recording

pytestmark = pytest.mark.django_db(databases=["default", "sandbox", "audit"])
MODELS = (Entity, User, Account, Action, Approval, Hold, Limit, Cap, Run)
VERBS = ("deposit", "withdraw", "hold", "freeze", "unfreeze", "close")
LEDGER = re.compile(r"\b(ledger_\w+|backoffice_(user|entity|historical\w+)|django_admin_log)\b")
LOGIN = re.compile(r"FROM backoffice_user AS person WHERE id = ")


def touched(recorder: Recorder, alias: str) -> list[str]:
    """Return the statements about the ledger's data; who is logged in is no such data."""
    return [sql for sql in recorder.statements[alias] if LEDGER.search(sql) and not LOGIN.search(sql)]


def pages(site: AdminSite, account: Account) -> Iterator[str]:
    """Give the address of every page of a site's models that is read."""
    one: dict[Any, Any] = {
        Account: account.pk,
        Action: account.actions.using(account._state.db).latest().pk,
        User: account.user_id,
        Entity: account.entity_id,
        Cap: "CZK",
        Limit: limit(account).pk,
        Hold: hold(account).pk,
        Approval: approval(account).pk,
        Run: run(account).pk,
    }
    yield reverse(f"{site.name}:index")
    yield reverse(f"{site.name}:jsi18n")
    yield from (reverse(f"{site.name}:{name}") + "?q=nobody" for name in ("find", "find_suggestions"))
    yield reverse(f"{site.name}:ledger_account_note", args=[account.pk])
    for model in MODELS:
        label = f"{model._meta.app_label}_{model._meta.model_name}"
        yield reverse(f"{site.name}:app_list", args=[model._meta.app_label])
        yield reverse(f"{site.name}:{label}_changelist")
        yield reverse(f"{site.name}:{label}_changelist") + "?q=nova"
        yield reverse(f"{site.name}:{label}_changelist") + "?q=XXX-222-22X"
        for kind in ("csv", "xlsx"):
            yield reverse(f"{site.name}:{label}_export_{kind}")
        for page in ("change", "history", "delete"):
            yield reverse(f"{site.name}:{label}_{page}", args=[one[model]])
        yield reverse(f"{site.name}:{label}_add")
    yield from past(site, account)
    yield reverse(f"{site.name}:ledger_limit_propose_new")
    for name in ("ledger_limit_propose", "ledger_limit_end"):
        yield reverse(f"{site.name}:{name}", args=[one[Limit]])
    yield reverse(f"{site.name}:ledger_cap_propose", args=["CZK"])
    of_run = ("rows_csv", "rows_xlsx", "progress", "stop", "go_on")
    yield from (reverse(f"{site.name}:bulk_run_{name}", args=[one[Run]]) for name in of_run)
    for name in ("approve", "reject", "cancel"):
        yield reverse(f"{site.name}:ledger_approval_{name}", args=[one[Approval]])
    for name, field, target in (("limit", "entity", "ledger"), ("entity", "parent", "backoffice")):
        query = f"?app_label={target}&model_name={name}&field_name={field}&term=nord"
        yield reverse(f"{site.name}:autocomplete") + query
    counterparty = "?app_label=ledger&model_name=action&field_name=counterparty&term=nova"
    yield reverse(f"{site.name}:autocomplete") + counterparty
    yield reverse(f"{site.name}:ledger_account_transfer", args=[account.pk])
    for model, verb in ((Action, "refund"), (Action, "reverse"), (Hold, "capture"), (Hold, "release")):
        yield reverse(f"{site.name}:ledger_{model._meta.model_name}_{verb}", args=[one[model]])
    for model, verb in ((Action, "reverse"), (Hold, "release")):
        page = reverse(f"{site.name}:ledger_{model._meta.model_name}_{verb}_selected")
        yield f"{page}?ids={one[model]}"
    for verb in VERBS:
        yield reverse(f"{site.name}:ledger_account_{verb}", args=[account.pk])
        yield reverse(f"{site.name}:ledger_account_{verb}_selected") + f"?ids={account.pk}"


def past(site: AdminSite, account: Account) -> Iterator[str]:
    """Give the addresses of balances and statements."""
    for kind in ("", "_csv", "_xlsx"):
        yield reverse(f"{site.name}:ledger_account_balances{kind}") + "?moment=2026-02-01T00:00&clock=created"
        yield reverse(f"{site.name}:ledger_account_statement{kind}", args=[account.pk])
    yield reverse(f"{site.name}:ledger_account_as_of", args=[account.pk])


def read(client: Client, url: str) -> None:
    """Read a page to its end; 403 is what a page answers that nobody may."""
    answer = client.get(url, follow="/ledger/approval/" in url)  # the ways to decide lead to the page of the request
    assert answer.status_code in {200, 403}, url
    if answer.streaming:
        assert answer.getvalue()


def limit(account: Account) -> Limit:
    using = account._state.db
    return Limit.objects.using(using).create(kind="max_deposit", currency="CZK", account=account, amount=Decimal(1000))


def hold(account: Account) -> Hold:
    using = account._state.db or "default"
    by = account.actions.using(using).latest().by
    return Hold.place(uid=account.uid, amount=Decimal(1), by=by, asof=account.modified, using=using)[0]


def approval(account: Account) -> Approval:
    using = account._state.db or "default"
    return Approval.request_limit(
        kind="max_balance", currency="CZK", amount=Decimal(10**6), account=account, reason="Why",
        by=User.objects.using(using).latest("pk"), asof=timezone.now(), using=using,
    )  # fmt: skip


def run(account: Account) -> Run:
    using = account._state.db or "default"
    by, about = User.objects.using(using).latest("pk"), {"command": "freeze", "subject": "account", "state": "failed"}
    made = Run.objects.using(using).create(by=by, entities=[account.entity_id], total=1, **about)
    Row.objects.using(using).create(run=made, object_id=account.pk, account=account, entity_id=account.entity_id)
    return made


def confirm(client: Client, url: str, **fields: str) -> Any:
    """Go through form, preview and confirmation."""
    address, _, query = url.partition("?ids=")
    form = {
        **hidden(client.get(url).content.decode()),
        "reference_type": "none",
        "comment": "Asked",
        **fields,
        **({"ids": query} if query else {}),
    }
    preview = client.post(address, form)
    assert preview.status_code == 200
    return client.post(address, hidden(preview.content.decode()))


def do_everything(client: Client, site: str, account: Account) -> None:
    """Change something on every page that changes something."""
    for suffix in ("ledger_account_{}", "ledger_account_{}_selected"):
        selected = suffix.endswith("selected")
        for verb in ("deposit", "withdraw", "hold", "freeze", "unfreeze"):
            name = f"{site}:{suffix.format(verb)}"
            url = reverse(name) + f"?ids={account.pk}" if selected else reverse(name, args=[account.pk])
            answer = confirm(client, url, **({"amount": "5"} if verb in {"deposit", "withdraw", "hold"} else {}))
            assert answer.status_code == 302
    placed = Hold.objects.using(account._state.db).filter(account=account, state="pending").earliest("pk")
    assert confirm(client, reverse(f"{site}:ledger_hold_capture", args=[placed.pk])).status_code == 302
    taken = account.actions.using(account._state.db).get(hold=placed)
    back = {"amount": "1", "comment": "trying"}
    assert confirm(client, reverse(f"{site}:ledger_action_refund", args=[taken.pk]), **back).status_code == 302
    changes = reverse(f"{site}:ledger_account_change", args=[account.pk])
    assert client.post(changes, {"reason": "Asked to", "note": "tried"}).status_code == 302
    bulk = {"action": "deposit", "_selected_action": [str(account.pk)]}
    assert client.post(reverse(f"{site}:ledger_account_changelist"), bulk).status_code == 302
    entity = {"code": "tried", "name": "Tried", "parent": str(account.entity_id), "reason": "Trying"}
    inlines = ("group_grants", "person_grants")
    management = {f"{name}-{kind}_FORMS": "0" for name in inlines for kind in ("TOTAL", "INITIAL")}
    assert client.post(reverse(f"{site}:backoffice_entity_add"), {**entity, **management}).status_code == 302
    if site == "console":  # where limits are proposed
        return
    bounds = {
        "kind": "max_balance",
        "currency": "CZK",
        "entity": str(account.entity_id),
        "amount": "100000",
        "valid_0": "2024-01-01 00:00",
        "valid_1": "",
        "reason": "Trying",
    }
    answer = client.post(reverse(f"{site}:ledger_limit_add"), bounds)
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    made = Limit.objects.using(account._state.db).get(kind="max_balance", entity=account.entity_id)
    delete = reverse(f"{site}:ledger_limit_changelist")
    chosen = {"action": "delete_selected", "_selected_action": [str(made.pk)]}
    asked = client.post(delete, chosen)
    assert asked.status_code == 200
    assert "{&#x27;" not in asked.content.decode()  # no value of Python stands where a tag should
    assert client.post(delete, {**chosen, "post": "yes", "reason": "Trying"}).status_code == 302


def test_every_production_page_of_the_ledger_is_in_the_sandbox_too() -> None:
    assert set(sandbox_site._registry) == set(MODELS)
    for model, model_admin in sandbox_site._registry.items():
        assert isinstance(model_admin, SandboxModelAdmin)
        assert isinstance(model_admin, type(console_site._registry[model]))


def test_no_page_of_the_sandbox_touches_live(sandbox: Client, open_there: OpenThere) -> None:
    account = open_there("100")
    with recording() as recorder:
        for url in pages(sandbox_site, account):
            read(sandbox, url)
    assert touched(recorder, "default") == []
    assert len(touched(recorder, "sandbox")) > 50


def test_no_page_of_the_console_touches_the_sandbox(client: Client, admin: User, account: Account) -> None:
    client.force_login(admin)
    with recording() as recorder:
        for url in pages(console_site, account):
            read(client, url)
    assert recorder.statements["sandbox"] == []
    assert len(touched(recorder, "default")) > 50


def test_no_deed_in_the_sandbox_touches_live(sandbox: Client, open_there: OpenThere) -> None:
    account = open_there("100")
    with recording() as recorder:
        do_everything(sandbox, "sandbox", account)
    assert touched(recorder, "default") == []
    account.refresh_from_db(using="sandbox")
    assert (account.note, account.version, account.balance) == ("tried", 14, 96)
    assert Entity.objects.using("sandbox").get(code="tried").parent_id == account.entity_id
    assert LogEntry.objects.using("sandbox").count() == 4  # note, entity, limit, its deletion
    assert (LogEntry.objects.count(), Entity.objects.count(), Action.objects.count()) == (0, 0, 0)


def test_no_deed_in_the_console_touches_the_sandbox(client: Client, admin: User, account: Account) -> None:
    client.force_login(admin)
    with recording() as recorder:
        do_everything(client, "console", account)
    assert recorder.statements["sandbox"] == []
    assert LogEntry.objects.count() == 2


def test_actions_and_log_name_the_person_as_the_sandbox_s_own_row(
    sandbox: Client, open_there: OpenThere, admin: User
) -> None:
    account = open_there("100")
    confirm(sandbox, reverse("sandbox:ledger_account_deposit", args=[account.pk]), amount="5")
    action = account.actions.using("sandbox").latest()
    assert (action.by_id, action.by._state.db, action.by.username) == (admin.pk, "sandbox", "admin")
    assert not action.by.has_usable_password()


@pytest.mark.parametrize("way", ["page", "selection"])
def test_deletion_asks_why(sandbox: Client, open_there: OpenThere, way: str) -> None:
    made = limit(open_there("1"))
    url = reverse("sandbox:ledger_limit_changelist")
    sent = {"action": "delete_selected", "_selected_action": str(made.pk), "post": "yes"}
    if way == "page":
        url, sent = reverse("sandbox:ledger_limit_delete", args=[made.pk]), {"post": "yes"}
    html = sandbox.post(url, sent).content.decode()
    assert "Say why" in html
    assert 'name="reason"' in html
    assert Limit.objects.using("sandbox").filter(pk=made.pk).exists()
    long = sandbox.post(url, {**sent, "reason": "Typed “twice”" * 60}).content.decode()
    assert "It has 780 characters, 500 are the most." in long
    assert f'value="{"Typed “twice”" * 60}"' in long
    assert sandbox.post(url, {**sent, "reason": "Typed twice"}).status_code == 302
    assert not Limit.objects.using("sandbox").filter(pk=made.pk).exists()
    history = Limit.history.using("sandbox").filter(id=made.pk)
    assert history.latest().history_change_reason == "Typed twice"


def test_foreign_keys_offer_the_sandbox_s_rows(sandbox: Client, open_there: OpenThere, nord: Entity) -> None:
    open_there()
    query = "?app_label=ledger&model_name=limit&field_name=entity&term=nord"
    found = sandbox.get(reverse("sandbox:autocomplete") + query).json()["results"]
    assert [row["text"] for row in found] == ["Sandnord"]
    bounds = {
        "kind": "max_deposit",
        "currency": "CZK",
        "entity": str(nord.pk),
        "amount": "1",
        "valid_0": "",
        "valid_1": "",
    }
    answer = sandbox.post(reverse("sandbox:ledger_limit_add"), bounds)
    assert "entity" in answer.context["adminform"].form.errors


def typed(**fields: str) -> dict[str, str]:
    """What is typed on the form of a limit."""
    return {
        "kind": "max_deposit",
        "currency": "CZK",
        "amount": "1000",
        "valid_0": "2024-01-01 00:00",
        "valid_1": "",
        "reason": "Trying",
        **fields,
    }


@pytest.mark.parametrize("way", ["add", "change"])
def test_a_limit_that_overlaps_another_is_refused_on_its_form_by_the_rule(
    sandbox: Client, open_there: OpenThere, way: str
) -> None:
    account = open_there()
    limit(account)
    url, form = reverse("sandbox:ledger_limit_add"), typed(account=str(account.pk))
    if way == "change":
        other = limit(open_there())
        url = reverse("sandbox:ledger_limit_change", args=[other.pk])
    answer = sandbox.post(url, form)
    assert answer.context["adminform"].form.non_field_errors() == [OVERLAPS]
    assert "never overlap" in answer.content.decode()
    for free in ({"kind": "max_withdrawal"}, {"account": str(open_there().pk)}):
        assert sandbox.post(reverse("sandbox:ledger_limit_add"), {**form, **free}).status_code == 302


def test_a_limit_can_be_changed_where_it_stands_and_set_beside_a_time_that_is_over(
    sandbox: Client, open_there: OpenThere
) -> None:
    account = open_there()
    first, form = limit(account), typed(account=str(account.pk))
    ended = {**form, "valid_0": "2023-01-01 00:00", "valid_1": "2024-01-01 00:00"}
    assert sandbox.post(reverse("sandbox:ledger_limit_change", args=[first.pk]), ended).status_code == 302
    assert sandbox.post(reverse("sandbox:ledger_limit_add"), form).status_code == 302


@pytest.mark.parametrize("currency", ["XXX", "QQQ", "czk", ""])
def test_a_limit_in_a_currency_that_the_ledger_does_not_keep_is_refused_on_its_form(
    sandbox: Client, currency: str
) -> None:
    answer = sandbox.post(reverse("sandbox:ledger_limit_add"), typed(currency=currency))
    says = f"The ledger keeps no {currency}: no cap is set for it." if currency else "This field is required."
    assert answer.context["adminform"].form.errors == {"currency": [says]}


@pytest.mark.parametrize(("taken", "free"), [("default", "sandbox"), ("sandbox", "default")])
def test_unique_values_are_looked_for_where_the_work_is(
    sandbox: Client, taken: str, free: str, admin: User, filled: None
) -> None:
    site = {"default": "console", "sandbox": "sandbox"}
    Entity.objects.using(taken).create(pk=7, code="same", name="Same")
    inlines = ("group_grants", "person_grants")
    form = {f"{name}-{kind}_FORMS": "0" for name in inlines for kind in ("TOTAL", "INITIAL")} | {
        "code": "same",
        "name": "Same",
        "reason": "Trying",
    }
    refused = sandbox.post(reverse(f"{site[taken]}:backoffice_entity_add"), form)
    assert refused.context["adminform"].form.errors == {"code": ["Entity with this Code already exists."]}
    assert sandbox.post(reverse(f"{site[free]}:backoffice_entity_add"), form).status_code == 302
    assert Entity.objects.using(free).get().code == "same"


@pytest.mark.parametrize(("taken", "status"), [("sandbox", 200), ("default", 302)])
def test_a_user_name_is_taken_or_free_by_the_sandbox_alone(sandbox: Client, taken: str, status: int) -> None:
    User.objects.using(taken).create(pk=10**12, username="twin")
    answer = sandbox.post(reverse("sandbox:backoffice_user_add"), {"username": "twin", "reason": "Trying"})
    assert answer.status_code == status
    if status == 302:
        made = User.objects.using("sandbox").get(username="twin")
        assert (made.has_usable_password(), made.is_staff) == (False, False)


def test_a_confirmation_of_the_sandbox_does_not_serve_the_console(
    sandbox: Client, open_there: OpenThere, account: Account
) -> None:
    there = open_there("100", "Jana Nova")
    url = reverse("sandbox:ledger_account_deposit", args=[there.pk])
    form = {**hidden(sandbox.get(url).content.decode()), "reference_type": "none", "comment": "Asked", "amount": "5"}
    confirmation = hidden(sandbox.post(url, form).content.decode())
    sandbox.post(reverse("console:ledger_account_deposit", args=[account.pk]), confirmation)
    account.refresh_from_db()
    assert account.balance == 100


def test_links_and_messages_stay_in_the_sandbox(sandbox: Client, open_there: OpenThere) -> None:
    account = open_there("100")
    answer = confirm(sandbox, reverse("sandbox:ledger_account_deposit", args=[account.pk]), amount="5")
    html = sandbox.get(answer["Location"]).content.decode()
    assert account.actions.using("sandbox").latest().reference in html
    hrefs = set(re.findall(r'(?:href|action)="(/console/[^"]*)"', html))
    live = reverse("console:ledger_account_change", args=[account.pk])
    assert {href for href in hrefs if not href.startswith("/console/sandbox/")} == {reverse("console:index"), live}
    assert "Customer number" not in html
    assert f">{account.user.username}</a>" in html.partition('class="identity">User name <a')[2].partition("</p>")[0]
    assert f'under a made-up name. <a href="{live}">The account itself</a> is in the console.' in html


@pytest.mark.parametrize("page", ["index", "ledger_account_changelist", "backoffice_user_add"])
def test_banner_and_colour_are_on_every_page_of_the_sandbox_alone(sandbox: Client, page: str) -> None:
    html = sandbox.get(reverse(f"sandbox:{page}")).content.decode()
    assert html.count("Sandbox: nothing here is real.") == 1
    assert re.search(r'<body class="[^"]*\bsandbox\b', html)
    popup = sandbox.get(reverse("sandbox:backoffice_user_add") + "?_popup=1").content.decode()
    assert popup.count("Sandbox: nothing here is real.") == 1
    console = sandbox.get(reverse(f"console:{page}")).content.decode()
    assert "nothing here is real" not in console
    assert f'href="{reverse("sandbox:index")}"' in console


def test_an_error_takes_back_what_the_page_wrote(
    sandbox: Client, open_there: OpenThere, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = open_there("100")
    url = reverse("sandbox:ledger_account_deposit", args=[account.pk])

    def fail(*arguments: object) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr("ledger.admin.commands.base.AccountCommand.answer", fail)
    sandbox.raise_request_exception = False
    assert confirm(sandbox, url, amount="5").status_code == 500
    account.refresh_from_db(using="sandbox")
    assert (account.balance, account.version) == (100, 2)


@pytest.mark.parametrize(
    "page", ["ledger_account_changelist", "ledger_action_changelist", "backoffice_user_changelist"]
)
def test_a_list_asks_as_often_for_thirty_rows_as_for_three(sandbox: Client, open_there: OpenThere, page: str) -> None:
    def queries() -> int:
        with (
            CaptureQueriesContext(connections["sandbox"]) as there,
            CaptureQueriesContext(connections["default"]) as live,
        ):
            assert sandbox.get(reverse(f"sandbox:{page}")).status_code == 200
        return len(there) + len(live)

    for _ in range(3):
        open_there("1")
    queries()
    few = queries()
    for _ in range(27):
        open_there("1")
    assert queries() - 2 == few  # a list that is longer than a page asks how long it is, about or at least
    assert few <= 16


def test_the_walk_leaves_no_page_of_the_sandbox_out(open_there: OpenThere) -> None:
    walked = {resolve(url.partition("?")[0]).url_name for url in pages(sandbox_site, open_there("1"))}
    assert names(sandbox_site.get_urls()) - walked == {
        "login",  # these four are the console's
        "logout",
        "password_change",
        "password_change_done",
        "ledger_account_mentions",  # is sent to
        None,  # what nothing answers to
    }


def names(patterns: Sequence[Any]) -> set[str | None]:
    """Return the names of all addresses below."""
    return set().union(*(names(p.url_patterns) if isinstance(p, URLResolver) else {p.name} for p in patterns))
