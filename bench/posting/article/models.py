"""Account and Action as the article has them: lock the row, check in Python, SUM all balances for the cap, save, insert.

Left out beside the ledger: history and events, currencies and their decimals, limits as rows, statuses, running versions,
idempotency, references with a check digit, and the database's own guards. The cap can be passed: two deposits to two
accounts at once do not see each other.
"""

import uuid
from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from django.conf import settings
from django.db import models, transaction
from django.utils.crypto import get_random_string

MIN_DEPOSIT, MAX_DEPOSIT = Decimal("0.01"), Decimal(1_000_000)
MAX_BALANCE, MAX_TOTAL_BALANCES = Decimal(20_000_000), Decimal(900_000_000_000)


class Refused(Exception):
    """A rule that refuses."""


class Account(models.Model):
    """A customer's account."""

    uid = models.UUIDField(unique=True, editable=False, default=uuid.uuid4)
    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created = models.DateTimeField(blank=True)
    modified = models.DateTimeField(blank=True)
    balance = models.DecimalField(max_digits=19, decimal_places=4, default=Decimal(0))

    objects: ClassVar[models.Manager["Account"]] = models.Manager()

    def __str__(self) -> str:
        return str(self.uid)

    @classmethod
    def deposit(
        cls, *, uid: uuid.UUID, deposited_by: models.Model, amount: Decimal, asof: datetime, comment: str = ""
    ) -> tuple["Account", "Action"]:
        """Add the amount and return account and action."""
        with transaction.atomic():
            account = cls.objects.select_for_update().get(uid=uid)
            if not MIN_DEPOSIT <= amount <= MAX_DEPOSIT or account.balance + amount > MAX_BALANCE:
                raise Refused
            total = cls.objects.aggregate(total=models.Sum("balance"))["total"] or Decimal(0)
            if total + amount > MAX_TOTAL_BALANCES:
                raise Refused
            account.balance += amount
            account.modified = asof
            account.save(update_fields=["balance", "modified"])
            action = Action.objects.create(
                user_friendly_id=get_random_string(9, "23456789CFHJKMNPQRTVWXY"),
                type="DEPOSITED",
                created=asof,
                user=deposited_by,
                account=account,
                delta=amount,
                comment=comment,
                debug_balance=account.balance,
            )
            return account, action


class Action(models.Model):
    """One posting."""

    user_friendly_id = models.CharField(unique=True, max_length=30, editable=False)
    type = models.CharField(max_length=30)
    created = models.DateTimeField(editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    account = models.ForeignKey(Account, models.PROTECT)
    delta = models.DecimalField(max_digits=19, decimal_places=4)
    reference = models.TextField(blank=True)
    reference_type = models.CharField(max_length=30, default="NONE")
    comment = models.TextField(blank=True)
    debug_balance = models.DecimalField(max_digits=19, decimal_places=4)

    objects: ClassVar[models.Manager["Action"]] = models.Manager()

    def __str__(self) -> str:
        return self.user_friendly_id
