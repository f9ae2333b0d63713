"""Take off all second factors of somebody who has lost them, and end their sessions: on record, with a reason.

For whoever runs the server; no page of the console does it, because who can take off a factor can be anybody.
"""

import json
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.core.management.base import BaseCommand, CommandError, CommandParser

from backoffice.login.recorded import SessionAdapter
from backoffice.models import User
from backoffice.scope import acting

MISUSE = 2


class Command(BaseCommand):
    """Deletes rows one by one, each an event."""

    help = "Take off all second factors of a person and end their sessions."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--reason", required=True, help="kept on record")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, username: str, reason: str, **options: Any) -> None:
        if not reason.strip():
            raise CommandError("Say why: the record keeps the reason.", returncode=MISUSE)
        with acting(actor=None, request_id="reset_second_factor", reason=reason):
            user = User.objects.filter(username=username).first()
            if user is None:
                raise CommandError(f"Nobody is called {username}.", returncode=MISUSE)
            sessions = list(UserSession.objects.filter(user=user))
            SessionAdapter().end_sessions(sessions)
            _, counts = Authenticator.objects.filter(user=user).delete()
        removed = counts.get(Authenticator._meta.label, 0)
        if options["json"]:
            self.stdout.write(json.dumps({"removed": removed, "sessions": len(sessions)}))
        else:
            self.stderr.write(f"{removed} factors taken off, {len(sessions)} sessions ended.")
