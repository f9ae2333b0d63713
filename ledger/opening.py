"""Opening accounts: the account rows, and the first action of each, or none of them."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from django.db import transaction
from django.utils import timezone

from backoffice.models import Entity, User
from ledger import errors, posting
from ledger.choices import ActionType
from ledger.refused import translating
from ledger.shape import check_moment, check_user, told

if TYPE_CHECKING:
    from ledger.models.account import Account


class Opening(NamedTuple):
    """An account to open: for whom, on whose books, in which currency; `asof` is the business time."""

    user: User
    entity: Entity
    currency: str
    by: User
    asof: datetime
    comment: str = ""
    uid: uuid.UUID | None = None


def open_accounts(
    accounts: type["Account"], openings: Sequence[Opening], *, using: str = "default"
) -> list[posting.Outcome]:
    """Open many accounts or none, in a constant number of statements.

    Raises:
        LedgerError: as in `Account.create`; nothing has changed then.
    """
    with translating(), transaction.atomic(using=using):
        _check(openings, using)
        opened = accounts.objects.using(using).bulk_create([_row(accounts, opening) for opening in openings])
        first = [_first(account, opening) for account, opening in zip(opened, openings, strict=True)]
        return posting.post(accounts, first, using=using, all_or_nothing=True)


def _check(openings: Sequence[Opening], using: str) -> None:
    from ledger.models.cap import Cap  # noqa: PLC0415  the models import this module

    now = timezone.now()
    kept = set(Cap.objects.using(using).values_list("currency", flat=True))
    for opening in openings:
        _check_subject(opening)
        check_moment(opening.asof, opening.asof, now)
        if not isinstance(opening.currency, str) or opening.currency not in kept:
            raise errors.UnknownCurrency(
                f"The ledger does not keep {told(opening.currency)}: it keeps {', '.join(sorted(kept))}.",
                currency=opening.currency,
            )


def _check_subject(opening: Opening) -> None:
    """Refuse an account of nobody, on no books, or called by what is no uid."""
    check_user(opening.by)
    if not isinstance(opening.user, User) or opening.user.pk is None:
        raise errors.UnknownUser("Say which customer the account is for.")
    if not isinstance(opening.entity, Entity) or opening.entity.pk is None:
        raise errors.UnknownEntity("Say on the books of which entity the account is.")
    if opening.uid is not None and not isinstance(opening.uid, uuid.UUID):
        raise errors.UnknownAccount(f"An account is called by a UUID, not by {type(opening.uid).__name__}.")


def _row(accounts: type["Account"], opening: Opening) -> "Account":
    return accounts(
        uid=opening.uid or uuid.uuid4(),
        user=opening.user,
        entity=opening.entity,
        currency=opening.currency,
        created=opening.asof,
        modified=opening.asof,
        latest=opening.asof,
    )


def _first(account: "Account", opening: Opening) -> posting.Posting:
    return posting.Posting(
        type=ActionType.CREATED, uid=account.uid, by=opening.by, asof=opening.asof, comment=opening.comment
    )
