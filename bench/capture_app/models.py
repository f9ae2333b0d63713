"""One model, recorded by nobody, by us, by hand, and by four packages in the way that their own documentation shows."""

import pghistory
from django.db import models
from simple_history.models import HistoricalRecords

from audit.capture import captured


class Thing(models.Model):
    """Seven fields of the usual kinds."""

    name = models.CharField(max_length=100)
    code = models.CharField(max_length=32)
    amount = models.DecimalField(max_digits=19, decimal_places=4)
    count = models.IntegerField()
    active = models.BooleanField(default=True)
    note = models.TextField(blank=True)
    created = models.DateTimeField()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name


class Nobody(Thing):
    """Recorded by nobody."""


class Ours(Thing):
    """Recorded by our triggers: history and outbox."""

    history = captured()


class ByHand(Thing):
    """Recorded by the bench itself, in a statement of its own: the rows that ours writes, and nothing else."""

    history = captured()


class SimpleHistory(Thing):
    """Recorded by django-simple-history's signals."""

    history = HistoricalRecords()


class Auditlog(Thing):
    """Recorded by django-auditlog; registered in apps.py."""


class EasyAudit(Thing):
    """Recorded by django-easy-audit, which is told of no other model."""


@pghistory.track()
class PgHistory(Thing):
    """Recorded by django-pghistory's triggers."""
