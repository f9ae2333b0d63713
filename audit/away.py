"""What the console says while the event log is not as it should be: late, away, or found to be broken.

Nothing but the pages of the event store depends on it: events wait in the outbox, which grows, and drain afterwards.
"""

from datetime import timedelta

from django.db import DatabaseError, Error, connections, models
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.formats import date_format

from audit.models import Verification
from audit.relay import waiting_since
from backoffice.databases import EVENT_STORE
from backoffice.middleware import GetResponse

LATE = timedelta(seconds=30)  # the relay needs one or two


def delay_notice() -> str:
    """Return since when events wait for the event store, in a sentence, or nothing. One query."""
    since = waiting_since()
    if since is None or timezone.now() - since < LATE:
        return ""
    when = date_format(timezone.localtime(since), "DATETIME_FORMAT")
    return (
        f"Events since {when} have not reached the event log: the relay stands still or the event store is away. "
        "Nothing is lost, they wait in the outbox. Tell an administrator."
    )


def broken_notice() -> str:
    """Return what the last verification of all found, or one of a part after it, in a sentence, or nothing. One query.

    While the event store is away nothing is said: the pages of the console do not depend on it.
    """
    whole = Verification.objects.filter(since=None).order_by("-created").values("created")[:1]
    after = models.Q(created__gte=models.Subquery(whole)) | ~models.Exists(whole)
    try:
        run = Verification.objects.filter(after).exclude(findings=[]).first()
    except Error:
        return ""
    if run is None:
        return ""
    when = date_format(timezone.localtime(run.created), "DATETIME_FORMAT")
    return (
        f"The verification of the event log on {when} found that it is not as it was sealed: {run.findings[0]['text']} "
        "Tell an administrator."
    )


class StoreAwayMiddleware:
    """Answers 503 instead of 500 where a page needs the event store and that is away."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Leave the request alone."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Look whether the store can be reached when a database failed."""
        if not isinstance(error, Error) or _reachable():
            return None
        return render(request, "503.html", status=503)


def _reachable() -> bool:
    connection = connections[EVENT_STORE]
    if connection.in_atomic_block:
        return True
    connection.close()
    try:
        connection.ensure_connection()
    except DatabaseError:
        return False
    return True
