import uuid
from decimal import Decimal

import django.contrib.postgres.fields.ranges
import django.db.models.deletion
import django.db.models.functions.datetime
import simple_history.models
from django.conf import settings
from django.db import migrations, models

import audit.facts
import ledger.models.action
import ledger.models.limit


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("backoffice", "0003_grants"),
        ("backoffice", "__first__"),
        ("ledger", "0001_references"),
    ]

    operations = [
        migrations.CreateModel(
            name="Action",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "uid",
                    models.UUIDField(
                        db_default=audit.facts.UUID7(), editable=False, unique=True, verbose_name="public id"
                    ),
                ),
                (
                    "reference",
                    models.CharField(
                        db_default=ledger.models.action.NewReference(),
                        editable=False,
                        help_text="What to quote to the customer and on the phone; a mistyped one is recognised.",
                        max_length=11,
                    ),
                ),
                ("currency", models.CharField(max_length=3)),
                (
                    "type",
                    models.CharField(
                        choices=[
                            ("created", "Created"),
                            ("deposited", "Deposited"),
                            ("withdrawn", "Withdrawn"),
                            ("transferred_out", "Transferred out"),
                            ("transferred_in", "Transferred in"),
                            ("reversed", "Reversed"),
                            ("refunded", "Refunded"),
                            ("held", "Hold placed"),
                            ("captured", "Hold captured"),
                            ("released", "Hold released"),
                            ("frozen", "Frozen"),
                            ("unfrozen", "Unfrozen"),
                            ("closed", "Closed"),
                        ],
                        max_length=16,
                    ),
                ),
                (
                    "delta",
                    models.DecimalField(
                        decimal_places=4, help_text="Added to the balance; negative is taken.", max_digits=19
                    ),
                ),
                (
                    "balance",
                    models.DecimalField(decimal_places=4, help_text="The balance after this action.", max_digits=19),
                ),
                (
                    "held_delta",
                    models.DecimalField(
                        db_default=Decimal(0),
                        decimal_places=4,
                        default=Decimal(0),
                        help_text="Added to what is held.",
                        max_digits=19,
                    ),
                ),
                (
                    "held",
                    models.DecimalField(
                        db_default=Decimal(0),
                        decimal_places=4,
                        default=Decimal(0),
                        help_text="Held after this action.",
                        max_digits=19,
                    ),
                ),
                (
                    "turnover",
                    models.DecimalField(
                        decimal_places=4,
                        help_text="All that came in and went out until here, what was returned left out.",
                        max_digits=24,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[("open", "Open"), ("frozen", "Frozen"), ("closed", "Closed")],
                        help_text="The account's status after this action.",
                        max_length=8,
                    ),
                ),
                ("version", models.IntegerField(help_text="Counts the account's actions, without a gap.")),
                (
                    "created",
                    models.DateTimeField(
                        help_text="When it happened: the business time, given by whoever posted it.",
                        verbose_name="when",
                    ),
                ),
                (
                    "latest",
                    models.DateTimeField(help_text="The latest business time of the account's actions until here."),
                ),
                (
                    "recorded",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        help_text="When the database wrote it.",
                    ),
                ),
                (
                    "reference_type",
                    models.CharField(
                        choices=[
                            ("none", "None"),
                            ("bank_transfer", "Bank transfer"),
                            ("card", "Card"),
                            ("cash", "Cash desk"),
                            ("cheque", "Cheque"),
                            ("invoice", "Invoice"),
                            ("other", "Other"),
                        ],
                        default="none",
                        max_length=16,
                    ),
                ),
                (
                    "external_reference",
                    models.CharField(
                        blank=True, help_text="How the bank, the cheque or the invoice calls it.", max_length=64
                    ),
                ),
                ("comment", models.CharField(blank=True, max_length=500, verbose_name="reason")),
                (
                    "transfer",
                    models.UUIDField(editable=False, help_text="Shared by the two legs of a transfer.", null=True),
                ),
                ("expires", models.DateTimeField(help_text="When a hold ends by itself.", null=True)),
                ("idempotency_key", models.CharField(editable=False, max_length=100, null=True)),
                (
                    "by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "entity",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="backoffice.entity",
                    ),
                ),
                (
                    "reverses",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="returns",
                        to="ledger.action",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "permissions": [("reverse", "Can reverse an action"), ("refund", "Can refund a part of an action")],
                "get_latest_by": "version",
                "default_permissions": ["view"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("external_reference", ""), _negated=True),
                        fields=["external_reference"],
                        name="ledger_action_external",
                    ),
                    models.Index(
                        condition=models.Q(("reverses__isnull", False)),
                        fields=["reverses"],
                        name="ledger_action_reverses",
                    ),
                    models.Index(
                        condition=models.Q(("transfer__isnull", False)),
                        fields=["transfer"],
                        name="ledger_action_transfer",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("idempotency_key__isnull", False)),
                        fields=("entity", "idempotency_key"),
                        name="ledger_action_idempotency_key",
                    ),
                    models.UniqueConstraint(fields=("reference",), name="ledger_action_reference"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Cap",
            fields=[
                ("currency", models.CharField(max_length=3, primary_key=True, serialize=False)),
                ("ceiling", models.DecimalField(decimal_places=4, max_digits=19)),
            ],
            options={
                "ordering": ["currency"],
                "permissions": [("propose_cap", "Can propose another cap")],
                "default_permissions": ["view"],
            },
        ),
        migrations.CreateModel(
            name="Account",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "uid",
                    models.UUIDField(
                        default=uuid.uuid4,
                        editable=False,
                        help_text="What other systems call it by.",
                        unique=True,
                        verbose_name="public id",
                    ),
                ),
                ("currency", models.CharField(max_length=3)),
                (
                    "status",
                    models.CharField(
                        choices=[("open", "Open"), ("frozen", "Frozen"), ("closed", "Closed")],
                        default="open",
                        editable=False,
                        max_length=8,
                    ),
                ),
                ("balance", models.DecimalField(decimal_places=4, default=Decimal(0), editable=False, max_digits=19)),
                (
                    "held",
                    models.DecimalField(
                        db_default=Decimal(0),
                        decimal_places=4,
                        default=Decimal(0),
                        editable=False,
                        help_text="Part of the balance that pending holds keep.",
                        max_digits=19,
                    ),
                ),
                (
                    "turnover",
                    models.DecimalField(
                        db_default=Decimal(0),
                        decimal_places=4,
                        default=Decimal(0),
                        editable=False,
                        help_text="All that ever came in and went out, what was returned left out.",
                        max_digits=24,
                    ),
                ),
                (
                    "version",
                    models.IntegerField(
                        default=0, editable=False, help_text="How many actions it has.", verbose_name="actions"
                    ),
                ),
                ("created", models.DateTimeField(editable=False, verbose_name="opened")),
                (
                    "modified",
                    models.DateTimeField(
                        editable=False, help_text="The business time of the last action.", verbose_name="last movement"
                    ),
                ),
                ("latest", models.DateTimeField(editable=False, help_text="The latest business time of any action.")),
                (
                    "note",
                    models.TextField(
                        blank=True,
                        help_text="What colleagues should know before they act; customers never see it.",
                        max_length=2000,
                    ),
                ),
                (
                    "entity",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="accounts", to="backoffice.entity"
                    ),
                ),
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="account", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "permissions": [
                    ("deposit", "Can deposit to an account"),
                    ("withdraw", "Can withdraw from an account"),
                    ("transfer", "Can transfer between accounts"),
                    ("hold", "Can place, capture and release holds"),
                    ("freeze", "Can freeze an account"),
                    ("unfreeze", "Can unfreeze an account"),
                    ("close", "Can close an account"),
                ],
                "default_permissions": ["view", "change"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("balance__gte", 0), ("balance__lt", Decimal(1000000000000000))),
                        name="ledger_account_balance_not_negative",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("held__gte", 0), ("held__lte", models.F("balance"))),
                        name="ledger_account_held_is_covered",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "closed"), _negated=True), ("balance", 0), _connector="OR"
                        ),
                        name="ledger_account_closed_is_empty",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Hold",
            fields=[
                (
                    "placed",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="placed_hold",
                        serialize=False,
                        to="ledger.action",
                    ),
                ),
                (
                    "uid",
                    models.UUIDField(
                        editable=False,
                        help_text="The uid of the action that placed it.",
                        unique=True,
                        verbose_name="public id",
                    ),
                ),
                ("currency", models.CharField(max_length=3)),
                ("amount", models.DecimalField(decimal_places=4, max_digits=19)),
                ("captured", models.DecimalField(db_default=0, decimal_places=4, default=0, max_digits=19)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("captured", "Captured"),
                            ("released", "Released"),
                            ("expired", "Expired"),
                        ],
                        default="pending",
                        max_length=8,
                    ),
                ),
                (
                    "created",
                    models.DateTimeField(help_text="The business time at which it was placed.", verbose_name="when"),
                ),
                ("expires", models.DateTimeField(help_text="When it ends by itself.", null=True)),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="holds",
                        to="ledger.account",
                    ),
                ),
                (
                    "entity",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="backoffice.entity",
                    ),
                ),
                (
                    "resolved",
                    models.OneToOneField(
                        help_text="The action that ended it.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="ledger.action",
                    ),
                ),
            ],
            options={
                "ordering": ["-pk"],
                "default_permissions": ["view"],
                "indexes": [
                    models.Index(fields=["account", "-placed"], name="ledger_hold_account"),
                    models.Index(
                        condition=models.Q(("expires__isnull", False), ("state", "pending")),
                        fields=["expires"],
                        name="ledger_hold_expires",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("amount__gt", 0)), name="ledger_hold_amount_positive"),
                    models.CheckConstraint(
                        condition=models.Q(("captured__gte", 0), ("captured__lte", models.F("amount"))),
                        name="ledger_hold_captured_within",
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="action",
            name="account",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="actions",
                to="ledger.account",
            ),
        ),
        migrations.AddField(
            model_name="action",
            name="counterparty",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                help_text="The other account of a transfer.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="ledger.account",
            ),
        ),
        migrations.CreateModel(
            name="Approval",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name="public id")),
                (
                    "kind",
                    models.CharField(
                        choices=[("posting", "Posting"), ("limit", "Limit"), ("cap", "Cap")], max_length=8
                    ),
                ),
                ("currency", models.CharField(max_length=3)),
                ("amount", models.DecimalField(decimal_places=4, max_digits=19)),
                ("asked", models.JSONField(help_text="What was asked, in the keywords of the classmethod.")),
                ("shown", models.JSONField(help_text="What would have happened at the time of asking.")),
                ("fingerprint", models.BinaryField(max_length=32)),
                ("reason", models.CharField(max_length=500)),
                (
                    "requested",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("expires", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("approved", "Approved"),
                            ("rejected", "Rejected"),
                            ("cancelled", "Cancelled"),
                            ("expired", "Expired"),
                            ("failed", "Failed"),
                        ],
                        default="pending",
                        max_length=9,
                    ),
                ),
                ("decided", models.DateTimeField(null=True)),
                (
                    "comment",
                    models.CharField(
                        blank=True,
                        help_text="Why it was decided so.",
                        max_length=500,
                        verbose_name="reason for the decision",
                    ),
                ),
                ("error_code", models.CharField(blank=True, max_length=32)),
                ("error_text", models.CharField(blank=True, max_length=500)),
                (
                    "account",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="approvals",
                        to="ledger.account",
                    ),
                ),
                (
                    "checker",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="decided by",
                    ),
                ),
                (
                    "entity",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="backoffice.entity"
                    ),
                ),
                (
                    "maker",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="asked by",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "permissions": [("decide_approval", "Can approve and reject what others ask for")],
                "default_permissions": ["view"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "pending")), fields=["entity", "-id"], name="ledger_approval_inbox"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "pending")),
                        fields=("fingerprint",),
                        name="ledger_approval_pending_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ["cancelled", "expired"]),
                            ("checker__isnull", True),
                            models.Q(("checker", models.F("maker")), _negated=True),
                            _connector="OR",
                        ),
                        name="ledger_approval_checker_is_another",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "approved"), _negated=True),
                            ("decided__lt", models.F("expires")),
                            _connector="OR",
                        ),
                        name="ledger_approval_in_time",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state__in", ["approved", "rejected", "failed"]), _negated=True),
                            ("checker__isnull", False),
                            _connector="OR",
                        ),
                        name="ledger_approval_decided_by_somebody",
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="action",
            name="approval",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="ledger.approval",
            ),
        ),
        migrations.CreateModel(
            name="Headroom",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("slot", models.SmallIntegerField()),
                ("remaining", models.DecimalField(decimal_places=4, max_digits=19)),
                (
                    "cap",
                    models.ForeignKey(
                        db_column="currency",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="slots",
                        to="ledger.cap",
                    ),
                ),
            ],
            options={
                "default_permissions": [],
                "constraints": [
                    models.UniqueConstraint(fields=("cap", "slot"), name="ledger_headroom_slot"),
                    models.CheckConstraint(
                        condition=models.Q(("remaining__gte", 0), ("remaining__lt", Decimal(1000000000000000))),
                        name="ledger_headroom_not_negative",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="HistoricalAccount",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, verbose_name="ID")),
                (
                    "history_request_id",
                    models.TextField(db_default=audit.facts.Fact(setting="backoffice.request_id"), editable=False),
                ),
                (
                    "history_source",
                    models.TextField(
                        db_default=audit.facts.Source(), editable=False, help_text="Role and program, if not the site."
                    ),
                ),
                (
                    "uid",
                    models.UUIDField(
                        default=uuid.uuid4,
                        editable=False,
                        help_text="What other systems call it by.",
                        verbose_name="public id",
                    ),
                ),
                ("currency", models.CharField(max_length=3)),
                (
                    "status",
                    models.CharField(
                        choices=[("open", "Open"), ("frozen", "Frozen"), ("closed", "Closed")],
                        default="open",
                        editable=False,
                        max_length=8,
                    ),
                ),
                ("created", models.DateTimeField(editable=False, verbose_name="opened")),
                (
                    "note",
                    models.TextField(
                        blank=True,
                        help_text="What colleagues should know before they act; customers never see it.",
                        max_length=2000,
                    ),
                ),
                ("history_change_reason", models.TextField(db_default=audit.facts.Fact(setting="backoffice.reason"))),
                ("history_id", models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                ("history_date", models.DateTimeField(db_default=audit.facts.Clock())),
                (
                    "entity",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="backoffice.entity",
                    ),
                ),
                (
                    "history_user",
                    models.ForeignKey(
                        db_constraint=False,
                        db_default=audit.facts.Actor(),
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "historical account",
                "verbose_name_plural": "historical accounts",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
                "default_permissions": [],
                "indexes": [models.Index(fields=["id", "history_date"], name="ledger_account_history")],
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalApproval",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, verbose_name="ID")),
                (
                    "history_request_id",
                    models.TextField(db_default=audit.facts.Fact(setting="backoffice.request_id"), editable=False),
                ),
                (
                    "history_source",
                    models.TextField(
                        db_default=audit.facts.Source(), editable=False, help_text="Role and program, if not the site."
                    ),
                ),
                ("uid", models.UUIDField(default=uuid.uuid4, editable=False, verbose_name="public id")),
                (
                    "kind",
                    models.CharField(
                        choices=[("posting", "Posting"), ("limit", "Limit"), ("cap", "Cap")], max_length=8
                    ),
                ),
                ("currency", models.CharField(max_length=3)),
                ("amount", models.DecimalField(decimal_places=4, max_digits=19)),
                ("asked", models.JSONField(help_text="What was asked, in the keywords of the classmethod.")),
                ("shown", models.JSONField(help_text="What would have happened at the time of asking.")),
                ("reason", models.CharField(max_length=500)),
                (
                    "requested",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("expires", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("approved", "Approved"),
                            ("rejected", "Rejected"),
                            ("cancelled", "Cancelled"),
                            ("expired", "Expired"),
                            ("failed", "Failed"),
                        ],
                        default="pending",
                        max_length=9,
                    ),
                ),
                ("decided", models.DateTimeField(null=True)),
                (
                    "comment",
                    models.CharField(
                        blank=True,
                        help_text="Why it was decided so.",
                        max_length=500,
                        verbose_name="reason for the decision",
                    ),
                ),
                ("error_code", models.CharField(blank=True, max_length=32)),
                ("error_text", models.CharField(blank=True, max_length=500)),
                ("history_change_reason", models.TextField(db_default=audit.facts.Fact(setting="backoffice.reason"))),
                ("history_id", models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                ("history_date", models.DateTimeField(db_default=audit.facts.Clock())),
                (
                    "account",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="ledger.account",
                    ),
                ),
                (
                    "checker",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="decided by",
                    ),
                ),
                (
                    "entity",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="backoffice.entity",
                    ),
                ),
                (
                    "history_user",
                    models.ForeignKey(
                        db_constraint=False,
                        db_default=audit.facts.Actor(),
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "maker",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="asked by",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical approval",
                "verbose_name_plural": "historical approvals",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
                "default_permissions": [],
                "indexes": [models.Index(fields=["id", "history_date"], name="ledger_approval_history")],
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalLimit",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, verbose_name="ID")),
                (
                    "history_request_id",
                    models.TextField(db_default=audit.facts.Fact(setting="backoffice.request_id"), editable=False),
                ),
                (
                    "history_source",
                    models.TextField(
                        db_default=audit.facts.Source(), editable=False, help_text="Role and program, if not the site."
                    ),
                ),
                ("is_void", models.BooleanField(db_default=False, default=False, editable=False, verbose_name="void")),
                ("void_key", models.UUIDField(editable=False, null=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("min_deposit", "Minimum deposit"),
                            ("max_deposit", "Maximum deposit"),
                            ("min_withdrawal", "Minimum withdrawal"),
                            ("max_withdrawal", "Maximum withdrawal"),
                            ("min_transfer", "Minimum transfer"),
                            ("max_transfer", "Maximum transfer"),
                            ("max_balance", "Maximum balance"),
                            ("daily_turnover", "Daily turnover"),
                            ("monthly_turnover", "Monthly turnover"),
                            ("approval", "Approval threshold"),
                        ],
                        max_length=16,
                    ),
                ),
                ("currency", models.CharField(help_text="ISO 4217, such as CZK.", max_length=3)),
                ("amount", models.DecimalField(decimal_places=4, max_digits=19)),
                (
                    "valid",
                    django.contrib.postgres.fields.ranges.DateTimeRangeField(
                        default=ledger.models.limit.always,
                        help_text="From, inclusive, and until, exclusive; empty is without end.",
                    ),
                ),
                ("history_change_reason", models.TextField(db_default=audit.facts.Fact(setting="backoffice.reason"))),
                ("history_id", models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                ("history_date", models.DateTimeField(db_default=audit.facts.Clock())),
                (
                    "account",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        help_text="Empty: every account.",
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="ledger.account",
                    ),
                ),
                (
                    "entity",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        help_text="With all entities below it. Empty: every entity.",
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="backoffice.entity",
                    ),
                ),
                (
                    "history_user",
                    models.ForeignKey(
                        db_constraint=False,
                        db_default=audit.facts.Actor(),
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "historical limit",
                "verbose_name_plural": "historical limits",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
                "default_permissions": [],
                "indexes": [models.Index(fields=["id", "history_date"], name="ledger_limit_history")],
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="Limit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("is_void", models.BooleanField(db_default=False, default=False, editable=False, verbose_name="void")),
                ("void_key", models.UUIDField(editable=False, null=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("min_deposit", "Minimum deposit"),
                            ("max_deposit", "Maximum deposit"),
                            ("min_withdrawal", "Minimum withdrawal"),
                            ("max_withdrawal", "Maximum withdrawal"),
                            ("min_transfer", "Minimum transfer"),
                            ("max_transfer", "Maximum transfer"),
                            ("max_balance", "Maximum balance"),
                            ("daily_turnover", "Daily turnover"),
                            ("monthly_turnover", "Monthly turnover"),
                            ("approval", "Approval threshold"),
                        ],
                        max_length=16,
                    ),
                ),
                ("currency", models.CharField(help_text="ISO 4217, such as CZK.", max_length=3)),
                ("amount", models.DecimalField(decimal_places=4, max_digits=19)),
                (
                    "valid",
                    django.contrib.postgres.fields.ranges.DateTimeRangeField(
                        default=ledger.models.limit.always,
                        help_text="From, inclusive, and until, exclusive; empty is without end.",
                    ),
                ),
                (
                    "account",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: every account.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="limits",
                        to="ledger.account",
                    ),
                ),
                (
                    "entity",
                    models.ForeignKey(
                        blank=True,
                        help_text="With all entities below it. Empty: every entity.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="limits",
                        to="backoffice.entity",
                    ),
                ),
            ],
            options={
                "ordering": ["currency", "kind", "-account", "-entity"],
                "permissions": [("propose_limit", "Can propose a limit, its change or its end")],
                "default_permissions": ["view"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("amount__gte", 0)),
                        name="ledger_limit_not_negative",
                        violation_error_message="A limit cannot be negative.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("entity__isnull", True), ("account__isnull", True), _connector="OR"),
                        name="ledger_limit_one_subject",
                        violation_error_message="A limit is for an entity or for an account, not for both.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Refusal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("idempotency_key", models.CharField(max_length=100, unique=True)),
                ("code", models.CharField(max_length=32)),
                ("text", models.CharField(max_length=500)),
                (
                    "recorded",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "account",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="refusals",
                        to="ledger.account",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "default_permissions": ["view"],
            },
        ),
        migrations.AddField(
            model_name="action",
            name="hold",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="resolutions",
                to="ledger.hold",
            ),
        ),
        migrations.AddIndex(
            model_name="action",
            index=models.Index(
                condition=models.Q(("created__lt", models.F("latest"))),
                fields=["account", "created"],
                name="ledger_action_backdated",
            ),
        ),
        migrations.AddConstraint(
            model_name="action",
            constraint=models.UniqueConstraint(fields=("account", "version"), name="ledger_action_account_version"),
        ),
        migrations.AddConstraint(
            model_name="action",
            constraint=models.UniqueConstraint(
                condition=models.Q(("approval__isnull", False)),
                fields=("approval",),
                name="ledger_action_approved_once",
            ),
        ),
    ]
