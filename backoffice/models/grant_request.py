"""A request about who works on what: asked for by one person, decided by another.

It asks that somebody be given or lose an entity to work on, or a group, or that an entity be moved: its place in the tree says
who works on it and which limits bind it.

Invariants, held by the database: it links two of a person, a group and an entity, or is about an entity alone, which is to
stand below `parent`, or at the top; nobody asks for rights of his own, or of a group he is in, or decides on them; whoever
asked never decides; what was asked never changes; it is decided once, in time; what was approved was done in the same
transaction; and no request to the site gives, takes or moves but by an approved one.

`backoffice.grant_requests` asks and decides.
"""

from django.contrib.auth.models import Group
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from audit.capture import captured
from backoffice.effects import Seen
from backoffice.models.base import Record
from backoffice.models.entity import Entity
from backoffice.models.user import User


class GrantState(models.TextChoices):
    """What became of a request."""

    PENDING = "pending", "Pending"
    APPROVED = "approved", "Approved"
    REJECTED = "rejected", "Rejected"
    CANCELLED = "cancelled", "Cancelled"
    EXPIRED = "expired", "Expired"


class GrantRequest(Record):
    """A request with its decision: a group or a person on an entity, a person in a group, or an entity's place in the tree."""

    admin_help_text = (
        "Rights that one person asked to have given or taken, and another has to approve. Nobody decides on a request of "
        "their own, or on rights of their own."
    )

    State = GrantState

    give = models.BooleanField(help_text="Whether it gives the right, or moves; else it takes it away.")
    entity = models.ForeignKey(Entity, models.PROTECT, null=True, related_name="+")
    group = models.ForeignKey(Group, models.PROTECT, null=True, related_name="+")
    person = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    parent = models.ForeignKey(Entity, models.PROTECT, null=True, related_name="+", verbose_name="new place")
    shown = models.JSONField(help_text="What would have happened at the time of asking.")
    reason = models.CharField(max_length=500)
    maker = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name="asked by")
    requested = models.DateTimeField(db_default=Now(), editable=False)
    expires = models.DateTimeField()
    state = models.CharField(max_length=9, choices=GrantState, default=GrantState.PENDING)
    checker = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name="decided by")
    decided = models.DateTimeField(null=True, help_text="The database's own time.")
    comment = models.CharField(
        "reason for the decision", max_length=500, blank=True, help_text="Why it was decided so."
    )

    history = captured()

    class Meta:
        ordering = ["-id"]
        verbose_name = "request for rights"
        verbose_name_plural = "requests for rights"
        default_permissions = ["view"]
        permissions = [
            ("request_grant", "Can ask for rights of others to be given and taken"),
            ("decide_grant", "Can approve and reject what others ask for about rights"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(entity=None, group__isnull=False, person__isnull=False, parent=None)
                | Q(entity__isnull=False, group=None, person__isnull=False, parent=None)
                | Q(entity__isnull=False, group__isnull=False, person=None, parent=None)
                | Q(entity__isnull=False, group=None, person=None, give=True),
                name="backoffice_grantrequest_two_or_a_move",
            ),
            models.UniqueConstraint(
                fields=["give", "entity", "group", "person"],
                condition=Q(state=GrantState.PENDING),
                nulls_distinct=False,
                name="backoffice_grantrequest_pending_once",
            ),
            models.CheckConstraint(
                condition=Q(state__in=[GrantState.CANCELLED, GrantState.EXPIRED])
                | Q(checker=None)
                | ~Q(checker=F("maker")),
                name="backoffice_grantrequest_checker_is_another",
            ),
            models.CheckConstraint(
                condition=Q(person=None) | ~Q(person=F("maker")) & (Q(checker=None) | ~Q(person=F("checker"))),
                name="backoffice_grantrequest_not_one_s_own",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=[GrantState.APPROVED, GrantState.REJECTED]) | Q(checker__isnull=False),
                name="backoffice_grantrequest_decided_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return self.deed

    @property
    def moves(self) -> bool:
        """Whether it is about an entity's place in the tree."""
        return self.group_id is None and self.person_id is None

    @property
    def deed(self) -> str:
        """What was asked for, in words."""
        if self.moves:
            return f"Move {self.entity} below {self.parent}" if self.parent else f"Move {self.entity} to the top"
        if self.entity is None:
            return f"Put {self.person} into {self.group}" if self.give else f"Take {self.person} out of {self.group}"
        who = self.person or self.group
        return f"Let {who} work on {self.entity}" if self.give else f"Stop {who} working on {self.entity}"

    @property
    def was_shown(self) -> Seen:
        """What would have happened at the time of asking."""
        return Seen.of_json(self.shown)
