"""Refuse to run as a role that the database's own rules do not bind, or to keep passwords in hashes that are soon guessed.

Deployment checks, because `migrate` runs the ordinary ones as the owner; `wsgi.py` asks for them at every start.
"""

from collections.abc import Sequence

from django.apps import AppConfig
from django.contrib.auth.hashers import get_hasher
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004  Django's own name
from django.db import OperationalError, connections

from backoffice.databases import EVENT_STORE

UNBOUND = """
    SELECT r.rolsuper, r.rolbypassrls,
           EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                   WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p')
                     AND pg_has_role(current_user, c.relowner, 'MEMBER'))
    FROM pg_roles r WHERE r.rolname = current_user
"""
REASONS = ("is a superuser", "may bypass row-level security", "owns tables")


@register(Tags.security, deploy=True)
def strong_hashes(app_configs: Sequence[AppConfig] | None, **kwargs: object) -> list[CheckMessage]:
    """Name what a new password would be hashed with, if that is not Argon2, or cannot be."""
    hasher = get_hasher()
    try:
        hasher.encode("a password of the check", hasher.salt())
    except ValueError as error:  # the library is not installed
        return [Error(f"No password can be hashed: {error}", id="backoffice.E002")]
    if hasher.algorithm == "argon2":
        return []
    return [Error(f"Passwords would be hashed with {hasher.algorithm}, not with Argon2.", id="backoffice.E002")]


@register(Tags.database, deploy=True)
def restricted_role(
    app_configs: Sequence[AppConfig] | None,
    databases: Sequence[str] | None = None,
    **kwargs: object,
) -> list[CheckMessage]:
    """Name every database whose runtime role gets around guards, grants or policies."""
    found: list[CheckMessage] = []
    for alias in databases or []:
        try:
            with connections[alias].cursor() as cursor:
                cursor.execute(UNBOUND)
                facts = cursor.fetchone()
        except OperationalError as error:
            if alias != EVENT_STORE:
                raise
            # The console works without it, and whatever the role is there, it cannot reach it now.
            found.append(Warning(f"The event store is away: {str(error).strip()}", id="backoffice.W001"))
            continue
        role = connections[alias].settings_dict["USER"]
        found += [
            Error(
                f"The role {role} of the database {alias} {reason}: the ledger's rules would not bind it.",
                hint="Connect as the restricted app role; deploy/roles.sql makes it.",
                id="backoffice.E001",
            )
            for fact, reason in zip(facts, REASONS, strict=True)
            if fact
        ]
    return found
