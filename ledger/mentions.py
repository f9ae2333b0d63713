"""Whom a note calls: `@` and a user name, of somebody who may see the account.

What looks like a name and is nobody's is refused, not passed over: whoever wrote it counts on being read. In the sandbox
nobody is called, as nobody would come.
"""

import re
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

from django.db import connections
from django.db.models import Q

from backoffice.grants import HOME
from backoffice.models import User
from ledger.errors import InvalidText, UnknownMention

if TYPE_CHECKING:
    from ledger.models.account import Account

MENTION = re.compile(r"(?<![\w.@/+-])@(\w(?:[\w.+-]*\w)?)")  # none of an e-mail address
MOST = 10
LOOKED_AT = 100
NAMED = ("username", "first_name", "last_name")
BACKEND = "backoffice.login.returning.ReturningBackend"
WORKING = "SELECT p FROM unnest(%s::bigint[]) p WHERE %s = ANY (backoffice_entities_of(p))"


def names_in(text: str) -> list[str]:
    """Return the user names that a text calls, each once, in their order."""
    return list(dict.fromkeys(MENTION.findall(text)))


def called(text: str, account: "Account", *, using: str = HOME) -> list[User]:
    """Return the people whom a text calls. Two queries, none where it calls nobody.

    Raises:
        UnknownMention: one of them is not there, or may not see the account.
        InvalidText: it calls too many.
    """
    names = names_in(text) if using == HOME else []
    if not names:
        return []
    if len(names) > MOST:
        raise InvalidText(f"The note calls {len(names)} people, {MOST} are the most.", why="too_long")
    found = {person.username: person for person in _readers(Q(username__in=names), account)}
    if missing := [name for name in names if name not in found]:
        told = " or ".join(f"@{name}" for name in missing)
        raise UnknownMention(f"No colleague called {told} sees this account: check the user name.", names=missing)
    return [found[name] for name in names]


def offered(names: list[str], account: "Account") -> list[User]:
    """Return whom names that call nobody may mean: who may see the account and is called so, else the first who may see it.

    Two queries, two more where nobody is called so.
    """
    like = [Q(**{f"{column}__istartswith": name}) for name in names for column in NAMED]
    return (_readers(reduce(or_, like), account) or _readers(Q(), account))[:MOST]


def _readers(those: Q, account: "Account") -> list[User]:
    """Return which of those people may see the account: by their role, and by their grants. Looks at the first 100."""
    may = User.objects.with_perm("ledger.view_account", backend=BACKEND)
    people = list(may.using(HOME).filter(those, is_staff=True).order_by("username")[:LOOKED_AT])
    with connections[HOME].cursor() as cursor:
        cursor.execute(WORKING, [[person.pk for person in people], account.entity_id])
        working = {pk for (pk,) in cursor.fetchall()}
    return [person for person in people if person.is_superuser or person.pk in working]
