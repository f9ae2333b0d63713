"""Ending what has expired: done by the system, whoever began it."""

from contextlib import AbstractContextManager
from datetime import datetime

from backoffice.models.user import SYSTEM
from backoffice.scope import acting


def expiring(moment: datetime, using: str) -> AbstractContextManager[None]:
    """Run a block in one transaction of the system's, which ends what has expired at a moment."""
    return acting(actor=SYSTEM, username="system", request_id=f"expire_due {moment.isoformat()}", using=using)
