"""Changes of caps as requests: what one would do, and doing it."""

from decimal import Decimal

from django.db import connections, transaction

from backoffice.effects import Effect
from ledger import errors
from ledger.money import written
from ledger.refused import translating

STANDS = """
    SELECT c.ceiling, sum(h.remaining) FROM ledger_cap c JOIN ledger_headroom h ON h.currency = c.currency
    WHERE c.currency = %s GROUP BY c.currency
"""


def effects(currency: str, ceiling: Decimal, using: str) -> tuple[Effect, ...]:
    """Return what the change would do. One query.

    Raises:
        InvalidLimit: it is that already.
        CapTooLow: the balances are higher.
    """
    with connections[using].cursor() as cursor:
        cursor.execute(STANDS, [currency])
        before, left = cursor.fetchone() or (None, Decimal(0))
    if before == ceiling:
        raise errors.InvalidLimit("That is the cap already.")
    if before is not None and before - left > ceiling:
        raise errors.CapTooLow(f"The balances in {currency} come to more than {written(ceiling, currency)} already.")
    shown = "none" if before is None else written(before, currency)
    return (Effect(what=f"Cap of {currency}", before=shown, after=written(ceiling, currency)),)


def carry_out(currency: str, ceiling: Decimal, using: str) -> tuple[Effect, ...]:
    """Set the cap, and return what that did. Locks all slots of the currency; errors as in `effects`."""
    from ledger.models.cap import Cap  # noqa: PLC0415  the models import this module

    done = effects(currency, ceiling, using)
    try:
        with translating(), transaction.atomic(using=using):
            Cap.set(currency=currency, ceiling=ceiling, using=using)
    except errors.ExceedsCap as error:
        raise errors.CapTooLow(f"The balances in {currency} come to more than that.") from error
    return done
