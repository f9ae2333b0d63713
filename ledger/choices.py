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
    TRANSFERRED_OUT = "transferred_out", "Transferred out"
    TRANSFERRED_IN = "transferred_in", "Transferred in"
    REVERSED = "reversed", "Reversed"
    REFUNDED = "refunded", "Refunded"
    HELD = "held", "Hold placed"
    CAPTURED = "captured", "Hold captured"
    RELEASED = "released", "Hold released"
    FROZEN = "frozen", "Frozen"
    UNFROZEN = "unfrozen", "Unfrozen"
    CLOSED = "closed", "Closed"


class Clock(models.TextChoices):
    """The two times that every action has; the values are its columns."""

    BUSINESS = "created", "When it happened"
    RECORDING = "recorded", "When it was recorded"


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
    MIN_TRANSFER = "min_transfer", "Minimum transfer"
    MAX_TRANSFER = "max_transfer", "Maximum transfer"
    MAX_BALANCE = "max_balance", "Maximum balance"
    DAILY_TURNOVER = "daily_turnover", "Daily turnover"
    MONTHLY_TURNOVER = "monthly_turnover", "Monthly turnover"
    APPROVAL = "approval", "Approval threshold"


class HoldState(models.TextChoices):
    """What can become of a hold; all but the first are final."""

    PENDING = "pending", "Pending"
    CAPTURED = "captured", "Captured"
    RELEASED = "released", "Released"
    EXPIRED = "expired", "Expired"


class ApprovalKind(models.TextChoices):
    """What somebody can ask another person's approval for."""

    POSTING = "posting", "Posting"
    LIMIT = "limit", "Limit"
    CAP = "cap", "Cap"


class ApprovalState(models.TextChoices):
    """What can become of a request for approval; all but the first are final."""

    PENDING = "pending", "Pending"
    APPROVED = "approved", "Approved"
    REJECTED = "rejected", "Rejected"
    CANCELLED = "cancelled", "Cancelled"
    EXPIRED = "expired", "Expired"
    FAILED = "failed", "Failed"
