"""What staff type into the search box of accounts and actions, recognised by its shape and looked up through indexes.

A reference, a public id and an e-mail address show what they are; anything else is the words of a name, a customer number or
the external reference of an action. Accounts are probed first, CANDIDATES at most and of those the reader may see, and the list is
then narrowed to them: so a frequent name costs as much as a rare one, and nothing is looked for twice.
"""

from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import F, Q, QuerySet

from backoffice.models.voiding import AnyOf
from backoffice.people import CANDIDATES, matching
from ledger.models import Action
from ledger.reference import ALPHABET, LENGTH, recognised
from ledger.shape import LONGEST

HELP = "A reference, a public id, a customer number, an e-mail address, how a name begins, or a bank's or an invoice's reference."


class Typed(NamedTuple):
    """What was typed, by its shape: one of the first two is set, or neither."""

    text: str
    reference: str | None
    uid: UUID | None


def read(text: str) -> Typed:
    """Recognise what was typed. No query."""
    try:
        uid = UUID(text.strip())
    except ValueError:
        uid = None
    return Typed(text.strip(), recognised(text), uid)


def find_accounts(accounts: QuerySet[Any], text: str) -> QuerySet[Any]:
    """Narrow accounts to what was typed. Two queries for a name, one for an id, none for a reference."""
    typed = read(text)
    if typed.reference:
        return accounts.filter(pk__in=_actions(accounts).filter(reference=typed.reference).values("account"))
    if typed.uid:
        of_action = _actions(accounts).filter(uid=typed.uid).values("account")
        return accounts.filter(Q(uid=typed.uid) | Q(pk__in=list(of_action.values_list("account", flat=True))))
    return _only(accounts, "pk", _people(accounts, typed.text) + _external(accounts, typed.text))


def find_actions(actions: QuerySet[Any], accounts: QuerySet[Any], text: str) -> QuerySet[Any]:
    """Narrow actions to what was typed; `accounts` are those that the reader may see. Queries as in `find_accounts`."""
    typed = read(text)
    if typed.reference:
        return actions.filter(reference=typed.reference)
    if typed.uid:
        account = list(accounts.filter(uid=typed.uid).order_by().values_list("pk", flat=True))
        return _only(actions, "account", account) if account else actions.filter(uid=typed.uid)
    external = actions.filter(external_reference=typed.text).order_by().values_list("pk", flat=True)
    if found := list(external[:CANDIDATES]) if _can_be_external(typed.text) else []:
        return _only(actions, "pk", found)
    return _only(actions, "account", _people(accounts, typed.text))


def find_holds(holds: QuerySet[Any], accounts: QuerySet[Any], text: str) -> QuerySet[Any]:
    """Narrow holds to what was typed: what placed or ended them, or their account. Queries as in `find_accounts`."""
    typed = read(text)
    if typed.reference:
        actions = list(_actions(accounts).filter(reference=typed.reference).values_list("pk", "hold")[:1])
        return holds.filter(pk__in=[pk for found in actions for pk in found if pk])
    if typed.uid and (found := list(holds.filter(uid=typed.uid).order_by().values_list("pk", flat=True))):
        return holds.filter(pk__in=found)
    known = accounts.filter(uid=typed.uid).values_list("pk", flat=True) if typed.uid else _people(accounts, typed.text)
    return _only(holds, "account", list(known))


def advice(text: str) -> str:
    """Return what to say when nothing was found."""
    symbols = "".join(text.upper().split()).replace("-", "")
    if len(symbols) == LENGTH and set(symbols) <= set(ALPHABET) and not recognised(text):
        return "That looks like a mistyped reference: its last symbol, the check digit, does not fit. Ask for it again."
    if recognised(text):
        return "The reference is well formed, but nothing that you can see has it."
    if "@" in text:
        return "Addresses are found by how they begin. Check the spelling, or look for the name."
    return "Names are found by how they begin. Try fewer letters, or the e-mail address."


def _actions(accounts: QuerySet[Any]) -> QuerySet[Action]:
    return Action.objects.using(accounts.db).order_by()


def _people(accounts: QuerySet[Any], text: str) -> list[int]:
    """Return the accounts whose customers are meant."""
    return list(
        accounts.filter(AnyOf(F("user"), matching(text, using=accounts.db)))
        .order_by()
        .values_list("pk", flat=True)[:CANDIDATES]
    )


def _external(accounts: QuerySet[Any], text: str) -> list[int]:
    """Return the accounts with an action of this external reference."""
    if not _can_be_external(text):
        return []
    found = _actions(accounts).filter(external_reference=text).values_list("account", flat=True)
    return list(accounts.filter(pk__in=found[:CANDIDATES]).order_by().values_list("pk", flat=True))


def _can_be_external(text: str) -> bool:
    """Whether an action can have this external reference: an empty one is on millions, and in no index."""
    return 0 < len(text) <= LONGEST["reference"]


def _only(rows: QuerySet[Any], path: str, ids: list[int]) -> QuerySet[Any]:
    return rows.filter(AnyOf(F(path), ids)) if ids else rows.none()
