"""Previews and tokens that are forged, replayed, swapped, too old, of another person, another tenant or another place."""

import io
import json
import time
import zipfile
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.core import signing
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.exports import check_export
from backoffice import command, deciding
from imports import pages
from imports.models import Import
from ledger.models import Account, Action, Approval
from tests.console.test_commands import hidden
from tests.imports.files import csv_of, upload
from tests.security.world import TOKEN, Tenant, World, browser_of, nothing_moves

FORM = {"amount": "1.00", "comment": "Asked", "reference_type": "none", "reference": ""}
HOURS = 3600
Forge = Callable[[str], str]


def page(account: Account, verb: str = "deposit", place: str = "console") -> str:
    return reverse(f"{place}:ledger_account_{verb}", args=[account.pk])


def previewed(browser: Client, address: str, **more: str) -> dict[str, str]:
    """Preview a command and return what its confirmation would send."""
    form = hidden(browser.get(address).content.decode())
    kept = hidden(browser.post(address, {**FORM, **form, **more}).content.decode())
    assert "token" in kept
    return kept


def refused(browser: Client, address: str, sent: dict[str, str]) -> str:
    """Send a confirmation that must not hold, and return the page that is shown instead."""
    with nothing_moves():
        answer = browser.post(address, sent)
    assert answer.status_code == 200
    html = str(answer.content.decode())
    assert "then confirm" in html
    return html


def older(token: str, salt: str, seconds: int = 2 * HOURS) -> str:
    """Return a genuine token as it would have been made earlier."""

    class Earlier(signing.TimestampSigner):
        def timestamp(self) -> str:
            return signing.b62_encode(int(time.time()) - seconds)

    data = signing.loads(token, salt=salt)
    return Earlier(salt=salt).sign_object(data)


def flipped(token: str) -> str:
    """Return a token with one letter of its data changed."""
    middle = len(token) // 3
    return token[:middle] + ("A" if token[middle] != "A" else "B") + token[middle + 1 :]


FORGED: dict[str, Forge] = {
    "none that was made here": lambda _: "x:y:z",
    "cut": lambda token: token[:-5],
    "with another signature": lambda token: token.rpartition(":")[0] + ":" + "A" * 43,
    "with other data": flipped,
    "without its time": lambda token: token.partition(":")[0] + ":" + token.rpartition(":")[2],
    "from the future's key": lambda token: signing.dumps(
        signing.loads(token, salt=command.SALT), key="k" * 50, salt=command.SALT
    ),
    "of another kind": lambda token: signing.dumps(signing.loads(token, salt=command.SALT), salt="imports.preview"),
    "too old": lambda token: older(token, command.SALT),
    "a list": lambda _: signing.dumps([], salt="something else"),
    "long": lambda token: token * 50,
    "with a NUL": lambda token: token + "\x00",
    "in other letters": lambda token: token.swapcase(),
}


@pytest.mark.parametrize("how", FORGED)
def test_token_that_is_not_genuine_confirms_nothing(world: World, how: str) -> None:
    browser = browser_of(world.mine.insider)
    sent = previewed(browser, page(world.mine.account))
    refused(browser, page(world.mine.account), {**sent, "token": FORGED[how](sent["token"])})


@pytest.mark.parametrize("other", [{"amount": "2.00"}, {"comment": "Otherwise"}, {"reference": "X", "reference_type": "card"}, {"key": "00000000-0000-4000-8000-000000000009"}])  # fmt: skip
def test_preview_of_other_data_confirms_nothing(world: World, other: dict[str, str]) -> None:
    browser = browser_of(world.mine.insider)
    sent = previewed(browser, page(world.mine.account))
    assert "The form has changed" in refused(browser, page(world.mine.account), {**sent, **other})


def test_preview_of_another_account_confirms_nothing(world: World) -> None:
    browser = browser_of(world.mine.insider)
    sent = previewed(browser, page(world.mine.other))
    refused(browser, page(world.mine.account), sent)


@pytest.mark.parametrize(("seen", "done"), [("deposit", "withdraw"), ("withdraw", "deposit"), ("freeze", "close")])
def test_preview_of_another_command_confirms_nothing(world: World, seen: str, done: str) -> None:
    browser = browser_of(world.mine.insider)
    sent = previewed(browser, page(world.mine.account, seen))
    with nothing_moves():
        assert browser.post(page(world.mine.account, done), {**FORM, **sent}).status_code == 200


@pytest.mark.parametrize("of", ["clerk", "boss"])
def test_preview_of_another_person_confirms_nothing(world: World, of: str) -> None:
    other = world.boss if of == "boss" else world.mine.clerk
    sent = previewed(browser_of(other), page(world.mine.account))
    refused(browser_of(world.mine.insider), page(world.mine.account), sent)


def test_preview_of_another_tenant_confirms_nothing_in_either(world: World) -> None:
    sent = previewed(browser_of(world.theirs.insider), page(world.theirs.account))
    mine = browser_of(world.mine.insider)
    refused(mine, page(world.mine.account), sent)
    with nothing_moves():
        assert mine.post(page(world.theirs.account), sent).status_code == 404


def test_preview_of_the_sandbox_confirms_nothing_in_the_console(world: World) -> None:
    browser = browser_of(world.mine.insider)
    there = page(world.my_sandbox.account, place="sandbox")
    browser.get(there)
    sent = previewed(browser, there)
    refused(browser, page(world.mine.account), sent)
    here = previewed(browser, page(world.mine.account))
    refused(browser, there, here)


def test_preview_holds_once_however_often_it_is_sent(world: World) -> None:
    browser, account = browser_of(world.mine.insider), world.mine.account
    sent = previewed(browser, page(account))
    account.refresh_from_db()
    stood, count = account.balance, Action.objects.count()
    assert browser.post(page(account), sent).status_code == 302
    with nothing_moves():
        assert browser.post(page(account), sent).status_code == 302
    account.refresh_from_db()
    assert (account.balance, Action.objects.count()) == (stood + 1, count + 1)


def test_form_of_another_person_sent_again_posts_nothing(world: World) -> None:
    """The key that makes a form post once is in the page; whoever reads it can neither repeat nor take over a posting."""
    clerk, account = browser_of(world.mine.clerk), world.mine.account
    sent = previewed(clerk, page(account))
    assert clerk.post(page(account), sent).status_code == 302
    mine = browser_of(world.mine.insider)
    with nothing_moves():
        answer = mine.post(page(account), {**sent, "token": ""})
    assert answer.status_code == 200


def test_preview_of_a_selection_does_not_hold_for_another(world: World) -> None:
    browser, mine = browser_of(world.mine.insider), world.mine
    address = reverse("console:ledger_account_deposit_selected")
    both = f"{mine.account.pk},{mine.other.pk}"
    form = hidden(browser.get(address, {"ids": str(mine.account.pk)}).content.decode())
    sent = hidden(browser.post(address, {**FORM, **form}).content.decode())
    assert sent["ids"] == str(mine.account.pk)
    refused(browser, address, {**sent, "ids": both})
    refused(browser, address, {**sent, "ids": str(mine.other.pk)})
    refused(browser, page(mine.account), {**sent, "ids": both, "token": sent["token"] + "x"})


@pytest.mark.parametrize("ids", ["", "x", "1;2", "-1", "1,,2", "0x1", "1 OR 1=1", "1" * 40, "²", "1,2,", ",".join(map(str, range(1, 300)))])  # fmt: skip
def test_selection_that_is_none_is_refused(world: World, ids: str) -> None:
    browser = browser_of(world.mine.insider)
    address = reverse("console:ledger_account_deposit_selected")
    with nothing_moves():
        for answer in (browser.get(address, {"ids": ids}), browser.post(address, {**FORM, "ids": ids, "token": "x"})):
            assert answer.status_code in {400, 404}


def asked_for(tenant: Tenant) -> Approval:
    return Approval.request(verb="deposit", uid=tenant.other.uid, amount=Decimal(7_000), comment="Asked", by=tenant.clerk, asof=timezone.now())  # fmt: skip


def decision(browser: Client, approval: Approval) -> dict[str, str]:
    """Return what approving from the page of a request would send."""
    shown = browser.get(reverse("console:ledger_approval_change", args=[approval.pk]))
    return {**hidden(shown.content.decode()), "comment": "Seen"}


def test_approval_token_is_of_one_person_one_request_and_one_hour(world: World) -> None:
    first = asked_for(world.mine)
    mine, boss = browser_of(world.mine.insider), browser_of(world.boss)
    sent, of_boss = decision(mine, first), decision(boss, first)
    of_another = decision(mine, world.mine.approval)
    address = reverse("console:ledger_approval_approve", args=[first.pk])
    forged = [
        of_boss["token"],
        of_another["token"],
        "",
        "x:y:z",
        flipped(sent["token"]),
        older(sent["token"], deciding.SALT),
    ]
    forged.append(signing.dumps(signing.loads(sent["token"], salt=deciding.SALT), salt=command.SALT))
    with nothing_moves():
        for token in forged:
            answer = mine.post(address, {**sent, "token": token})
            assert (answer.status_code, "then decide" in answer.content.decode()) == (200, True)
    assert mine.post(address, sent).status_code == 302
    first.refresh_from_db()
    assert (first.state, first.checker_id) == ("approved", world.mine.insider.pk)
    count = Action.objects.count()
    mine.post(address, sent)
    assert Action.objects.count() == count


@pytest.mark.parametrize("verb", ["approve", "reject", "cancel"])
def test_request_of_another_tenant_is_decided_by_nobody_here(world: World, verb: str) -> None:
    theirs = world.theirs.approval
    genuine = decision(browser_of(world.theirs.insider), theirs)
    address = reverse(f"console:ledger_approval_{verb}", args=[theirs.pk])
    browsers = [browser_of(world.mine.insider), browser_of(world.boss)]
    with nothing_moves():
        assert [browser.post(address, genuine).status_code for browser in browsers] == [404, 404]


def test_nobody_cancels_what_another_has_asked_for(world: World) -> None:
    address = reverse("console:ledger_approval_cancel", args=[world.mine.approval.pk])
    browser = browser_of(world.mine.insider)
    with nothing_moves():
        assert browser.post(address, {"comment": "Mine"}).status_code == 200


def brought(browser: Client, tenant: Tenant, key: str) -> tuple[Import, dict[str, str]]:
    """Upload a file of one deposit and return it with what its confirmation would send."""
    row = (str(tenant.account.uid), "deposit", "3.00", "", "", "", "", key)
    sent = {"file": upload(csv_of(row), f"{key}.csv"), "how": "valid", "reason": "Brought"}
    preview = browser.post(reverse("console:imports_import_add"), sent, follow=True)
    [token] = TOKEN.findall(preview.content.decode())
    return Import.objects.latest("pk"), {"token": token}


def test_import_token_is_of_one_person_one_file_and_one_hour(world: World) -> None:
    mine = browser_of(world.mine.insider)
    first, sent = brought(mine, world.mine, "forged-1")
    _, of_another = brought(mine, world.mine, "forged-2")
    boss, theirs = browser_of(world.boss), browser_of(world.theirs.insider)
    _, of_boss = brought(boss, world.mine, "forged-3")
    address = reverse("console:imports_import_confirm", args=[first.pk])
    token = sent["token"]
    forged = [of_another["token"], of_boss["token"], "", "x:y:z", flipped(token), older(token, pages.SALT), token + "x"]
    with nothing_moves():
        for one in forged:
            assert "then confirm" in mine.post(address, {"token": one}).content.decode()
        assert boss.post(address, sent).status_code == 404
        assert theirs.post(address, sent).status_code == 404
    count = Action.objects.count()
    assert mine.post(address, sent).status_code == 302
    assert mine.post(address, sent).status_code == 302
    assert Action.objects.count() == count + 1


def test_token_of_one_salt_is_none_of_another(world: World) -> None:
    """All three kinds are signed with the site's key: each with a salt of its own."""
    assert len({command.SALT, pages.SALT, deciding.SALT}) == 3


def export(browser: Client, kind: str, **asked: str) -> dict[str, bytes]:
    """Download the log and return the file and its signature by name."""
    answer = browser.get(reverse(f"console:audit_event_export_{kind}"), {"window": "all", **asked})
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_signature_of_one_export_is_not_that_of_another(world: World, tmp_path: Any) -> None:
    browser = browser_of(world.mine.insider)
    one, other = export(browser, "json"), export(browser, "json", type="logout")
    [file, signature] = sorted(one)
    [other_signature] = [content for name, content in other.items() if name.endswith(".sig")]

    def faults(content: bytes, signed: bytes) -> list[str]:
        (tmp_path / file).write_bytes(content)
        (tmp_path / signature).write_bytes(signed)
        return check_export(tmp_path / file)[0]

    assert faults(one[file], one[signature]) == []
    assert len(faults(one[file], other_signature)) == 1
    assert len(faults(one[file] + b" ", one[signature])) == 1
    edited = json.dumps(json.loads(one[file])).replace("tenanta", "tenantx").encode()
    assert len(faults(edited, one[signature])) == 1


def test_session_that_is_forged_is_nobody_s(world: World) -> None:
    browser = Client()
    forged = signing.dumps({"_auth_user_id": str(world.admin.pk)}, salt="django.contrib.sessions.SessionStore")
    for key in (forged, str(world.admin.pk), "../root", "' OR 1=1 --", "\x00", "a" * 32 + "\x00", "a" * 5000):
        browser.cookies["sessionid"] = key
        assert browser.get(reverse("console:ledger_account_changelist")).status_code in {302, 400}, key
