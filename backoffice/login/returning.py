"""Who comes back with a session: two statements that are written once, as every page begins with them.

Django makes such statements anew for each request, which takes longer than to answer them.
"""

from functools import cache
from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.sessions.backends import db
from django.db import connections
from django.utils import timezone

from backoffice.grants import HOME
from backoffice.login.factors import FACTORS
from backoffice.models import User
from backoffice.models.user import GRANTED

SESSION = "SELECT session_data FROM django_session WHERE session_key = %s AND expire_date > %s"
PERSON = """
SELECT {columns}, ARRAY({granted}) AS given,
    EXISTS (SELECT FROM mfa_authenticator WHERE user_id = person.id AND type = ANY (%(factors)s)) AS has_factor
FROM backoffice_user AS person WHERE id = %(user)s AND NOT is_void
"""


class SessionStore(db.SessionStore):
    """Django's sessions in the database."""

    def load(self) -> dict[str, Any]:
        """Return what the session holds; nothing where it has ended or there was none. One query."""
        with connections[HOME].cursor() as cursor:
            cursor.execute(SESSION, [self.session_key, timezone.now()])
            found = cursor.fetchone()
        if found is None:
            self._session_key = None
            return {}
        return self.decode(found[0])


class ReturningBackend(ModelBackend):
    """Django's backend, which reads a person together with the rights and whether there is a second factor."""

    def get_user(self, user_id: Any) -> User | None:
        """Return the person, or None where there is none that may log in. One query."""
        fields, statement = _person()
        with connections[HOME].cursor() as cursor:
            cursor.execute(statement, {"user": user_id, "factors": [*FACTORS]})
            found = cursor.fetchone()
        if found is None:
            return None
        person = User.from_db(HOME, fields, found[: len(fields)])
        person.given, person.has_factor = found[len(fields) :]
        return person if self.user_can_authenticate(person) else None


@cache
def _person() -> tuple[list[str], str]:
    """Return the fields that are read of a person, and the statement."""
    fields = User._meta.concrete_fields
    columns = ", ".join(f"person.{field.column}" for field in fields)
    return [field.attname for field in fields], PERSON.format(columns=columns, granted=GRANTED)
