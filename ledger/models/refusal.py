"""Postings that an import refused, remembered under their keys, so that the same file again posts nothing new."""

from django.db import models
from django.db.models.functions import Now

from backoffice.models.base import Record


class Refusal(Record):
    """A row of an import that a rule refused: which rule, and in which words."""

    admin_help_text = "Rows that an import handed back: the rule that refused each, in words."

    idempotency_key = models.CharField(max_length=100, unique=True)
    account = models.ForeignKey("ledger.Account", models.PROTECT, null=True, related_name="refusals")
    code = models.CharField(max_length=32)
    text = models.CharField(max_length=500)
    recorded = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["-id"]
        default_permissions = ["view"]

    def __str__(self) -> str:
        return f"{self.idempotency_key}: {self.code}"
