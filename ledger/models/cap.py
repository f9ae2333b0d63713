"""The cap: the most that all balances of a currency may come to together, exactly, under any concurrency.

One row with a running total would make every deposit wait for every other. So what is left under the cap is dealt into
slots: a posting takes from the slot of its own backend, and only a slot that runs dry looks at the others, all of them, in
one order. Invariant: sum of balances + sum of `remaining` = `ceiling`. Kept by the trigger on `ledger_action`; the app role
can only read both tables.
"""

from decimal import Decimal

from django.db import connections, models

from audit.capture import captured
from backoffice.models.base import Record
from ledger.errors import InvalidAmount
from ledger.money import LARGEST, exponent, fits


class Cap(Record):
    """The most that all balances of one currency may come to. A currency without a cap is not kept."""

    admin_help_text = "The most that all balances of a currency may come to together. No posting gets past it."

    currency = models.CharField(max_length=3, primary_key=True)
    ceiling = models.DecimalField(max_digits=19, decimal_places=4)

    history = captured()

    class Meta:
        ordering = ["currency"]
        default_permissions = ["view"]
        permissions = [("propose_cap", "Can propose another cap")]

    def __str__(self) -> str:
        return self.currency

    @classmethod
    def set(cls, *, currency: str, ceiling: Decimal, using: str = "default") -> "Cap":
        """Set the cap of a currency and deal the headroom anew.

        Locks all slots of the currency.

        Raises:
            InvalidAmount: a ceiling that the currency cannot express.
            django.db.IntegrityError (`ledger_cap`): the balances are higher.
        """
        if not fits(ceiling, currency):
            raise InvalidAmount(
                f"A cap in {currency} is a number with at most {exponent(currency)} decimals.", why="decimals"
            )
        with connections[using].cursor() as cursor:
            cursor.execute("SELECT ledger_set_cap(%s, %s)", [currency, ceiling])
        return cls.objects.using(using).get(currency=currency)


class Headroom(Record):
    """One slot of what is left under a cap."""

    id = models.BigAutoField(primary_key=True)
    cap = models.ForeignKey(Cap, models.PROTECT, db_column="currency", related_name="slots")
    slot = models.SmallIntegerField()
    remaining = models.DecimalField(max_digits=19, decimal_places=4)

    class Meta:
        default_permissions = []
        constraints = [
            models.UniqueConstraint(fields=["cap", "slot"], name="ledger_headroom_slot"),
            models.CheckConstraint(
                condition=models.Q(remaining__gte=0) & models.Q(remaining__lt=LARGEST),
                name="ledger_headroom_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.cap_id}/{self.slot}"
