"""What the database knows about who acts: the local settings that `backoffice.scope` makes, as column defaults.

A trigger that writes a row need not name these columns. A setting that is gone reads as '', not as NULL.
"""

from django.db import models


class Fact(models.Func):
    """A local setting as text, '' where nobody has said: `Fact(setting="backoffice.path")`.

    Cut, because an index takes no more than 2,704 bytes, and what cannot be indexed could not be carried on.
    """

    arity = 0
    template = "left(coalesce(current_setting('%(setting)s', true), ''), 600)"
    output_field = models.TextField()


def _typed(setting: str, kind: str) -> str:
    return f"nullif(current_setting('backoffice.{setting}', true), '')::{kind}"


class Actor(models.Func):
    """The id of who acts, or NULL."""

    arity = 0
    template = _typed("actor", "bigint")
    output_field = models.BigIntegerField()


class Address(models.Func):
    """The address that the request came from, or NULL."""

    arity = 0
    template = _typed("ip", "inet")
    output_field = models.GenericIPAddressField()


class Source(models.Func):
    """Where a write comes from that no request of the site has announced; else ''."""

    arity = 0
    template = "audit_source()"
    output_field = models.TextField()


class Clock(models.Func):
    """The moment of the write itself, after its locks: later than the start of transaction and statement."""

    function = "clock_timestamp"
    arity = 0
    output_field = models.DateTimeField()


class UUID7(models.Func):
    """An id that sorts by time, so that its index grows at one end."""

    function = "uuidv7"
    arity = 0
    output_field = models.UUIDField()


class TransactionId(models.Func):
    """The transaction that writes."""

    function = "pg_current_xact_id"
    arity = 0
    output_field = models.TextField()
