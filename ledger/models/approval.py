"""A request that another person has to approve: a posting over the threshold, a change of a limit or of the cap.

Invariants, held by the database: whoever asked never decides; what was asked never changes; a request is decided once; an
action that names an approval was approved by somebody else.
"""

import uuid

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from audit.capture import captured
from backoffice.models.base import Record
from ledger.choices import ApprovalKind, ApprovalState


class Approval(Record):
    """A request with its decision. Pending requests with the same `fingerprint` are one request."""

    admin_help_text = (
        "What one person asked for and another has to approve. Nobody approves a request of their own. Approving posts it "
        "by the same rules as any posting, on today's balances."
    )

    Kind = ApprovalKind
    State = ApprovalState

    uid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=8, choices=ApprovalKind)
    entity = models.ForeignKey("backoffice.Entity", models.PROTECT, null=True, related_name="+")
    account = models.ForeignKey("ledger.Account", models.PROTECT, null=True, related_name="approvals")
    currency = models.CharField(max_length=3)
    amount = models.DecimalField(max_digits=19, decimal_places=4)
    request = models.JSONField(help_text="What was asked, in the keywords of the classmethod.")
    shown = models.JSONField(help_text="What would have happened at the time of asking.")
    fingerprint = models.BinaryField(max_length=32, editable=False)
    reason = models.CharField(max_length=500)
    maker = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    requested = models.DateTimeField(db_default=Now(), editable=False)
    expires = models.DateTimeField()
    state = models.CharField(max_length=9, choices=ApprovalState, default=ApprovalState.PENDING)
    checker = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    decided = models.DateTimeField(null=True)
    comment = models.CharField(max_length=500, blank=True, help_text="Why it was decided so.")
    error_code = models.CharField(max_length=32, blank=True)
    error_text = models.CharField(max_length=500, blank=True)

    history = captured(without=["fingerprint"])

    class Meta:
        ordering = ["-id"]
        default_permissions = ["view"]
        permissions = [("decide_approval", "Can approve and reject what others ask for")]
        constraints = [
            models.UniqueConstraint(
                fields=["fingerprint"],
                condition=models.Q(state=ApprovalState.PENDING),
                name="ledger_approval_pending_once",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=[ApprovalState.CANCELLED, ApprovalState.EXPIRED])
                | models.Q(checker__isnull=True)
                | ~models.Q(checker=models.F("maker")),
                name="ledger_approval_checker_is_another",
            ),
            models.CheckConstraint(
                condition=~models.Q(state__in=[ApprovalState.APPROVED, ApprovalState.REJECTED, ApprovalState.FAILED])
                | models.Q(checker__isnull=False),
                name="ledger_approval_decided_by_somebody",
            ),
        ]
        indexes = [
            models.Index(
                fields=["entity", "-id"], condition=models.Q(state=ApprovalState.PENDING), name="ledger_approval_inbox"
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.amount} {self.currency}"
