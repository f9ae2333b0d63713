"""One request, one scope, one transaction, one line in the log."""

import logging
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from ipaddress import ip_address
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.core.exceptions import BadRequest
from django.db import connections, transaction
from django.http import HttpRequest, HttpResponse

from backoffice.databases import EVENT_STORE
from backoffice.scope import Reach, Scope, announce, announcing_first, change, entered

logger = logging.getLogger("backoffice.request")
LONGEST_BROWSER = 300  # characters of a User-Agent that are kept
GetResponse = Callable[[HttpRequest], HttpResponse]


class OneLine(logging.Filter):
    """Leaves the traceback out of what is said of refused requests: nothing of ours has failed there."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep every record, those of a status below 500 as one line."""
        if getattr(record, "status_code", 500) < 500:  # noqa: PLR2004  HTTP's own number
            record.exc_info = record.exc_text = None
        return True


class QueryMeter:
    """Counts the statements of a request, on every database, and the time they take."""

    def __init__(self) -> None:
        self.count = 0
        self.seconds = 0.0

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        """Run one statement and measure it."""
        started = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            self.count += 1
            self.seconds += time.perf_counter() - started


class RequestLogMiddleware:
    """Gives the request an id and writes its line: method, path, status, queries, their time, whole time.

    The path is written without its query string, which may hold what somebody searched for.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Measure the request and log it."""
        request.request_id = str(uuid.uuid4())  # type: ignore[attr-defined]  # ours, read by ScopeMiddleware
        meter, started = QueryMeter(), time.perf_counter()
        with ExitStack() as stack:
            for connection in connections.all():
                stack.enter_context(connection.execute_wrapper(meter))
            response = self.get_response(request)
        logger.info(
            "method=%s path=%s status=%d db_query_count=%d db_query_time_ms=%.1f duration_ms=%.1f request_id=%s",
            request.method,
            quote(request.path),
            response.status_code,
            meter.count,
            meter.seconds * 1000,
            (time.perf_counter() - started) * 1000,
            request.request_id,  # type: ignore[attr-defined]
        )
        return response


def address_of(request: HttpRequest) -> str:
    """Return the address a request came from: behind a proxy, the one that the proxy saw; '' for what is none."""
    said = request.META.get("REMOTE_ADDR", "")
    if settings.BEHIND_PROXY:
        said = request.META.get("HTTP_X_FORWARDED_FOR", said).rpartition(",")[2].strip()
    try:
        return str(ip_address(said))
    except ValueError:
        return ""


class NoNulMiddleware:
    """Answers 400 where the path, the query string or a cookie holds a NUL, which nobody could ask PostgreSQL for."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Refuse it before any view reads it."""
        sent = [request.path, *request.COOKIES.values(), *(text for name, texts in request.GET.lists() for text in (name, *texts))]  # fmt: skip
        if any("\x00" in text for text in sent):
            raise BadRequest("The address holds a NUL character.")
        return self.get_response(request)


class ScopeMiddleware:
    """Enters the request's scope: from where it came is known at once, who acts as soon as the session is read."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Run the request in its scope."""
        scope = Scope(
            request_id=request.request_id,  # type: ignore[attr-defined]  # set above
            method=request.method or "",
            path=request.path,
            ip=address_of(request),
            browser=request.META.get("HTTP_USER_AGENT", "")[:LONGEST_BROWSER],
        )
        with entered(scope):
            return self.get_response(request)


class TransactionMiddleware:
    """Owns the request's transaction: everything up to the rendered page commits together, or not at all.

    `ATOMIC_REQUESTS` ends before the admin's templates render, whose queries then run outside of the scope.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Run the request in one transaction; an answer of 500 or more takes everything back."""
        with transaction.atomic(), announcing_first(EVENT_STORE):
            response = self.get_response(request)
            if response.status_code >= 500:  # noqa: PLR2004  HTTP's own number
                transaction.set_rollback(True)
        return response

    def process_view(self, request: HttpRequest, view: object, args: object, kwargs: object) -> None:
        """Announce the actor, and the entities that the actor works on, as soon as it is known."""
        user = request.user
        everything = user.is_active and user.is_superuser
        change(actor=user.pk, username=user.get_username(), entities=Reach.EVERYTHING if everything else Reach.GRANTED)
        request._entities = list(announce())  # type: ignore[attr-defined]  # ours, read by backoffice.grants
