"""The words of the ledger: what can happen to an account, and what it can be."""

from django.db import models


class Status(models.TextChoices):
    """What an account can be."""

    OPEN = "open", "Open"
    FROZEN = "frozen", "Frozen"
    CLOSED = "closed", "Closed"


class ActionType(models.TextChoices):
    """What can happen to an account."""

    CREATED = "created", "Created"
    DEPOSITED = "deposited", "Deposited"
    WITHDRAWN = "withdrawn", "Withdrawn"
    FROZEN = "frozen", "Frozen"
    UNFROZEN = "unfrozen", "Unfrozen"
    CLOSED = "closed", "Closed"


class ReferenceType(models.TextChoices):
    """Where the other side of a posting can be found."""

    NONE = "none", "None"
    BANK_TRANSFER = "bank_transfer", "Bank transfer"
    CARD = "card", "Card"
    CASH = "cash", "Cash desk"
    CHEQUE = "cheque", "Cheque"
    INVOICE = "invoice", "Invoice"
    OTHER = "other", "Other"


class LimitKind(models.TextChoices):
    """What a limit can bind."""

    MIN_DEPOSIT = "min_deposit", "Minimum deposit"
    MAX_DEPOSIT = "max_deposit", "Maximum deposit"
    MIN_WITHDRAWAL = "min_withdrawal", "Minimum withdrawal"
    MAX_WITHDRAWAL = "max_withdrawal", "Maximum withdrawal"
    MAX_BALANCE = "max_balance", "Maximum balance"
