"""Text that would be a page: put into every field that keeps text, shown on every page that shows it, and never markup.

The parser is the judge: no element, attribute, script or address of a payload may come to be, on any page of the site; and
in a browser nothing of it runs.
"""

import io
import re
import zipfile
from collections.abc import Iterator
from decimal import Decimal
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.apps import apps
from django.contrib.staticfiles import finders
from django.core import mail
from django.db import models
from django.http import StreamingHttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Route, sync_playwright

from backoffice import grant_requests
from backoffice.grants import grant
from backoffice.login.models import Lockout
from backoffice.models import Entity, SavedView, User
from bulk.models import Row, Run
from imports.models import Import
from ledger.models import Account, Approval, Hold, Limit, Note
from sandbox.models import Refresh
from tests.audit.store import stored, stored_alert, stored_dead_letter, stored_verification
from tests.browser.conftest import CHROMIUM, QUIET
from tests.cast import LONG_AGO
from tests.imports.files import csv_of, upload
from tests.security.walk import addresses
from tests.security.world import TOKEN, browser_of, spread_keys

FEW = 1_000_000  # keys are more than this, but for those of the event store
WAYS = (  # out of text, an attribute in either quotes, a script, a comment, a title; and into an address
    "<zx-{0}>", "\"><zx-{0} a=\"", "'><zx-{0} a='", "\" onzx=\"zx()", "' onzx='zx()", "</script><script>zx()</script>",
    "</textarea></title></style><zx-{0}>", "--><zx-{0}>", "<img src=x onerror=zx()>", "javascript:zx()",
)  # fmt: skip
LONGEST = 150


def evil(name: str, longest: int = LONGEST) -> str:
    """Return a text of as many ways as fit, with a name by which it is known again: what was not escaped bears it too."""
    text = f"\u00a7{name}\u00a7"
    for way in (pattern.format(name) for pattern in WAYS):
        text += way if len(text) + len(way) <= longest else ""
    return text


# Every field that keeps text of people, with where its payload comes from; a test compares with the models.
FIELDS = {
    "backoffice.Entity.name": "entity", "backoffice.Entity.code": "is a slug",
    "backoffice.User.username": "username", "backoffice.User.first_name": "first", "backoffice.User.last_name": "last",
    "backoffice.User.email": "email", "backoffice.User.phone": "phone", "backoffice.User.password": "is a hash",
    "ledger.Account.note": "note", "ledger.Note.text": "noted", "ledger.Account.currency": "is one that has a cap", "ledger.Cap.currency": "is made by migrations",
    "ledger.Action.comment": "comment", "ledger.Action.external_reference": "external", "ledger.Action.reference": "is the database's",
    "ledger.Action.currency": "is the account's", "ledger.Action.idempotency_key": "is shown nowhere",
    "ledger.Approval.reason": "reason", "ledger.Approval.comment": "decision", "ledger.Approval.error_text": "is a sentence of ours",
    "ledger.Approval.error_code": "is ours", "ledger.Approval.currency": "is the account's", "ledger.Approval.asked": "comment",
    "ledger.Approval.shown": "is ours", "ledger.Hold.currency": "is the account's",
    "ledger.Limit.currency": "is one that has a cap", "ledger.Refusal.code": "is ours", "ledger.Refusal.text": "is ours",
    "ledger.Refusal.idempotency_key": "is shown nowhere",
    "imports.Import.file_name": "file", "imports.Import.reason": "why", "imports.Import.sha256": "is computed",
    "imports.Import.problem": "problem", "imports.Import.results": "comment",
    "auth.Group.name": "group", "auth.Permission.name": "is made by migrations", "auth.Permission.codename": "is made by migrations",
    "backoffice.GrantRequest.reason": "grantwhy", "backoffice.GrantRequest.comment": "grantdecision",
    "backoffice.GrantRequest.shown": "is ours", "axes.AccessAttempt.username": "lockedout",
    "audit.Event.type": "type", "audit.Event.username": "actor", "audit.Event.object_type": "kind", "audit.Event.object_id": "key",
    "audit.Event.request_id": "request", "audit.Event.method": "method", "audit.Event.path": "path", "audit.Event.browser": "browser",
    "audit.Event.reason": "because", "audit.Event.data": "data",
    "audit.Alert.rule": "rule", "audit.Alert.key": "is shown nowhere", "audit.Alert.text": "alert", "audit.Alert.username": "alerted",
    "audit.Alert.acknowledged_by": "acknowledger", "audit.Alert.reason": "acknowledged",
    "audit.DeadLetter.subscriber": "subscriber", "audit.DeadLetter.type": "lettertype", "audit.DeadLetter.error": "error",
    "backoffice.SavedView.name": "search", "backoffice.SavedView.query": "query", "backoffice.SavedView.label": "is ours",
    "backoffice.ListChoice.label": "is ours",
    "bulk.Run.what": "runwhat", "bulk.Run.selection": "runof", "bulk.Run.reason": "runwhy", "bulk.Run.problem": "runproblem",
    "bulk.Run.query": "is an address", "bulk.Run.asked": "is shown nowhere", "bulk.Run.command": "is ours",
    "bulk.Run.subject": "is ours", "bulk.Run.request_id": "is ours", "bulk.Row.text": "rowtext", "bulk.Row.code": "is ours",
    "audit.Verification.findings": "finding", "audit.Verification.head": "head",
}  # fmt: skip
# Tables that no page shows, or that hold what one of the above holds.
NOT_SHOWN = ("Historical", "Outbox", "Cursor", "Seal", "SealKey", "Analyst", "Refresh", "Session", "LogEntry", "ContentType", "UserObjectPermission", "GroupObjectPermission", "EmailAddress", "EmailConfirmation", "AccessFailureLog", "AccessLog", "Authenticator")  # fmt: skip
NOWHERE = {
    *(f"axes.AccessAttempt.{name}" for name in ("get_data", "http_accept", "path_info", "post_data", "user_agent")),
    *(f"usersessions.UserSession.{name}" for name in ("data", "session_key")),
    "usersessions.UserSession.user_agent",  # shown to its owner alone, as the browser of the walk says it
}
TEXTS = (models.CharField, models.TextField, models.JSONField)


def fields() -> Iterator[str]:
    """Yield every field of the product that keeps a text which is no choice."""
    for model in apps.get_models():
        name = model.__name__
        if model._meta.app_label.startswith("test") or name.startswith(NOT_SHOWN) or model._meta.proxy:
            continue
        for field in model._meta.concrete_fields:
            if isinstance(field, TEXTS) and not field.choices and field.model is model:
                place = f"{model._meta.app_label}.{name}.{field.name}"
                if place not in NOWHERE:
                    yield place


def test_every_field_that_keeps_text_has_a_payload_or_a_reason() -> None:
    assert sorted(fields()) == sorted(FIELDS)


class World:
    """What the pages show: one of everything, every text of it a payload."""

    def __init__(self) -> None:
        spread_keys("default")  # so that no count looks like a key
        self.entity = Entity.objects.create(code="evil", name=evil("entity", 120))
        self.group = self._group()
        self.admin = User.objects.create_superuser(
            "xss_admin", first_name=evil("adminfirst"), last_name=evil("adminlast")
        )
        grant(self.admin, self.entity)
        self.customer = User.objects.create(
            username=evil("username", 150), first_name=evil("first", 150), last_name=evil("last", 150),
            email=f"{evil('email', 60)}@example.com", phone=evil("phone", 32),
        )  # fmt: skip
        self.customer.groups.add(self.group)
        by: dict[str, Any] = {"by": self.admin, "comment": evil("comment", 500)}
        self.account, _ = Account.create(user=self.customer, entity=self.entity, currency="CZK", asof=LONG_AGO, **by)
        self.account.note = evil("note", 500)
        self.account.save()
        bank: dict[str, Any] = {"reference_type": "card", "reference": evil("external", 64)}
        uid = self.account.uid
        self.account, self.action = Account.deposit(uid=uid, amount=Decimal(1000), asof=LONG_AGO, **bank, **by)
        self.hold, _ = Hold.place(uid=uid, amount=Decimal(5), asof=timezone.now(), **by)
        self.limit = Limit.objects.create(kind="approval", currency="CZK", amount=50, account=self.account)
        Note.write(account=self.account, text=f"@{self.admin.username} {evil('noted', 500)}", by=self.admin)
        clerk = User.objects.create_user("xss_clerk", is_staff=True, first_name=evil("clerkfirst"))
        ask: dict[str, Any] = {
            "verb": "deposit",
            "uid": uid,
            "by": clerk,
            "asof": timezone.now(),
            "comment": evil("comment", 500),
        }
        self.approval = Approval.request(amount=Decimal(60), reason=evil("reason", 500), **ask)
        self.decided = Approval.request(amount=Decimal(61), reason=evil("reason", 500), **ask)
        Approval.reject(uid=self.decided.uid, by=self.admin, asof=timezone.now(), comment=evil("decision", 500))
        other = User.objects.create_superuser("xss_other", first_name=evil("otherfirst"))
        grant_requests.ask(by=other, give=True, person=clerk, group=self.group, reason=evil("grantwhy", 400))
        self.right = grant_requests.ask(
            by=other, give=True, person=clerk, entity=self.entity, reason=evil("grantwhy", 400)
        )
        grant_requests.reject(pk=self.right.pk, by=self.admin, comment=evil("grantdecision", 400))
        AccessAttempt.objects.create(username=evil("lockedout", 150), ip_address="10.0.0.1", failures_since_start=99)
        Refresh.objects.using("sandbox").create(users=0, accounts=0, actions=0)
        self.browser = browser_of(self.admin, headers={"user-agent": evil("agent", 250)})
        self._import()
        self._record()

    @staticmethod
    def _group() -> Any:
        from django.contrib.auth.models import Group  # noqa: PLC0415  named like a field above

        return Group.objects.create(name=evil("group", 150))

    def _import(self) -> None:
        row = (str(self.account.uid), "deposit", "1.00", "", "", "", evil("comment", 200), "xss")
        bad = (evil("uid", 40), "deposit", evil("sum", 40), "", evil("kind", 40), "", "", "")
        page = reverse("console:imports_import_add")
        sent = {"file": upload(csv_of(row, bad), f"{evil('file', 90).replace('/', '')}.csv"), "how": "valid", "reason": evil("why", 400)}  # fmt: skip
        self.preview = self.browser.post(page, sent, follow=True)
        self.imported = Import.objects.latest("pk")
        [token] = TOKEN.findall(self.preview.content.decode())
        self.browser.post(reverse("console:imports_import_confirm", args=[self.imported.pk]), {"token": token})
        header = upload(csv_of(header=(evil("problem", 60), "account")), "bad.csv")
        self.unreadable = self.browser.post(page, {"file": header, "how": "valid", "reason": evil("why", 400)})
        self.waiting = self.browser.post(
            page, {"file": upload(csv_of(bad), "waiting.csv"), "how": "all", "reason": evil("why", 400)}, follow=True
        )

    def _record(self) -> None:
        texts = {
            "username": "actor", "request_id": "request", "method": "method", "path": "path", "browser": "browser", "reason": "because",
        }  # fmt: skip
        told = {name: evil(mark) for name, mark in texts.items()}
        about = {"object_type": "ledger.account", "object_id": str(self.account.pk), "entity_id": self.entity.pk}
        changes = {"changes": {"note": {"old": evil("data"), "new": evil("data")}, evil("column"): True}}
        data = [
            ("change.updated", {**changes, "source": evil("source")}), ("object.viewed", {"page": evil("page"), "query": "q=" + evil("asked")}),
            ("access.refused", {"why": evil("whynot")}), ("import.posted", {"file": evil("file"), "sha256": "x", "problem": evil("problem")}),
            ("command.refused", {"command": evil("verb"), "refusals": [evil("refusal")]}), ("right.given", {"kind": evil("kind"), "right": evil("right")}),
            ("search.saved", {"name": evil("search"), "query": "x"}), ("alert.opened", {"rule": "r", "text": evil("alert")}),
            ("export.downloaded", {"format": evil("format"), "rows": 1, "query": "q=" + evil("asked")}), ("delivery.retried", {"subscriber": evil("subscriber"), "event": "x"}),
            ("record.forged", {"type": evil("type"), "told": {}, "source": evil("source")}),
        ]  # fmt: skip
        self.events = [stored(type=kind, data=of, **about, **told) for kind, of in data]
        self.events.append(stored(type=evil("type"), data={"x": evil("data")}, **{**about, "object_type": evil("kind"), "object_id": evil("key")}, **told))  # fmt: skip
        SavedView.objects.create(
            person=self.admin, label="audit.event", name=evil("search", 80), query=evil("query", 200)
        )
        SavedView.objects.create(person=self.admin, label="audit.event", name="script", query="javascript:zx()")
        self.alert = stored_alert(
            "xss", rule=evil("rule", 60), text=evil("alert"), username=evil("alerted"), acknowledged_by=evil("acknowledger"),
            reason=evil("acknowledged"), event_id=self.events[0].pk,
        )  # fmt: skip
        self.letter = stored_dead_letter(
            subscriber=evil("subscriber", 60), type=evil("lettertype"), error=evil("error")
        )
        self.run = stored_verification(7)
        about = {"by": self.admin, "entities": [self.entity.pk], "total": 1, "command": "freeze", "subject": "account"}
        texts = {
            "what": evil("runwhat"),
            "selection": evil("runof"),
            "reason": evil("runwhy"),
            "problem": evil("runproblem"),
        }
        self.bulk = Run.objects.create(state="failed", refused=1, request_id="x", query="status=open", **about, **texts)
        row = {"account": self.account, "entity": self.entity, "state": "refused", "text": evil("rowtext")}
        Row.objects.create(run=self.bulk, object_id=self.account.pk, **row)

    @property
    def keys(self) -> dict[str, Any]:
        """The key of a row of each model, by label."""
        rows = [
            self.entity, self.customer, self.group, self.account, self.action, self.hold, self.limit, self.approval,
            Import.objects.filter(state="posted").latest("pk"), self.bulk, self.alert, self.letter, self.run, self.right,
            Lockout.objects.order_by("pk")[0],
        ]  # fmt: skip
        return {row._meta.label_lower: row.pk for row in rows} | {"ledger.cap": "CZK", "audit.seal": 1}


class Judge(HTMLParser):
    """Collects what of a page would act: elements, attributes, addresses and scripts that are no text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self.text: list[str] = []
        self.inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside = tag if tag in {"script", "style"} else ""
        if tag.startswith("zx") or (tag == "img" and ("src", "x") in attrs):
            self.found.append(f"<{tag}>")
        for name, value in attrs:
            if name.startswith(("zx", "on")) or not re.fullmatch(r"(xlink:)?[a-z][a-z0-9-]*", name):
                self.found.append(f"{tag} {name}={value!r}"[:200])
            address = name in {"href", "src", "action", "formaction", "data", "srcset", "content"}
            if address and re.match(r"[\x00-\x20]*(javascript|data|vbscript):", value or "", re.IGNORECASE):
                self.found.append(f"{tag} {name}={value!r}"[:200])
            self.text.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside and "zx" in data:
            self.found.append(f"in {self.inside}: {data[:200]}")
        self.text.append(data)

    def handle_comment(self, data: str) -> None:
        if "zx" in data:
            self.found.append(f"in a comment: {data[:200]}")


def judged(content: str) -> tuple[list[str], str]:
    """Return what of a page would act, and all that it shows as text."""
    judge = Judge()
    judge.feed(content)
    judge.close()
    return judge.found, "".join(judge.text)


@pytest.fixture(scope="module")
def xss(worker: str, django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    from tests import clones  # noqa: PLC0415  as in this folder's conftest

    with django_db_blocker.unblock():
        yield World()
        clones.clone(worker)


def pages(xss: World) -> Iterator[str]:
    """Yield every page of the console, and those that show what was typed."""
    keys = xss.keys
    for address in addresses():
        if address.place != "console" or "export" in address.name or address.name.endswith(("_csv", "_xlsx")):
            continue
        if address.name in {"logout", "view_on_site"} or (address.model == "audit.event" and address.takes):
            continue
        values = {
            name: {"app_label": "ledger", "url": "nowhere"}.get(name, keys.get(address.model, 1))
            for name in address.takes
        }
        yield address.filled(values)
    yield from (reverse("console:audit_event_change", args=[event.pk]) for event in xss.events)
    yield reverse("console:ledger_approval_change", args=[xss.decided.pk])
    for model in ("account", "action"):
        verb = {"account": "deposit", "action": "reverse"}[model]
        yield reverse(f"console:ledger_{model}_{verb}_selected") + f"?ids={keys[f'ledger.{model}']}"
    for name in ("account", "action", "hold", "limit", "approval", "entity", "user"):
        app = "backoffice" if name in {"entity", "user"} else "ledger"
        page = reverse(f"console:{app}_{name}_changelist")
        yield from (page + "?q=" + evil("typed"), page + "?as_of=" + evil("moment"), page + "?_popup=1", page + "?_changelist_filters=" + evil("nested"))  # fmt: skip
        yield page + "?as_of=2026-01-01T00:00:00"
        history = reverse(f"console:{app}_{name}_history", args=[keys[f"{app}.{name}"]])
        yield from (
            history + "?at=" + timezone.localtime().strftime("%Y-%m-%dT%H:%M:%S"),
            history + "?until=" + evil("until"),
        )
    log = reverse("console:audit_event_changelist")
    yield from (f"{log}?window=all&username={evil('typed')}", f"{log}?q={evil('typed')}", f"{log}?since={evil('typed')}", f"{log}?type=javascript:zx()")  # fmt: skip
    account = keys["ledger.account"]
    yield reverse("console:ledger_account_statement", args=[account]) + "?since=2024-01-01&until=2024-12-31"
    yield reverse("console:ledger_account_statement", args=[account]) + "?since=2024-01-01&until=2024-12-31&print=1"
    yield reverse("console:ledger_account_statement", args=[account]) + f"?since={evil('typed')}&until={evil('typed')}"
    yield (
        reverse("console:ledger_limit_propose_new")
        + f"?kind={evil('typed')}&amount={evil('typed')}&account={evil('typed')}"
    )
    yield reverse("console:ledger_limit_propose_new") + f"?account={xss.account.uid}"
    yield reverse("console:ledger_account_balances") + f"?moment={evil('typed')}&entity={evil('typed')}"
    yield reverse("console:ledger_account_balances") + "?moment=2026-11-01T00:00:00&clock=business"
    yield reverse("console:login") + "?next=javascript:zx()"
    yield reverse("console:ledger_account_change", args=["zx"]) + evil("typed")
    yield "/console/" + evil("typed") + "/"


@pytest.fixture(scope="module")
def walked(xss: World) -> dict[str, str]:
    """Every page, as it was answered."""
    return {page: shown(xss.browser, page) for page in pages(xss)}


def shown(browser: Client, page: str) -> str:
    answer = browser.get(page, follow=True)
    assert answer.status_code < 500, page
    if isinstance(answer, StreamingHttpResponse) or "html" not in answer.headers.get("Content-Type", ""):
        answer.close()
        return ""
    return answer.content.decode()


# What a page is called: its title, the trail above it and its headings; and what leads to it from lists.
CALLED = re.compile(
    r'<title>(.*?)</title>|<div class="breadcrumbs">(.*?)</div>|<h[12][^>]*>(.*?)</h[12]>|<th[^>]*scope="row"[^>]*>(.*?)</th>'
    r'|<th class="field-[^>]*>(.*?)</th>', re.DOTALL
)  # fmt: skip


def test_no_page_is_called_by_an_id(xss: World, walked: dict[str, str]) -> None:
    ids = {str(key) for key in xss.keys.values() if isinstance(key, int) and key > FEW}
    faults = set()
    for page, html in walked.items():
        for parts in CALLED.findall(html):
            said = unescape(re.sub(r"<[^>]+>", " ", "".join(parts)))
            if "object (" in said or ids & {number.replace(",", "") for number in re.findall(r"[0-9][0-9,]*", said)}:
                faults.add((page, " ".join(said.split())))
    assert sorted(faults) == []


def test_no_page_lets_a_text_become_markup(walked: dict[str, str]) -> None:
    faults, seen = {}, ""
    for page, html in walked.items():
        found, text = judged(html)
        seen += text
        if found:
            faults[page] = found
    assert list(faults.items())[:3] == []
    named = {mark for mark in FIELDS.values() if " " not in mark}
    assert {mark for mark in named if f"\u00a7{mark}\u00a7" not in seen} - {"finding", "head"} == set()


COMMANDS = {"deposit": "account", "withdraw": "account", "hold": "account", "freeze": "account", "reverse": "action", "refund": "action", "capture": "hold", "release": "hold"}  # fmt: skip


def test_no_confirmation_or_refusal_lets_a_text_become_markup(xss: World) -> None:
    faults: dict[str, list[str]] = {}
    typed = {
        "comment": evil("comment"),
        "reason": evil("comment"),
        "reference": evil("reference", 64),
        "reference_type": "card",
    }
    for verb, model in COMMANDS.items():
        page = reverse(f"console:ledger_{model}_{verb}", args=[xss.keys[f"ledger.{model}"]])
        for amount in ("1.00", evil("amount")):
            sent = {"key": "00000000-0000-4000-8000-000000000001", "amount": amount, **typed}
            found, text = judged(xss.browser.post(page, sent).content.decode())
            faults |= {f"{verb} {amount}": found} if found else {}
            assert "\u00a7comment\u00a7" in text
    forms = {
        reverse("console:ledger_account_change", args=[xss.account.pk]): {"note": evil("typed") + "x" * 600, "reason": evil("typed")},
        reverse("console:backoffice_user_change", args=[xss.customer.pk]): {"username": evil("typed") + "x" * 200, "reason": ""},
        reverse("console:backoffice_entity_change", args=[xss.entity.pk]): {"code": evil("typed"), "name": evil("typed"), "reason": ""},
        reverse("console:backoffice_user_add"): {"username": evil("typed"), "reason": evil("typed")},
        reverse("console:audit_alert_acknowledge", args=[xss.alert.pk]): {"reason": ""},
        reverse("console:ledger_approval_approve", args=[xss.approval.pk]): {"comment": evil("typed"), "token": evil("typed")},
        reverse("console:ledger_limit_propose_new"): {"kind": evil("typed"), "amount": evil("typed"), "account": evil("typed"), "entity": evil("typed")},
        reverse("console:imports_import_confirm", args=[xss.imported.pk]): {"token": evil("typed")},
        reverse("console:login"): {"username": evil("typed"), "password": evil("typed"), "next": "javascript:zx()"},
    }  # fmt: skip
    for page, sent in forms.items():
        browser = Client() if page.endswith("login/") else xss.browser
        answer = browser.post(page, sent, follow=True)
        found, _ = judged(answer.content.decode())
        faults |= {page: found} if found else {}
    for answer in (xss.preview, xss.unreadable, xss.waiting):
        found, _ = judged(answer.content.decode())
        faults |= {str(answer.request["PATH_INFO"]): found} if found else {}
    assert list(faults.items())[:3] == []


def test_messages_of_what_was_done_are_text(xss: World) -> None:
    account = reverse("console:ledger_account_change", args=[xss.account.pk])
    answer = xss.browser.post(
        account, {"note": evil("note"), "recheck": "on", "notify": "on", "reason": evil("typed")}, follow=True
    )
    after = xss.browser.get(account)
    for page in (answer, after):
        assert judged(page.content.decode())[0] == []


def test_search_behind_a_field_answers_with_json_and_not_with_a_page(xss: World) -> None:
    asked = {"app_label": "ledger", "model_name": "action", "field_name": "counterparty", "term": str(xss.account.uid)}
    answer = xss.browser.get(reverse("console:autocomplete"), asked)
    assert (answer.headers["Content-Type"], answer.headers["X-Content-Type-Options"]) == ("application/json", "nosniff")
    assert "\u00a7first\u00a7" in answer.json()["results"][0]["text"]


@pytest.mark.parametrize("name", ["account", "action", "hold", "approval"])
def test_file_is_sent_to_be_kept_and_not_to_be_shown(xss: World, name: str) -> None:
    for kind in ("csv", "xlsx"):
        answer = xss.browser.get(reverse(f"console:ledger_{name}_export_{kind}"))
        assert isinstance(answer, StreamingHttpResponse)
        content = b"".join(answer)
        answer.close()
        assert answer.headers["Content-Disposition"].startswith("attachment; ")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "html" not in answer.headers["Content-Type"]
        if kind == "xlsx":
            with zipfile.ZipFile(io.BytesIO(content)) as book:
                assert not [part for part in book.namelist() if b"<zx-" in book.read(part)]


def test_name_of_a_file_that_is_handed_back_is_no_header(xss: World) -> None:
    imported = Import.objects.filter(state="posted").latest("pk")
    answer = xss.browser.get(reverse("console:imports_import_refused", args=[imported.pk]))
    assert isinstance(answer, StreamingHttpResponse)
    b"".join(answer)
    answer.close()
    assert answer.headers["Content-Disposition"].startswith("attachment; ")
    assert "onzx" not in answer.headers


def test_e_mail_is_plain_text_to_one_person(xss: World) -> None:
    mail.outbox.clear()
    xss.entity.name = "Bank\r\nBcc: everybody@example.com\r\n\r\n<b>" + evil("entity", 60)
    xss.entity.save()
    xss.account.user.email = "jana@example.com"
    xss.account.user.save()
    page = reverse("console:ledger_account_change", args=[xss.account.pk])
    answer = xss.browser.post(page, {"note": "x", "notify": "on", "reason": "Asked"}, follow=True)
    assert answer.status_code == 200
    [sent] = mail.outbox
    assert (sent.to, sent.bcc, sent.cc, sent.content_subtype) == (["jana@example.com"], [], [], "plain")
    assert "\n" not in sent.subject
    headers = sent.message()
    assert (headers["Bcc"], headers["Content-Type"]) == (None, 'text/plain; charset="utf-8"')


def most_telling(xss: World) -> list[str]:
    """Return the pages that show most of the payloads, as a browser takes its time."""
    keys = xss.keys
    shown = ("ledger_account", "ledger_action", "ledger_approval", "backoffice_user", "imports_import", "audit_alert")
    changes = [reverse(f"console:{name}_change", args=[keys[name.replace("_", ".")]]) for name in shown]
    log = reverse("console:audit_event_changelist") + "?window=all"
    history = reverse("console:ledger_account_history", args=[xss.account.pk])
    return [*changes, log, history, reverse("console:ledger_account_changelist") + f"?q={evil('typed')}"]


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium")
def test_nothing_of_it_runs_in_a_browser(xss: World) -> None:
    """The pages as they were sent, with the site's own scripts: what a payload would do leaves a mark."""
    site = "http://testserver"
    kept: dict[str, bytes] = {}
    for page in most_telling(xss):
        answer = xss.browser.get(page, follow=True)
        if not isinstance(answer, StreamingHttpResponse) and "html" in answer.headers.get("Content-Type", ""):
            kept[f"{site}/shown/{len(kept)}"] = answer.content
        answer.close()
    complaints: list[str] = []

    def serve(route: Route) -> None:
        address = route.request.url
        if address in kept:
            route.fulfill(body=kept[address], content_type="text/html; charset=utf-8")
        elif "/static/" in address and (path := finders.find(address.partition("/static/")[2].partition("?")[0])):
            route.fulfill(path=str(path))
        else:
            route.fulfill(status=404, body="")

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        tab = chromium.new_page()
        tab.add_init_script("window.zx = () => { window.ran = true; }")
        tab.on("dialog", lambda dialog: complaints.append(dialog.message))
        tab.route("**/*", serve)
        for address in kept:
            tab.goto(address)
            if tab.evaluate("window.ran === true || document.querySelector('[onzx], [onerror]') !== null"):
                complaints.append(kept[address][:200].decode())
        chromium.close()
    assert complaints == []
    assert len(kept) == len(most_telling(xss))
