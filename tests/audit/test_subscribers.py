"""Subscribers: at least once, in order, each at its own pace, against a real web server and a real mail server."""

import json
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import psycopg
import pytest
from aiosmtpd.controller import Controller
from django.contrib.auth.models import Permission
from django.db import DatabaseError, IntegrityError, OperationalError, connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit import delivery, subscribers
from audit.alerts import Alerts, tell
from audit.delivery import ATTEMPTS, pause
from audit.models import Alert, Cursor, DeadLetter, Event, Outbox
from audit.subscribers import Email, Slack, Webhook, is_genuine
from backoffice.databases import as_relay
from backoffice.models import Entity, User
from ledger.models import Account
from tests.audit.sealed import superuser
from tests.audit.store import stored, stored_alert, stored_dead_letter
from tests.scope import call_command
from tests.test_demo_command import free_port

pytestmark = pytest.mark.usefixtures("committing")


def happened(**of: Any) -> Event:
    return stored(**{"type": "logout", **of})


@dataclass
class Received:
    """A web server that keeps what it is sent and answers as it is told."""

    port: int = 0
    status: int = 200
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"


@pytest.fixture
def web() -> Iterator[Received]:
    received = Received()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.requests.append((dict(self.headers), body))
            self.send_response(received.status)
            if received.status == 302:
                self.send_header("Location", received.url)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    received.port = server.server_port
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield received
    server.shutdown()
    thread.join()
    server.server_close()


@dataclass
class Recorder:
    """A subscriber that keeps what it is given, and fails as often as it is told."""

    name: str = "recorder"
    failures: int = 0
    seen: list[str] = field(default_factory=list)

    def wants(self, event: Event) -> bool:
        return event.type == "logout"

    def deliver(self, event: Event) -> None:
        if self.failures:
            self.failures -= 1
            raise OSError("The line is dead.")
        self.seen.append(event.request_id)


def serve(subscriber: subscribers.Subscriber) -> int:
    """Serve as the relay's role, as the command does: the site may not."""
    with as_relay("audit"):
        return delivery.serve(subscriber)


def due_now(name: str = "recorder") -> None:
    with as_relay("audit"):
        Cursor.objects.filter(subscriber=name).update(retry_at=timezone.now() - timedelta(seconds=1))


def test_new_subscriber_gets_what_comes_from_then_on_in_order_and_once() -> None:
    happened(request_id="before")
    mine = Recorder()
    assert serve(mine) == 0
    for number in range(5):
        happened(request_id=str(number), id=uuid.UUID(int=10 - number))  # ids say another order
    happened(type="login.succeeded")
    assert (serve(mine), mine.seen) == (6, ["0", "1", "2", "3", "4"])
    assert (serve(mine), mine.seen) == (0, ["0", "1", "2", "3", "4"])


def test_failure_is_tried_again_after_a_pause_and_holds_up_what_is_behind() -> None:
    mine = Recorder()
    serve(mine)
    happened(request_id="first")
    happened(request_id="second")
    mine.failures = 1
    assert (serve(mine), mine.seen) == (0, [])
    cursor = Cursor.objects.get(subscriber="recorder")
    assert (cursor.attempts, cursor.error) == (1, "OSError: The line is dead.")
    assert cursor.retry_at is not None
    assert cursor.retry_at > timezone.now()
    assert serve(mine) == 0
    due_now()
    assert (serve(mine), mine.seen) == (2, ["first", "second"])
    assert Cursor.objects.get().attempts == 0
    assert [pause(n).total_seconds() for n in range(1, ATTEMPTS)] == [2, 8, 32, 128, 512]


def test_each_subscriber_has_its_own_pace() -> None:
    slow, quick = Recorder("slow"), Recorder("quick")
    serve(slow), serve(quick)
    happened(request_id="one")
    slow.failures = 1
    assert (serve(slow), serve(quick)) == (0, 1)


def test_event_that_is_never_taken_becomes_a_dead_letter_and_is_tried_again_on_request(
    client: Client, admin: User
) -> None:
    mine = Recorder()
    serve(mine)
    event = happened(request_id="bad")
    mine.failures = ATTEMPTS
    for _ in range(ATTEMPTS):
        due_now()
        serve(mine)
    letter = DeadLetter.objects.get()
    assert (letter.event_id, letter.attempts, letter.state) == (event.pk, ATTEMPTS, "given_up")
    happened(request_id="good")
    serve(mine)
    assert mine.seen == ["good"]
    client.force_login(admin)
    page = reverse("console:audit_deadletter_retry", args=[letter.pk])
    assert page in client.get(reverse("console:audit_deadletter_change", args=[letter.pk])).content.decode()
    assert client.get(page).status_code == 200
    assert "Say why" in client.post(page, {}).content.decode()
    assert DeadLetter.objects.get().state == "given_up"
    assert client.post(page, {"reason": "The line is mended"}).status_code == 302
    again = client.post(page, {"reason": "Again"}, follow=True)
    assert "This delivery was already put back." in again.content.decode()
    assert serve(mine) == 0
    assert (mine.seen, DeadLetter.objects.get().state) == (["good", "bad"], "delivered")
    told = Outbox.objects.get(type="delivery.retried")
    assert (told.reason, told.data) == ("The line is mended", {"subscriber": "recorder", "event": str(event.pk)})


def test_killed_between_delivery_and_its_note_an_event_is_delivered_again(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = Recorder()
    serve(mine)
    happened(request_id="one")

    class Killed(BaseException):
        """As a signal would."""

    def die(cursor: Cursor) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(delivery, "_settle", die)
        with pytest.raises(Killed):
            serve(mine)
    assert (serve(mine), mine.seen) == (1, ["one", "one"])


def test_one_process_at_a_time_serves_a_subscriber() -> None:
    mine = Recorder()
    serve(mine)
    happened(request_id="one")
    other = connections.create_connection("audit")
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtextextended('audit_subscriber:recorder', 0))")
        assert (serve(mine), mine.seen) == (0, [])
        cursor.execute("SELECT pg_advisory_unlock_all()")  # closing would give it up too, a moment later
    other.close()
    assert serve(mine) == 1


def test_event_made_earlier_that_is_sealed_later_is_not_passed_by() -> None:
    mine = Recorder()
    serve(mine)
    happened(request_id="first", block=7)
    assert serve(mine) == 1
    happened(request_id="made before it", created=timezone.now() - timedelta(hours=1), block=8)
    assert serve(mine) == 1
    assert mine.seen == ["first", "made before it"]


def test_webhook_is_signed_and_masks_what_is_personal(web: Received) -> None:
    hook = Webhook(types=["change."], url=web.url, secret="shared secret")
    serve(hook)
    data = {"changes": {"email": {"old": "a@example.com", "new": "b@example.com"}}}
    event = happened(type="change.updated", object_type="backoffice.user", object_id="1", data=data)
    assert serve(hook) == 1
    [(headers, body)] = web.requests
    signed = headers["X-Backoffice-Signature"]
    assert is_genuine("shared secret", body, signed, now=time.time())
    assert not is_genuine("another secret", body, signed, now=time.time())
    assert not is_genuine("shared secret", body + b" ", signed, now=time.time())
    assert not is_genuine("shared secret", body, signed, now=time.time() + 301)
    assert not is_genuine("shared secret", body, "nonsense", now=time.time())
    told = json.loads(body)
    assert (told["id"], headers["Idempotency-Key"]) == (str(event.pk), str(event.pk))
    assert "agent changed" in told["sentence"]
    assert b"example.com" not in body


@pytest.mark.parametrize("status", [302, 404, 500])
def test_answer_that_is_no_success_is_a_failure(web: Received, status: int) -> None:
    hook = Webhook(types=["logout"], url=web.url, secret="s")
    serve(hook)
    happened()
    web.status = status
    assert serve(hook) == 0
    assert str(status) in Cursor.objects.get(subscriber="webhook").error
    assert len(web.requests) == 1


def test_slack_gets_a_sentence_without_markup(web: Received) -> None:
    hook = Slack(types=["logout"], url=web.url)
    serve(hook)
    happened(username="<!channel> & co")
    assert serve(hook) == 1
    assert json.loads(web.requests[0][1]) == {"text": "&lt;!channel&gt; &amp; co logged out"}


def test_email_is_sent_to_a_real_server(settings: Any) -> None:
    letters: list[Any] = []

    class Handler:
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  aiosmtpd's name
            letters.append(envelope)
            return "250 OK"

    port = free_port()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_USE_TLS = "127.0.0.1", port, False
    mail = Email(types=["logout"], to=["audit@example.com"])
    serve(mail)
    event = happened()
    assert serve(mail) == 0  # nobody listens yet
    controller = Controller(Handler(), hostname="127.0.0.1", port=port)
    controller.start()
    try:
        due_now("email")
        assert serve(mail) == 1
    finally:
        controller.stop()
    [letter] = letters
    assert letter.rcpt_tos == ["audit@example.com"]
    assert b"agent logged out" in letter.content
    assert str(event.pk).encode() in letter.content


def test_command_serves_all_and_prints_one_object(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = Recorder()
    monkeypatch.setattr(subscribers, "REGISTERED", {"recorder": mine})
    monkeypatch.setattr("audit.management.commands.audit_subscribers.REGISTERED", {"recorder": mine})
    monkeypatch.setattr("signal.signal", lambda *_: None)
    call_command("audit_subscribers", "--once")
    happened(request_id="one")
    capsys.readouterr()
    call_command("audit_subscribers", "--once", "--json")
    assert (json.loads(capsys.readouterr().out), mine.seen) == ({"subscribers": 1, "passed": 1}, ["one"])


def test_name_is_taken_once() -> None:
    with pytest.raises(ValueError, match="Another subscriber"):
        subscribers.register(Recorder("alerts"))


def test_alert_rules_open_each_alert_once(settings: Any) -> None:
    settings.AUDIT_VIEWS_PER_HOUR = 3
    settings.AUDIT_FAILED_LOGINS_PER_HOUR = 2
    rules = Alerts()
    serve(rules)
    for number in (1, 1, 1, 2, 3):
        happened(type="object.viewed", object_type="ledger.account", object_id=str(number), user_id=7, ip="10.0.0.1")
    happened(type="object.viewed", object_type="ledger.account", object_id="4", user_id=8, username="other")
    for _ in range(2):
        happened(type="login.failed", success=False, ip="10.0.0.2")
    serve(rules)
    assert not Alert.objects.exists()
    for number in (4, 5):
        happened(type="object.viewed", object_type="ledger.account", object_id=str(number), user_id=7)
    happened(type="login.failed", success=False, ip="10.0.0.2")
    for kind, about in (("change.updated", "ledger.limit"), ("ledger.posted", "ledger.account")):
        for source in ("postgres psql", "backoffice/demo_data"):
            happened(type=kind, object_type=about, object_id="1", data={"source": source})
    happened(type="change.updated", object_type="ledger.limit", data={"source": "postgres psql", "database": "sandbox"})
    happened(type="alert.opened", data={"source": "postgres psql"})
    happened(type="review.asked", object_type="ledger.account", object_id="1", reason="Odd amounts")
    serve(rules)
    assert list(Alert.objects.order_by("id").values_list("rule", "text")) == [
        ("many_views", "agent looked at more than 3 customers within an hour."),
        ("failed_logins", "More than 2 logins failed from 10.0.0.2 within an hour."),
        ("outside_write", "ledger.limit 1 was written from outside of the site, by postgres psql."),
        ("outside_write", "ledger.account 1 was written from outside of the site, by postgres psql."),
        ("outside_write", "ledger.limit of the sandbox was written from outside of the site, by postgres psql."),
        ("outside_write", "alert.opened was written from outside of the site, by postgres psql."),
        ("review_asked", "agent asked that an account be reviewed: Odd amounts"),
    ]
    assert not Outbox.objects.filter(type="alert.opened").exists()
    for _ in range(2):
        with as_relay("audit"):
            tell()
    told = Outbox.objects.filter(type="alert.opened").order_by("id")
    assert [(event.object_id, event.data["rule"]) for event in told] == [
        (str(alert.pk), alert.rule) for alert in Alert.objects.order_by("id")
    ]


def test_alert_whose_event_could_not_be_recorded_is_told_by_the_next_round() -> None:
    rules = Alerts()
    serve(rules)
    happened(type="change.updated", object_type="ledger.limit", data={"source": "postgres psql"})
    serve(rules)
    away = {"NAME": "nowhere"}
    connections["default"].close()
    kept = connections["default"].settings_dict
    connections["default"].settings_dict = {**kept, **away}
    with as_relay("audit"), pytest.raises(OperationalError):
        tell()
    connections["default"].settings_dict = kept
    assert (Alert.objects.get().told, Outbox.objects.filter(type="alert.opened").count()) == (None, 0)
    with as_relay("audit"):
        tell()
    assert Outbox.objects.get(type="alert.opened").object_id == str(Alert.objects.get().pk)
    assert Alert.objects.get().told is not None


def test_site_writes_no_alert_cursor_or_dead_letter_but_what_people_decide() -> None:
    alert, letter = stored_alert("1"), stored_dead_letter()
    given = {"rule": "r", "key": "2", "text": "t", "event_id": letter.event_id}
    for refused in (
        lambda: Alert.objects.create(**given),
        lambda: Alert.objects.filter(pk=alert.pk).update(text="Nothing happened"),
        lambda: Alert.objects.filter(pk=alert.pk).update(told=timezone.now()),
        lambda: Alert.objects.all().delete(),
        lambda: Cursor.objects.create(subscriber="alerts", block=-1, position=-1),
        lambda: Cursor.objects.update(block=10**6),
        lambda: DeadLetter.objects.update(error=""),
        lambda: DeadLetter.objects.all().delete(),
    ):
        with pytest.raises(DatabaseError, match="permission denied"):
            refused()
    with pytest.raises(IntegrityError, match="with a name and a reason"):
        Alert.objects.filter(pk=alert.pk).update(state="acknowledged", acknowledged=timezone.now())
    with pytest.raises(IntegrityError, match="put back"):
        DeadLetter.objects.update(state="delivered")
    done = {"state": "acknowledged", "acknowledged": timezone.now(), "acknowledged_by": "admin", "reason": "Known"}
    assert Alert.objects.filter(pk=alert.pk).update(**done) == 1
    with pytest.raises(IntegrityError, match="acknowledged once"):
        Alert.objects.filter(pk=alert.pk).update(reason="Something else")
    assert DeadLetter.objects.update(state="waiting") == 1


def test_cursor_only_moves_forward_and_stands_on_an_event_whoever_writes() -> None:
    serve(Recorder())
    happened(block=3, position=1)
    happened(block=4, position=0)
    with superuser("audit") as session:
        move = "UPDATE audit_cursor SET block = %s, position = %s"
        session.execute(move, [4, 0])
        for block, position, why in (
            (3, 1, "only moves forward"),
            (-1, -1, "only moves forward"),
            (9, 0, "stands on an event"),
        ):
            with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match=why):
                session.execute(move, [block, position])
        for statement in (
            "DELETE FROM audit_cursor",
            "TRUNCATE audit_cursor",
            "DELETE FROM audit_alert",
            "DELETE FROM audit_deadletter",
        ):
            with pytest.raises(psycopg.errors.IntegrityConstraintViolation):
                session.execute(statement)


def test_what_is_sent_is_plain_text() -> None:
    event = happened(username="Anna & <Petr>")
    assert subscribers.told(event) == "Anna & <Petr> logged out"


def test_person_and_account_of_a_customer_are_one_of_many_views(settings: Any) -> None:
    settings.AUDIT_VIEWS_PER_HOUR = 2
    rules = Alerts()
    serve(rules)
    look = {"type": "object.viewed", "user_id": 7}
    happened(type="change.created", object_type="ledger.account", object_id="11", data={"new": {"user_id": 1}})
    for kind, key in (("backoffice.user", "1"), ("ledger.account", "11"), ("backoffice.user", "2")):
        happened(object_type=kind, object_id=key, **look)
    happened(object_type="backoffice.user", object_id="3", data={"database": "sandbox"}, **look)
    serve(rules)
    assert not Alert.objects.exists()
    happened(object_type="ledger.account", object_id="12", **look)
    serve(rules)
    assert [alert.rule for alert in Alert.objects.all()] == ["many_views"]


def test_alert_names_its_object_and_counts_what_followed(client: Client, admin: User, nord: Entity) -> None:
    about = {"type": "change.updated", "object_type": "backoffice.entity", "object_id": str(nord.pk), "data": {"source": "postgres psql", "changes": {}}}  # fmt: skip
    event = stored(**about)
    for _ in range(3):
        stored(**about)
    stored(**{**about, "data": {"source": "backoffice/demo_data"}})
    client.force_login(admin)
    alert = stored_alert("1", rule="outside_write", event_id=event.pk)
    html = client.get(reverse("console:audit_alert_change", args=[alert.pk])).content.decode()
    assert f'<a href="{reverse("console:backoffice_entity_change", args=[nord.pk])}">Nordbank</a>' in html
    assert ">3 more of the same</a>" in html


@pytest.mark.parametrize("page", ["index", "audit_alert_changelist", "audit_alert_change"])
def test_alert_says_by_name_who_asked_and_about_which_customer_and_what_it_is_in_words(
    client: Client, admin: User, agent: User, account: Account, page: str
) -> None:
    User.objects.filter(pk=agent.pk).update(first_name="Hana", last_name="Mala")
    event = stored(
        type="review.asked", object_type="ledger.account", object_id=str(account.pk), user_id=agent.pk, username="agent"
    )
    text = "agent asked that an account be reviewed: Odd"
    about = {"user_id": agent.pk, "username": "agent", "event_id": event.pk}
    alert = stored_alert("1", rule="review_asked", text=text, **about)
    client.force_login(admin)
    args = [alert.pk] if page == "audit_alert_change" else []
    html = client.get(reverse(f"console:{page}", args=args)).content.decode()
    assert "Hana Mala (agent) asked that an account be reviewed: Odd" in html
    assert "Jana Nova · Nordbank · CZK" in html
    assert ">agent asked" not in html
    assert "review_asked</" not in html
    assert ("Review asked for" in html) == (page != "index")


def test_alert_about_a_customer_whom_the_reader_may_not_see_names_nobody(
    log: Client, reviewer: User, account: Account, nord: Entity
) -> None:
    reviewer.user_permissions.add(*Permission.objects.filter(codename__in=("view_alert", "view_account")))
    event = stored(type="review.asked", object_type="ledger.account", object_id=str(account.pk))
    stored_alert("1", rule="review_asked", event_id=event.pk, entity_id=nord.pk)
    page = reverse("console:audit_alert_changelist")
    assert "Jana Nova" in log.get(page).content.decode()
    Entity.objects.create(code="sud", name="Sud", parent=None)
    with superuser("default") as session:
        session.execute("SET session_replication_role = replica")
        session.execute("UPDATE ledger_account SET entity_id = (SELECT id FROM backoffice_entity WHERE code = 'sud')")
    html = log.get(page).content.decode()
    assert ("Review asked for" in html, "Jana Nova" in html) == (True, False)


@pytest.mark.parametrize("name", ["audit_event_changelist", "backoffice_entity_history"])
def test_write_from_outside_bears_a_badge(client: Client, admin: User, nord: Entity, name: str) -> None:
    client.force_login(admin)
    about = {"type": "change.created", "object_type": "backoffice.entity", "object_id": str(nord.pk)}
    stored(**about, data={"source": "backoffice/demo_data"})
    page = reverse(f"console:{name}", args=[nord.pk] if "history" in name else [])
    before = client.get(page).content.decode().count(">Outside</span>")
    stored(**about, data={"source": "postgres psql"})
    Entity.objects.update(name="Nord")
    after = client.get(page).content.decode().count(">Outside</span>")
    assert (before, after) == ((1, 2) if "history" in name else (0, 1))


def test_alert_is_acknowledged_with_a_reason_once(client: Client, admin: User) -> None:
    alert = stored_alert("1", rule="many_views", text="Looked a lot")
    client.force_login(admin)
    page = reverse("console:audit_alert_acknowledge", args=[alert.pk])
    assert page in client.get(reverse("console:audit_alert_change", args=[alert.pk])).content.decode()
    assert "Say why" in client.post(page, {"reason": " "}).content.decode()
    assert client.post(page, {"reason": "A planned review"}).status_code == 302
    alert.refresh_from_db()
    assert (alert.state, alert.acknowledged_by, alert.reason) == ("acknowledged", "admin", "A planned review")
    for again in (client.post(page, {"reason": "Again"}, follow=True), client.get(page, follow=True)):
        assert "This alert is already acknowledged, by admin." in again.content.decode()
    told = Outbox.objects.get(type="alert.acknowledged")
    assert (told.reason, told.object_id, told.username) == ("A planned review", str(alert.pk), "admin")
    assert page not in client.get(reverse("console:audit_alert_change", args=[alert.pk])).content.decode()
