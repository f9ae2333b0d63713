"""Who may what: every cell of the table in docs/roles.md, asked of the running site.

Each reader opens, and sends to, every address that the site's resolver knows. What is refused must be linked from no page
that the reader was shown, what is allowed from at least one. Every address and every action of a list is in a row.
"""

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import cache
from html import unescape
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

import pytest
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib import admin as django_admin
from django.contrib.auth.models import Group
from django.db import models
from django.http import StreamingHttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, resolve, reverse
from django.utils import timezone

from backoffice import grant_requests
from backoffice.grants import grant
from backoffice.login.models import Lockout
from backoffice.models import Entity, SavedView, User
from backoffice.roles import AGENT, ROLES
from backoffice.site import SANDBOX_GUARD
from bulk.models import Run
from imports.models import Import
from ledger.admin.commands import ACCOUNT_COMMANDS, ACTION_COMMANDS, HOLD_COMMANDS
from ledger.models import Account, Action, Approval, Cap, Hold, Limit
from sandbox.site import CONSOLE_VIEWS
from tests.audit.store import stored, stored_alert, stored_dead_letter, stored_seal, stored_verification
from tests.cast import LONG_AGO, OpenAccount
from tests.imports.files import csv_of

pytestmark = pytest.mark.django_db(databases=["default", "sandbox", "audit"])
SUPERUSER, NO_ROLE, ANONYMOUS = "Superuser", "Staff without a role", "Anonymous"
READERS = (*ROLES, SUPERUSER, NO_ROLE, ANONYMOUS)
ADMINS = {str(model._meta.verbose_name_plural): page for model, page in django_admin.site._registry.items() if not model._meta.app_label.startswith("test")}  # fmt: skip
COMMANDS = {
    command.verb: (command, model)
    for commands, model in ((ACCOUNT_COMMANDS, Account), (ACTION_COMMANDS, Action), (HOLD_COMMANDS, Hold))
    for command in commands
}
USE_SANDBOX = "Use the sandbox, and do everything in it"
# Rows about addresses of their own: all of a row's addresses answer alike. `*` stands for what the router adds to a name.
OWN_PAGES = {
    "Log in, log out": (
        "login", "logout", "account_login", "mfa_authenticate", "admin_password_reset", "login_forgotten_done",
        "login_new_password",
    ),
    "The start page": ("index",),
    "The search box of every page, for what one may see": ("find", "find_suggestions"),
    "Change one's own password": (  # and one's own second factors and sessions: tests/login asks for those
        "password_change", "password_change_done", "jsi18n", "mfa_index", "usersessions_list", "mfa_activate_totp",
        "mfa_deactivate_totp", "mfa_list_webauthn", "mfa_add_webauthn", "mfa_remove_webauthn", "mfa_view_recovery_codes",
        "mfa_generate_recovery_codes", "account_reauthenticate", "mfa_reauthenticate", "mfa_reauthenticate_webauthn",
    ),
    "The start page of the ledger's lists": ("app_list",),
    "The search behind a field that chooses an entity": ("autocomplete",),
    "Send another person a link to set a password": ("backoffice_user_invite",),
    "An account's statement and balance as of a moment, as pages and files": (
        "ledger_account_statement", "ledger_account_statement_csv", "ledger_account_statement_xlsx", "ledger_account_as_of",
    ),
    "All balances as of a moment, as a page and files": (
        "ledger_account_balances", "ledger_account_balances_csv", "ledger_account_balances_xlsx",
    ),
    "Approve and reject what others ask for": ("ledger_approval_approve", "ledger_approval_reject"),
    "Take back what one asked for": ("ledger_approval_cancel",),
    "Propose limits, their changes and ends": ("ledger_limit_propose_new", "ledger_limit_propose", "ledger_limit_end"),
    "Write a note on an account": ("ledger_account_note",),
    "Put away a note that calls oneself": ("ledger_account_mentions",),
    "Propose another cap": ("ledger_cap_propose",),
    "Ask for rights of others to be given and taken, and for entities to be moved": (
        "backoffice_entity_rights", "backoffice_user_rights", "backoffice_entity_move",
    ),
    "Approve and reject what others ask for about rights": (
        "backoffice_grantrequest_approve", "backoffice_grantrequest_reject",
    ),
    "Take back what one asked for about rights": ("backoffice_grantrequest_cancel",),
    "Confirm an import of one's own, and fetch what it refused": (
        "imports_import_confirm", "imports_import_refused", "imports_import_example_csv", "imports_import_example_xlsx",
    ),
    "How far an import has come": ("imports_import_progress",),
    "Keep views of a list that one sees, and choose its columns": ("list_keep_view", "list_columns"),
    "Begin a list with a view, and delete one's own": ("list_change_view",),
    "How far a bulk run has come, and its rows as files": ("bulk_run_progress", "bulk_run_rows_csv", "bulk_run_rows_xlsx"),
    "Stop a bulk run, or have it go on": ("bulk_run_stop", "bulk_run_go_on"),
    "What waits for one's decision, of all kinds": ("waiting",),
    "Acknowledge an alert": ("audit_alert_acknowledge",),
    "Have a delivery tried again": ("audit_deadletter_retry",),
    "Lift a lock-out": ("login_lockout_lift",),
}  # fmt: skip
# Rows about what a page shows or offers, beside its address.
ON_A_PAGE: dict[str, tuple[str, Callable[[str], bool]]] = {
    "Recheck an account when its note is saved": ("ledger_account_change", lambda html: 'name="recheck"' in html),
    "Write to the customer when an account's note is saved": (
        "ledger_account_change",
        lambda html: 'name="notify"' in html,
    ),
    "Keep a view of a list for one's team": ("ledger_account_changelist", lambda html: 'name="team"' in html),
    "Ask for a review when an account's note is saved": (
        "ledger_account_change",
        lambda html: 'name="review"' in html,
    ),
    "Make other people staff": ("backoffice_user_change", lambda html: 'name="is_staff"' in html),
    "Make superusers": ("backoffice_user_change", lambda html: 'name="is_superuser"' in html),
    "Give single permissions": ("backoffice_user_change", lambda html: 'name="user_permissions"' in html),
    "Put people into groups by a form": ("backoffice_user_change", lambda html: 'name="groups"' in html),
    "See personal values in the record": ("audit_event_change", lambda html: "Jolana" in html),
}
MODEL_PAGES = {
    "changelist": "List", "change": "Page", "history": "Page", "add": "Add", "delete": "Delete", "export_csv": "Download",
    "export_xlsx": "Download", "export_json": "Download",
}  # fmt: skip
SEE_STAFF = "See staff and people without an account"
STATIC = "Style sheets, scripts and images"
# Allowed, and yet linked from no page that the walk sees: why.
UNLINKED = {
    "login": "one is in already",
    "jsi18n": "a script of forms",
    "autocomplete": "called by a script",
    "find_suggestions": "called by a script",
    "password_change_done": "follows the change",
    "ledger_approval_cancel": "offered to who asked",
    "backoffice_grantrequest_cancel": "offered to who asked",
    "ledger_account_mentions": "offered to who is called",
    "imports_import_refused": "offered once something is refused",
    "list_change_view": "offered with a view that is shown",
    "bulk_run_progress": "asked by a script while it runs",
    "imports_import_progress": "asked by a script while it runs",
    "ledger_account_balances_csv": "offered once a moment is chosen",
    "ledger_account_balances_xlsx": "offered once a moment is chosen",
}


# One guard stands before all of the sandbox, and a test sees to it: these are asked for.
OF_SANDBOX = {"index", "ledger_account_changelist", "ledger_account_change", "ledger_account_deposit"}


class Address(NamedTuple):
    """One address of the console: its name, or what its view is called, and its pattern."""

    name: str
    pattern: URLPattern


def walked(resolver: URLResolver, namespace: str = "") -> Iterator[tuple[str, Address]]:
    """Give each address with its namespace."""
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            yield from walked(pattern, pattern.namespace or namespace)
        elif isinstance(pattern, URLPattern):
            view: Any = pattern.callback
            model_admin = getattr(view, "model_admin", None)
            unnamed = f"{model_admin.opts.app_label}_{model_admin.opts.model_name}_" if model_admin else view.__name__
            yield namespace, Address(pattern.name or unnamed, pattern)


def row_of(namespace: str, name: str) -> str:
    """Return the row that an address belongs to."""
    own = {one: row for row, names in OWN_PAGES.items() for one in names}
    if namespace == "sandbox":
        return "Log in, log out" if name in CONSOLE_VIEWS else USE_SANDBOX
    if name in own:
        return own[name]
    for subject, page in ADMINS.items():
        what = name.removeprefix(f"{page.opts.app_label}_{page.opts.model_name}_")
        if what == name:
            continue
        if what in MODEL_PAGES or not what:
            return f"{MODEL_PAGES.get(what, 'Page')}: {subject}"
        for verb, (command, model) in COMMANDS.items():
            if model is page.model and what in {command.name, f"{command.name}_selected"}:
                return f"Command: {verb}"
    return f"no row for {namespace}:{name}"


def rows() -> set[str]:
    """Return every row that the table has to have."""
    kinds = ("List", "Page", "Download", "Add", "Change", "Delete")
    rows_of_models = {f"{kind}: {subject}" for kind in kinds for subject in ADMINS}
    commands = {f"Command: {verb}" for verb in COMMANDS}
    others = {USE_SANDBOX, SEE_STAFF, STATIC}
    return rows_of_models | commands | OWN_PAGES.keys() | ON_A_PAGE.keys() | others


@cache
def table() -> dict[str, dict[str, bool]]:
    """Return the documented table: what, and for each reader whether they may."""
    lines = (settings.BASE_DIR / "docs/roles.md").read_text().splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    readers = cells[0][1:]
    assert {mark for row in cells[2:] for mark in row[1:]} == {"yes", "\N{EN DASH}"}
    assert len({row[0] for row in cells[2:]}) == len(cells[2:])
    return {row[0]: dict(zip(readers, (mark == "yes" for mark in row[1:]), strict=True)) for row in cells[2:]}


# The table is whole


def test_every_address_is_in_a_row_of_the_table() -> None:
    every = {row_of(*place) for place in {(namespace, one.name) for namespace, one in walked(get_resolver())}}
    assert every - table().keys() == {"no row for console:catch_all_view"}  # answers 404 to whoever is logged in


def test_one_guard_stands_before_all_of_the_sandbox() -> None:
    pages: dict[str, Any] = {
        one.name: one.pattern.callback for name, one in walked(get_resolver()) if name == "sandbox"
    }
    others = {name for name, view in pages.items() if view.guard != SANDBOX_GUARD}
    assert others == set(CONSOLE_VIEWS)
    assert pages.keys() >= OF_SANDBOX


def test_every_row_of_the_table_is_tried_for_every_reader() -> None:
    assert table().keys() == rows()
    assert {tuple(cells) for cells in table().values()} == {READERS}


def test_every_action_of_a_list_is_in_a_row_of_the_table(admin: User, rf: Any) -> None:
    request = rf.get("/")
    request.user = admin
    page: Any
    for page in ADMINS.values():
        names = {name for _, name, _ in page._get_base_actions()} | page.get_actions(request).keys()
        assert names <= {"delete_selected", *(command.name for command in getattr(page, "commands", ()))}
        for name in names - {"delete_selected"}:
            assert row_of("console", f"{page.opts.app_label}_{page.opts.model_name}_{name}_selected") in table()


# The site does what it says


class World(NamedTuple):
    """A row of every list, and who is asked for."""

    rows: dict[str, models.Model]  # by the name of the list
    more: list[models.Model]  # whose pages link to what those of `rows` do not
    colleague: User


def locked_out() -> Lockout:
    """Return the lock-out of somebody who failed too often."""
    AccessAttempt.objects.create(username="somebody", ip_address="10.0.0.1", failures_since_start=99)
    return Lockout.objects.get()


@pytest.fixture
def world(open_account: OpenAccount, nord: Entity, agent: User) -> World:
    account, frozen = open_account("5"), open_account("7", name="Petr Frozen")
    deposited = account.actions.latest()
    hold, _ = Hold.place(uid=account.uid, amount=Decimal(1), by=agent, asof=account.modified)
    Account.freeze(uid=frozen.uid, by=agent, asof=timezone.now(), comment="Lost card")
    colleague, other = (
        User.objects.create_user(name, f"{name}@example.com", is_staff=True) for name in ("colleague", "other")
    )
    group = Group.objects.create(name="Somebody's own")
    grant(group, nord)
    grant(colleague, nord)
    found: list[models.Model] = [
        account, account.user, deposited, hold, nord, Cap.objects.get(currency="CZK"), group,
        Limit.objects.create(kind="max_balance", currency="CZK", amount=9, account=account),
        Approval.request_limit(
            kind="max_deposit", currency="CZK", amount=Decimal(9), account=account, by=agent, asof=timezone.now(), reason="x"
        ),
        grant_requests.ask(by=other, give=True, person=colleague, group=Group.objects.get(name=AGENT), reason="x"),
        Import.objects.create(file_name="a.csv", format="csv", size=1, by=agent, content=csv_of([account.uid, "deposit", "1", *[""] * 5])),
        Run.objects.create(
            by=agent, command="freeze", subject="account", what="Freeze", selection="x", total=1, entities=[nord.pk], state="failed"
        ),
        stored(
            type="change.created", created=LONG_AGO, username="agent", object_type="backoffice.user",
            object_id=str(account.user_id), data={"new": {"first_name": "Jolana"}},
        ),
        stored_seal(1), stored_verification(1),
        locked_out(), stored_alert("1", rule="many_views", text="Looked a lot"), stored_dead_letter(),
    ]  # fmt: skip
    return World({str(row._meta.verbose_name_plural): row for row in found}, [frozen, colleague], colleague)


def reader(role: str, world: World, nord: Entity) -> Client:
    """Return a browser in which somebody is logged in who works on nord; an import is that person's own."""
    browser = Client()
    if role == ANONYMOUS:
        SavedView.objects.create(person=world.colleague, label="ledger.account", name="theirs", query="status=frozen")
        return browser
    user = User.objects.create_user(role.replace(" ", "_"), is_staff=True, is_superuser=role == SUPERUSER)
    if role in ROLES:
        user.groups.add(Group.objects.get(name=role))
    grant(user, nord)
    Import.objects.update(by=user)
    SavedView.objects.create(person=user, label="ledger.account", name="mine", query="status=frozen")
    browser.force_login(user)
    return browser


def at(namespace: str, address: Address, world: World) -> str:
    """Return an address with objects in it."""
    name, pattern = address
    if not pattern.pattern.regex.groupindex and not pattern.pattern.converters:
        page = reverse(f"{namespace}:{name}")
        if name.endswith("_selected"):
            page += f"?ids={_named(name, world).pk}"
        return f"{page}?app_label=ledger&model_name=limit&field_name=entity" if name == "autocomplete" else page
    if name == "app_list":
        return reverse(f"{namespace}:app_list", args=["ledger"])
    if name.startswith("list_"):
        args = [SavedView.objects.latest("pk").pk] if name == "list_change_view" else ["ledger.account"]
        return reverse(f"{namespace}:{name}", args=args)
    if name.endswith("_"):  # leads to the change page
        return reverse(f"{namespace}:{name}change", args=[_named(name, world).pk]).removesuffix("change/")
    return reverse(f"{namespace}:{name}", args=[_named(name, world).pk])


def _named(name: str, world: World) -> models.Model:
    """Return the object that an address is about."""
    [subject] = [s for s, page in ADMINS.items() if name.startswith(f"{page.opts.app_label}_{page.opts.model_name}_")]
    return world.rows[subject]


def allowed(response: Any) -> bool:
    """Whether an answer is none of the refusals."""
    if isinstance(response, StreamingHttpResponse):
        b"".join(response)  # to its end, so that the file behind it is closed
    if response.status_code == 302:
        path = urlsplit(response.url).path
        assert path != reverse("console:index"), "led away, as if it were not there"
        return bool(path != reverse("console:login"))
    assert response.status_code in {200, 403, 404, 405, 503}, response.status_code
    return response.status_code not in {403, 404}


class Walk:
    """What one reader found: the pages shown, what was allowed, and what those pages link to."""

    def __init__(self, browser: Client, world: World) -> None:
        self.browser, self.world = browser, world
        self.html: dict[str, str] = {}
        self.may: dict[tuple[str, str], set[bool]] = {}
        self.linked: set[str] = set()
        self.linked_sandbox = False
        for namespace, address in walked(get_resolver()):
            sampled = namespace == "console" or address.name in OF_SANDBOX
            if sampled and address.name not in {"logout", "catch_all_view"}:
                self._open(namespace, address)
        for row in world.more:
            page = reverse(f"console:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
            response = browser.get(page)
            if response.status_code == 200:
                self._read(page, response.content.decode())

    def _open(self, namespace: str, address: Address) -> None:
        page = at(namespace, address, self.world)
        shown = self.browser.get(page)
        if address.name == "login":  # who is in already is led to the start
            self.may["console", "login"] = {
                shown.status_code == 200 or shown.headers["Location"] == reverse("console:index")
            }
            return
        answers = self.may.setdefault((namespace, address.name), set())
        answers.add(allowed(shown))
        if shown.status_code == 200 and not shown.streaming and "html" in shown["Content-Type"]:
            self.html[address.name] = shown.content.decode()
            self._read(page, self.html[address.name])

    def _read(self, page: str, html: str) -> None:
        """Note where a page leads to."""
        for link in re.findall(r'(?:href|action)="([^"]+)"', html):
            path = urlsplit(urljoin(page, unescape(link))).path
            if path.startswith("/static/"):
                continue
            match = resolve(path)
            self.linked_sandbox |= match.namespace == "sandbox"
            if match.namespace == "console" and match.url_name:
                self.linked.add(match.url_name)
        for select in re.findall(r'<select name="action".*?</select>', html, re.DOTALL):
            model = str(resolve(urlsplit(page).path).url_name).removesuffix("changelist")
            self.linked |= {f"{model}{name}_selected" for name in re.findall(r'<option value="(\w+)"', select)}

    def sends(self) -> Iterator[str]:
        """Send an empty form to every address that is refused, and give those that take it."""
        for namespace, address in walked(get_resolver()):
            if self.may.get((namespace, address.name)) == {False}:
                response = self.browser.post(at(namespace, address, self.world), {})
                if allowed(response) and response.status_code != 405:
                    yield f"{namespace}:{address.name}"

    def verdict(self, row: str) -> object:
        """Return whether the reader may do what a row says, or what its addresses do not agree on."""
        kind, _, subject = row.partition(": ")
        if kind == "Change":
            return self._changes(subject)
        if row == SEE_STAFF:
            page = reverse("console:backoffice_user_change", args=[self.world.colleague.pk])
            return self.browser.get(page).status_code == 200
        if row == STATIC:
            return allowed(self.browser.get("/static/console/console.css"))
        if row in ON_A_PAGE:
            page, shows = ON_A_PAGE[row]
            return shows(self.html.get(page, ""))
        found = {name: answers for name, answers in self.may.items() if row_of(*name) == row}
        [*agreed] = set().union(*found.values())
        return agreed[0] if len(agreed) == 1 else found

    def _changes(self, subject: str) -> object:
        """Whether a page offers to save, and takes what is sent to it."""
        opts = ADMINS[subject].opts
        name = f"{opts.app_label}_{opts.model_name}_change"
        sent = self.browser.post(reverse(f"console:{name}", args=[self.world.rows[subject].pk]), {})
        answers = {'name="_save"' in self.html.get(name, ""), allowed(sent)}
        return answers.pop() if len(answers) == 1 else f"saves and takes differ: {sent.status_code}"


@pytest.mark.parametrize("role", READERS)
def test_site_does_what_the_table_says(world: World, nord: Entity, role: str) -> None:
    walk = Walk(reader(role, world, nord), world)
    wrong = {row: found for row, cells in table().items() if (found := walk.verdict(row)) is not cells[role]}
    assert wrong == {}
    may = {name for (namespace, name), answers in walk.may.items() if namespace == "console" and answers == {True}}
    named = {name for name in may if not name.endswith("_")}
    assert walk.linked - may - {"logout"} == set()  # nothing is offered that is refused
    assert named - walk.linked - UNLINKED.keys() == set()  # all that is allowed is offered
    assert walk.linked_sandbox == table()[USE_SANDBOX][role]
    assert list(walk.sends()) == []
