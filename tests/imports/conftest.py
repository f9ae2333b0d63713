"""An importer, and a browser in which the importer is logged in."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from backoffice.grants import grant
from backoffice.models import Entity, User
from imports.models import Import
from tests.imports.files import upload

ADD = "console:imports_import_add"


@pytest.fixture
def importer(nord: Entity) -> User:
    user = User.objects.create_user("importer", password="correct horse battery", is_staff=True)
    wanted = {"imports": ["add_import", "view_import"], "ledger": ["view_account", "view_action"]}
    for app, codenames in wanted.items():
        user.user_permissions.add(*Permission.objects.filter(content_type__app_label=app, codename__in=codenames))
    grant(user, nord)
    return user


@pytest.fixture
def console(client: Client, importer: User) -> Client:
    client.force_login(importer)
    return client


class Desk:
    """What an importer does."""

    def __init__(self, console: Client) -> None:
        self.console = console

    def upload(self, content: bytes, name: str = "postings.csv", how: str = "valid") -> Any:
        """Upload a file and follow to its preview."""
        return self.console.post(
            reverse(ADD), {"file": upload(content, name), "how": how, "reason": "The bank sent it"}, follow=True
        )

    def error(self, content: bytes, name: str = "postings.csv") -> str:
        """Upload a file that cannot be used and return the sentence at its field."""
        [sentence] = self.upload(content, name).context["form"].errors["file"]
        return str(sentence)

    def errors(self, content: bytes, name: str = "postings.csv") -> dict[int, tuple[str, str]]:
        """Upload a file and return code and sentence of its refused rows, by line."""
        lines = [line for line, _ in self.upload(content, name).context["lines"]]
        return {line.line: (line.code, line.error) for line in lines if line.error}

    def confirm(self, preview: Any) -> Any:
        """Press the button of a preview."""
        token = re.search(r'name="token" value="([^"]+)"', preview.content.decode())
        assert token
        return self.console.post(self.page(preview), {"token": token[1]}, follow=True)

    @staticmethod
    def page(preview: Any) -> str:
        return reverse("console:imports_import_confirm", args=[preview.context["upload"].pk])

    def post(self, content: bytes, name: str = "postings.csv", how: str = "valid") -> Import:
        """Upload and confirm."""
        preview = self.upload(content, name, how)
        self.confirm(preview)
        return Import.objects.get(pk=preview.context["upload"].pk)


@pytest.fixture
def desk(console: Client) -> Desk:
    return Desk(console)
