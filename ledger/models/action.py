"""The record of everything that ever happened to an account: one immutable row a posting.

An action is written by `ledger.posting` alone. The database gives it its reference and its recording time, checks that
it continues the account where the last one ended, and refuses UPDATE, DELETE and TRUNCATE.
"""

from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import connections, models
from django.db.models.functions import Now

from audit.facts import UUID7
from backoffice.models.base import Record
from ledger.choices import ActionType, ReferenceType, Status

if TYPE_CHECKING:
    from ledger.models.account import Account
    from ledger.posting import Posting

WRITTEN = {  # what the engine gives; the database adds id, uid, reference and recorded
    "account_id": "bigint",
    "entity_id": "bigint",
    "currency": "text",
    "type": "text",
    "delta": "numeric",
    "balance": "numeric",
    "status": "text",
    "version": "int",
    "created": "timestamptz",
    "reference_type": "text",
    "external_reference": "text",
    "comment": "text",
    "by_id": "bigint",
    "idempotency_key": "text",
}
INSERT = f"""
    INSERT INTO ledger_action ({", ".join(WRITTEN)})
    SELECT * FROM unnest({", ".join(f"%s::{kind}[]" for kind in WRITTEN.values())})
    RETURNING account_id, version, id, uid, reference, recorded
"""  # noqa: S608  built of the names above


class NewReference(models.Func):
    """The next reference, given out by the database."""

    function = "ledger_new_reference"
    arity = 0
    output_field = models.CharField()


class Action(Record):
    """One posting. `delta` is what it added to the balance; `balance`, `status` and `version` are what it left."""

    admin_help_text = (
        "Everything that ever happened to an account, one line a posting. Nobody can change or delete a line, not even "
        "an administrator; a mistake is mended by a posting in the other direction."
    )

    Type = ActionType
    ReferenceType = ReferenceType

    uid = models.UUIDField(unique=True, editable=False, db_default=UUID7())
    reference = models.CharField(
        max_length=11,
        unique=True,
        editable=False,
        db_default=NewReference(),
        help_text="What to quote to the customer and on the phone; a mistyped one is recognised.",
    )
    account = models.ForeignKey("ledger.Account", models.PROTECT, related_name="actions", db_index=False)
    entity = models.ForeignKey("backoffice.Entity", models.PROTECT, related_name="+", db_constraint=False)
    currency = models.CharField(max_length=3)
    type = models.CharField(max_length=12, choices=ActionType)
    delta = models.DecimalField(max_digits=19, decimal_places=4, help_text="Added to the balance; negative is taken.")
    balance = models.DecimalField(max_digits=19, decimal_places=4, help_text="The balance after this action.")
    status = models.CharField(max_length=8, choices=Status, help_text="The account's status after this action.")
    version = models.PositiveIntegerField(help_text="Counts the account's actions, without a gap.")
    created = models.DateTimeField(help_text="When it happened: the business time, given by whoever posted it.")
    recorded = models.DateTimeField(db_default=Now(), editable=False, help_text="When the database wrote it.")
    reference_type = models.CharField(max_length=16, choices=ReferenceType, default=ReferenceType.NONE)
    external_reference = models.CharField(
        max_length=64, blank=True, help_text="How the bank, the cheque or the invoice calls it."
    )
    comment = models.CharField(max_length=500, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)
    idempotency_key = models.CharField(max_length=100, null=True, editable=False)  # noqa: DJ001  many have none, and unique

    class Meta:
        ordering = ["-id"]
        get_latest_by = "version"
        permissions = []
        default_permissions = ["view"]
        constraints = [
            models.UniqueConstraint(fields=["account", "version"], name="ledger_action_account_version"),
            models.UniqueConstraint(
                fields=["idempotency_key"],
                condition=models.Q(idempotency_key__isnull=False),
                name="ledger_action_idempotency_key",
            ),
        ]
        indexes = [
            models.Index(
                fields=["external_reference"],
                condition=~models.Q(external_reference=""),
                name="ledger_action_external",
            )
        ]

    replayed = False  # true on what a repeated request returns: the first result, not a second one

    def __str__(self) -> str:
        return str(self.reference)

    @classmethod
    def draft(cls, account: "Account", posting: "Posting", delta: Decimal) -> Self:
        """Return the unwritten action for an account as the posting leaves it.

        By position and not by keyword, which Django takes three times as long for: a batch makes thousands.
        """
        given = {
            "account_id": account.id,
            "entity_id": account.entity_id,
            "currency": account.currency,
            "type": posting.type,
            "delta": delta,
            "balance": account.balance,
            "status": account.status,
            "version": account.version,
            "created": posting.asof,
            "reference_type": posting.reference_type,
            "external_reference": posting.reference,
            "comment": posting.comment,
            "by_id": posting.by.pk,
            "idempotency_key": posting.idempotency_key,
        }
        draft = cls(*map(given.get, cls._columns()))
        draft._state.fields_cache |= {"account": account, "by": posting.by}
        return draft

    @classmethod
    @cache
    def _columns(cls) -> list[str]:
        return [field.attname for field in cls._meta.concrete_fields]

    @classmethod
    def write(cls, drafts: Sequence[Self], *, using: str) -> None:
        """Insert the drafts in one statement and complete them with what the database gave.

        What a key returned is written already and left alone. The trigger on the table moves the
        accounts and takes from the cap; raises django.db.IntegrityError named by the guard that refuses.
        """
        new = list({id(draft): draft for draft in drafts if draft._state.adding}.values())
        if not new:
            return
        with connections[using].cursor() as cursor:
            cursor.execute(INSERT, [[getattr(draft, name) for draft in new] for name in WRITTEN])
            given = {(row[0], row[1]): row[2:] for row in cursor.fetchall()}
        for draft in new:
            draft.id, draft.uid, draft.reference, draft.recorded = given[draft.account_id, draft.version]
            draft._state.adding, draft._state.db = False, using

    def answers(self, posting: "Posting", account: "Account") -> bool:
        """Say whether this action is what the posting asks for, so that its key may return it."""
        return (self.account_id, self.type, abs(self.delta)) == (account.id, posting.type, posting.amount) and (
            (self.reference_type, self.external_reference, self.comment)
            == (posting.reference_type, posting.reference, posting.comment)
        )
