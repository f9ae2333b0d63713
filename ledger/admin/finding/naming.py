"""Names in a search that have to be looked up: entities by their short names, colleagues by their user names."""

from typing import Any

from django.db.models import F, Q, QuerySet

from backoffice.models import User
from backoffice.models.user import SYSTEM
from backoffice.models.voiding import AnyOf
from backoffice.people import matching
from ledger.admin.finding.operators import ACCOUNT, ACTION, OperatorError, Term

NAMED = 3  # of several who are meant


def of_entity(entities: QuerySet[Any], text: str) -> Term:
    """Return the term for an entity and those below it, by its code or how its name begins. One query; raises OperatorError."""
    there = list(entities.order_by("name").values_list("pk", "code", "name", "parent"))
    said = text.lower()
    meant = [one for one in there if said in {one[1].lower(), one[2].lower()}] or [
        one for one in there if one[1].lower().startswith(said) or one[2].lower().startswith(said)
    ]
    if not meant:
        raise OperatorError(
            f"You see no entity “{text}”: {', '.join(code for _, code, _, _ in there) or 'none at all'}."
        )
    ids, below = {one[0] for one in meant}, {one[0] for one in meant}
    while below := {one[0] for one in there if one[3] in below} - ids:
        ids |= below
    names = " or ".join(one[2] for one in meant[:NAMED])
    more = f" or {len(meant) - NAMED} others" if len(meant) > NAMED else ""
    said = f"Of {names}{more}{' and those below' if len(ids) > len(meant) else ''}"
    return Term("entity", said, ACCOUNT, lambda prefix: Q(AnyOf(F(f"{prefix}entity"), sorted(ids))))


def done_by(using: str, reader: Any, text: str) -> Term:
    """Return the term for who did it: `me`, `system`, or colleagues by user name or name. Two queries at most; raises OperatorError."""
    known = {"me": (reader.pk, str(reader)), "system": (SYSTEM, "the system")}
    found = [known[text.lower()]] if text.lower() in known else _colleagues(using, text)
    if not found:
        raise OperatorError(f"Nobody of the staff is called “{text}”: write a user name or how a name begins.")
    ids, names = [pk for pk, _ in found], " or ".join(name for _, name in found[:NAMED])
    said = f"By {names}{' and others' if len(found) > NAMED else ''}"
    return Term("by", said, ACTION, lambda prefix: Q(AnyOf(F(f"{prefix}by"), ids)))


def _colleagues(using: str, text: str) -> list[tuple[int, str]]:
    """Return who of the staff has this user name, or where nobody has, whose names begin so."""
    meant = AnyOf(F("pk"), matching(text, using=using, others=True))
    staff = list(User.objects.using(using).filter(meant, is_staff=True).order_by("pk"))
    exactly = [one for one in staff if one.username.lower() == text.lower()]
    return [(one.pk, str(one)) for one in exactly or staff]
