"""Limits as rows: what is the least and the most, for whom, and when.

A limit speaks of a currency; with an entity or an account it is narrower, and the narrowest one that is valid now wins.
One for an entity binds the accounts of its whole branch, as grants do; of several on the way up the nearest wins. `branch` is
that branch, kept by the database as the tree of entities changes, so that a posting does not walk it.
Limits bind at the moment of recording, so back-dating a posting gets round none of them. Two limits of the same kind for
the same subject never overlap in time: `ledger_limit_no_overlap`, an exclusion constraint.
"""

from collections.abc import Collection
from datetime import UTC, datetime

from django.contrib.postgres.fields import ArrayField, DateTimeRangeField
from django.core.exceptions import ValidationError
from django.db import models, router
from psycopg.types.range import TimestamptzRange

from audit.capture import captured
from backoffice.models.base import Model
from ledger.choices import LimitKind
from ledger.errors import UnknownCurrency
from ledger.money import exponent, fits
from ledger.proposing import NOT_ITS_OWN, check_currency

SUBJECT = ("kind", "currency", "entity", "account")  # of which there is one limit at a time
OVERLAPS = (
    "There is such a limit in this time already: two limits of one kind in one currency, for the same account, the same "
    "entity or the whole currency, never overlap. Change that one, or choose another time."
)


def always() -> TimestamptzRange:
    """Return a validity from the start of the ledger's time without end."""
    return TimestamptzRange(datetime(1970, 1, 1, tzinfo=UTC), None)


class Limit(Model):
    """The least or the most of something, for a currency, an entity or an account, while it is valid."""

    admin_help_text = (
        "The least and the most a posting or a balance can be. A limit for an account wins over one for its entity, that "
        "over one for an entity above it, and that over one for the whole currency."
    )

    Kind = LimitKind

    kind = models.CharField(max_length=16, choices=LimitKind)
    currency = models.CharField(max_length=3, help_text="ISO 4217, such as CZK.")
    entity = models.ForeignKey(
        "backoffice.Entity",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="limits",
        help_text="With all entities below it. Empty: every entity.",
    )
    account = models.ForeignKey(
        "ledger.Account",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="limits",
        help_text="Empty: every account.",
    )
    amount = models.DecimalField(max_digits=19, decimal_places=4)
    valid = DateTimeRangeField(default=always, help_text="From, inclusive, and until, exclusive; empty is without end.")
    branch = ArrayField(
        models.BigIntegerField(),
        null=True,
        editable=False,
        help_text="The entity and all below it, kept by the database.",
    )

    history = captured(without=["branch"])

    class Meta:
        ordering = ["currency", "kind", "-account", "-entity"]
        default_permissions = ["view"]
        permissions = [("propose_limit", "Can propose a limit, its change or its end")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(amount__gte=0),
                name="ledger_limit_not_negative",
                violation_error_message="A limit cannot be negative.",
            ),
            models.CheckConstraint(
                condition=models.Q(entity__isnull=True) | models.Q(account__isnull=True),
                name="ledger_limit_one_subject",
                violation_error_message="A limit is for an entity or for an account, not for both.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.currency}"

    def clean(self) -> None:
        """Refuse a currency that the ledger does not keep or the account is not in, and an amount that it cannot express."""
        if not self.currency:
            return
        try:
            check_currency(self.currency, self._written_to())
        except UnknownCurrency as error:
            raise ValidationError({"currency": str(error)}) from None
        if self.account and self.account.currency != self.currency:
            raise ValidationError({"currency": NOT_ITS_OWN.format(self.account.currency, self.currency)})
        if self.amount is not None and not fits(self.amount, self.currency):
            raise ValidationError({"amount": f"{self.currency} has {exponent(self.currency)} decimals."})

    def validate_constraints(self, exclude: Collection[str] | None = None) -> None:
        """Refuse as well what `ledger_limit_no_overlap` would: Django knows no constraint that SQL alone declares.

        That nobody sets another one between this and saving is up to who calls: `ledger.bounding.BRANCHES`.
        """
        super().validate_constraints(exclude=exclude)
        if not {*SUBJECT, "valid"} & set(exclude or ()) and self._beside().exists():
            raise ValidationError(OVERLAPS)

    def _beside(self) -> models.QuerySet["Limit"]:
        """Return the other limits of the same kind and subject in the same time."""
        same = {name: getattr(self, name) for name in SUBJECT}
        others = type(self)._default_manager.using(self._written_to()).exclude(pk=self.pk)
        return others.filter(**same, valid__overlap=self.valid)

    def _written_to(self) -> str:
        return router.db_for_write(type(self), instance=self)
