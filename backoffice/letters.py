"""E-mail to a person, sent within the request, so that who acts is told at once where that failed; the record is told too.

Callers: the notice to a customer (`ledger.admin.extras`) and the link to set a password (`backoffice.login.invited`).
"""

import logging
from smtplib import SMTPException
from typing import Any

from django.conf import settings
from django.core.mail import send_mail

from audit.record import record

logger = logging.getLogger("backoffice.letters")
UNSENT = "E-mail cannot be sent from here: nothing would reach {}."
NOTHING_SENT = "Nothing was sent to {}: e-mail cannot be sent from here."


def writes_to_nobody() -> bool:
    """Whether there is no server for e-mail: what would be sent is written to standard output."""
    return settings.EMAIL_BACKEND.endswith(".console.EmailBackend")


def send(kind: str, obj: Any, *, subject: str, text: str, address: str, using: str) -> Exception | None:
    """Send a letter about an object and record the event of this kind; return what kept it from being sent, if anything did."""
    try:
        send_mail(subject, text, settings.DEFAULT_FROM_EMAIL, [address])
    except (SMTPException, OSError, ValueError) as error:  # the last of what is no address
        logger.exception("The e-mail of %s about %s %s was not sent.", kind, obj._meta.label_lower, obj.pk)
        record(kind, obj=obj, data={"error": type(error).__name__}, success=False, using=using)
        return error
    record(kind, obj=obj, using=using)
    return None
