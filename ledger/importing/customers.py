"""Customers and accounts that an import needs and the ledger has not: made on the way, entities included."""

from collections.abc import Sequence

from django.contrib.auth.hashers import make_password

from backoffice.models import Entity, User
from ledger.importing.source import Branch, Customer
from ledger.models import Account
from ledger.opening import Opening, open_accounts


def open_missing(customers: Sequence[Customer], *, by: User, using: str) -> int:
    """Open the accounts that do not exist and return how many those were. Wants a transaction around it.

    Raises:
        LedgerError: as in `Account.create`; the caller's transaction must end then.
    """
    uids = [customer.uid for customer in customers]
    known = set(Account.objects.using(using).filter(uid__in=uids).values_list("uid", flat=True))
    missing = [customer for customer in customers if customer.uid not in known]
    people, entities = _people(missing, using), _entities(missing, using)
    openings = [
        Opening(
            user=people[customer.username],
            entity=entities[customer.branches[-1]],
            currency=customer.currency,
            by=by,
            asof=customer.asof,
            uid=customer.uid,
        )
        for customer in missing
    ]
    open_accounts(Account, openings, using=using)
    return len(openings)


def _people(customers: Sequence[Customer], using: str) -> dict[str, User]:
    everybody = User.all_objects_including_void().using(using)
    known = everybody.filter(username__in=[customer.username for customer in customers])
    people = {user.username: user for user in known}
    new = {
        customer.username: User(
            username=customer.username,
            first_name=customer.first_name,
            last_name=customer.last_name,
            password=make_password(None),
        )
        for customer in customers
        if customer.username not in people
    }
    made = User.objects.using(using).bulk_create(new.values())
    return people | {user.username: user for user in made}


def _entities(customers: Sequence[Customer], using: str) -> dict[Branch, Entity]:
    """Return the entity of each branch on the way to a customer, top first so that each has its parent."""
    known: dict[Branch, Entity] = {}
    for customer in customers:
        parent = None
        for branch in customer.branches:
            if branch not in known:
                known[branch], _ = (
                    Entity.all_objects_including_void()
                    .using(using)
                    .get_or_create(code=branch.code, defaults={"name": branch.name, "parent": parent})
                )
            parent = known[branch]
    return known
