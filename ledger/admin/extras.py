"""Work that a checkbox on the account's form starts once the form's transaction has committed, and never if it has not.

What came of it cannot be on the page that answers the form, as that is made before the commit: it waits in the session, behind
what was saved, and all of it is one message on the account's page, which the form redirects to.
"""

import logging
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest
from django.template.defaultfilters import pluralize
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.text import capfirst

from audit.record import record
from backoffice.databases import SANDBOX, worked_on
from backoffice.letters import NOTHING_SENT, UNSENT, send, writes_to_nobody
from backoffice.reason import Prose
from backoffice.scope import carried
from ledger.models import Account
from ledger.verification import verify_account

logger = logging.getLogger("backoffice.extras")
WAITING = "after_commit"
SENT = "To {}: sends what the account is now, without the note and without amounts."
Said = tuple[int, str]


class AccountForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """The pinned note, and what else to do when it is saved; what helps with a field says what it is for this account."""

    recheck = forms.BooleanField(required=False, label="Recheck this account against its actions")
    notify = forms.BooleanField(required=False, label="Notify the customer by e-mail")
    review = forms.BooleanField(
        required=False,
        label="Ask compliance for a review",
        help_text="Opens an alert that a reviewer acknowledges, with the reason of this form.",
    )

    class Meta:
        model = Account
        fields = ("note",)
        labels = {"note": "Pinned note"}
        field_classes = {"note": Prose}

    def __init__(self, *args: Any, **how: Any) -> None:
        super().__init__(*args, **how)
        account, actions = self.instance, f"{self.instance.version:,} action{pluralize(self.instance.version)}"
        helps = {
            "note": "Stands above this page and beside every command until it is replaced; customers never see it.",
            "recheck": f"Recomputes balance, status and references from its {actions}. Changes nothing.",
            # Templates take help texts for markup, and an address may hold some.
            "notify": format_html(UNSENT if writes_to_nobody() else SENT, _address(account)),
        }
        for name in helps.keys() & self.fields.keys():
            self.fields[name].help_text = helps[name]


def _address(account: Account) -> str:
    return account.user.email if account.user_id else ""


def recheck(account: Account, using: str) -> Said:
    """Recompute the account and say what was found."""
    findings = verify_account(account, using=using)
    record("account.rechecked", obj=account, data={"findings": len(findings)}, success=not findings, using=using)
    if not findings:
        return messages.SUCCESS, f"Rechecked: all {account.version:,} actions add up."
    for finding in findings:
        logger.error("account=%s action=%s rule=%s %s", *finding)
    texts = " ".join(f"{finding.action or 'Account'}: {finding.text}" for finding in findings)
    return messages.ERROR, f"The recheck found what should not be. Tell compliance. {texts}"


def notify(account: Account, using: str) -> Said:
    """Write to the customer; a server that refuses is reported, since the form is saved already."""
    latest = account.actions.using(using).latest()
    text = render_to_string("ledger/mail/account_notice.txt", {"account": account, "latest": latest})
    address = account.user.email
    subject = " ".join(f"Your account at {account.entity}".split())  # a line end would begin another header
    if error := send("account.notified", account, subject=subject, text=text, address=address, using=using):
        return messages.ERROR, f"The e-mail to {address} was not sent: {error}."
    if writes_to_nobody():
        return messages.WARNING, NOTHING_SENT.format(address)
    return messages.SUCCESS, f"An e-mail was sent to {address}."


def review(account: Account, using: str) -> Said:
    """Ask for a review: the event opens an alert (`audit.alerts`), with the reason of the form."""
    record("review.asked", obj=account, using=using)
    return messages.SUCCESS, "Compliance was asked for a review."


EXTRAS: dict[str, Callable[[Account, str], Said]] = {"recheck": recheck, "notify": notify, "review": review}


def offered(account: Account) -> tuple[str, ...]:
    """Return what can be offered: nobody is written to without an address, and nobody at all from the sandbox."""
    silent = {"notify", "review"} if worked_on() == SANDBOX else set() if account.user.email else {"notify"}
    return tuple(name for name in EXTRAS if name not in silent)


def unsaved(form: forms.BaseForm) -> str:
    """Return what a form that is refused has not done, as it stands on the page: what was taken over is not the person's."""
    there = [form[name] for name in ("note", *EXTRAS) if name in form.fields]
    changed = {one.name for one in there if one.field.has_changed(one.initial, one.data)}
    if not changed:
        return "Nothing below is changed or ticked, so there is nothing to save yet."
    said = ["The note below was changed and is not kept yet"] if "note" in changed else []
    said += ["what is ticked below was not begun"] if changed - {"note"} else []
    return f"{capfirst(', and '.join(said))}: see what is wrong with the form, then save it again."


def start(request: HttpRequest, account: Account, chosen: dict[str, Any], *, noted: bool) -> None:
    """Tell whether the note was changed, and have the chosen work done after the commit."""
    using, names = account._state.db or "default", [name for name in offered(account) if chosen.get(name)]
    unchanged = "The note stays as it was." if names else "Nothing was changed."
    said: Said = (messages.SUCCESS, "The note is saved.") if noted else (messages.INFO, unchanged)
    request.session[WAITING] = {str(account.pk): [said]}
    for name in names:
        work = carried(partial(EXTRAS[name], account, using), using)
        transaction.on_commit(partial(_tell, request.session.session_key, account.pk, work), using=using)


def _tell(session_key: str | None, key: int, work: Callable[[], Said]) -> None:
    """Do the work and leave what came of it in the session, which the request itself has saved already."""
    session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    waiting = session.get(WAITING, {})
    session[WAITING] = {**waiting, str(key): [*waiting.get(str(key), []), work()]}
    session.save()


def show(request: HttpRequest, key: str) -> None:
    """Show in one message what the account's form has saved and started."""
    if not (said := request.session.get(WAITING, {}).get(key)):
        return
    del request.session[WAITING]
    messages.add_message(request, max(level for level, _ in said), " ".join(text for _, text in said))
