"""A browser of somebody who may act on several accounts at once, and the steps there."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db.models import Q
from django.test import Client
from django.urls import reverse

from backoffice.models import User
from tests.console.test_commands import hidden

LIST = "console:ledger_account_changelist"


def permit(user: User, *codenames: str) -> None:
    named = Q(codename__in=["view_account", "view_action", "view_hold", *codenames], content_type__app_label="ledger")
    runs = Q(codename__in=["view_run", "stop_run"])
    user.user_permissions.set(Permission.objects.filter(named | runs))


@pytest.fixture
def console(client: Client, agent: User) -> Client:
    permit(agent, "deposit", "withdraw", "freeze", "hold", "reverse", "view_approval")
    client.force_login(agent)
    return client


def choose_all(console: Client, verb: str, query: str = "", name: str = LIST) -> str:
    """Choose all that the list finds, and return the address of the command."""
    row = console.get(f"{reverse(name)}?{query}").context["cl"].result_list[0]
    chosen = {"action": verb, "_selected_action": [row.pk], "select_across": "1"}
    return str(console.post(f"{reverse(name)}?{query}", chosen).headers["Location"])


def preview(console: Client, url: str, **fields: str) -> Any:
    form = hidden(console.get(url).content.decode())
    return console.post(url, {**form, "reference_type": "none", "comment": "Bonus", **fields})


def sent(answer: Any) -> dict[str, str]:
    """Return what the form of a page would send."""
    return hidden(answer.content.decode())
