"""Records what is seen and what is refused, for every page of the console at once, views need not think of it.

Stands outside of the request's transaction and writes when that has ended, in a transaction of its own: a refusal or a
failed login is recorded even where the request was taken back. It writes before the answer is sent: nobody sees a page
that could not be recorded.
"""

from typing import Any

from django.contrib.admin.utils import unquote
from django.http import HttpRequest, HttpResponse
from django.urls import ResolverMatch

from audit import hidden
from audit.record import record
from audit.subject import MISSING, at_hand, entity_of, why_missing
from backoffice.databases import SANDBOX
from backoffice.middleware import GetResponse
from backoffice.scope import change

OK, FORBIDDEN, MISSING_PAGE = 200, 403, 404
# Texts of the admin's scripts; logins are events of their own; how far something has come is asked by a script.
UNSEEN = {"jsi18n", "login", "logout", "bulk_run_progress", "imports_import_progress"}
QUEUE = "audit_after_request"
DOWNLOAD = "audit_download"


def after_request(request: HttpRequest | None, name: str, **event: Any) -> None:
    """Record an event once the request's transaction has ended, however it ends; at once outside of a request."""
    queue = getattr(request, QUEUE, None)
    if queue is None:
        record(name, using="default", **event)
    else:
        queue.append((name, event))


def downloading(request: HttpRequest, **facts: str | int) -> None:
    """Say more about the file that this request hands out: `rows`, `format`, `sha256`."""
    setattr(request, DOWNLOAD, facts)


class AuditMiddleware:
    """Records page views by staff, downloads, refusals, and what was put off until the request's end."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, then record."""
        queue: list[tuple[str, dict[str, Any]]] = []
        setattr(request, QUEUE, queue)
        response = self.get_response(request)
        delattr(request, QUEUE)
        for name, event in queue:
            record(name, using="default", **event)
        if shown := seen(request, response):
            user = getattr(request, "user", None)
            if user is not None:
                change(actor=user.pk, username=user.get_username())
            record(**shown, status=response.status_code, using="default")
        return response


def seen(request: HttpRequest, response: HttpResponse) -> dict[str, Any] | None:
    """Return the event that this answer is, or None: something shown to staff, handed out, or refused."""
    match = request.resolver_match
    page = {"page": (match.url_name if match else "") or "", "query": hidden.query_of(request)}
    data: dict[str, Any] = {key: value for key, value in page.items() if value}
    if response.status_code == FORBIDDEN:
        return {"name": "access.refused", "success": False, **subject(request), "data": data}
    if was_missing(request, response):
        key = unquote(str(match.kwargs.get("object_id", ""))) if match else ""
        data["why"] = why_missing(request, model_admin_of(match), key)
        return {"name": "access.refused", "success": False, **subject(request), "data": data}
    if response.status_code != OK or not match or not getattr(request, "user", None) or not request.user.is_staff:
        return None
    if match.namespace == SANDBOX:
        data["database"] = SANDBOX
    if "attachment" in response.get("Content-Disposition", ""):
        return {"name": "export.downloaded", **subject(request), "data": data | getattr(request, DOWNLOAD, {})}
    if request.method not in {"GET", "POST"} or match.url_name in UNSEEN:
        return None
    about = subject(request)
    kind = "object.viewed" if "object_id" in about else "list.viewed" if about else "page.viewed"
    kind = getattr(model_admin_of(match), "view_event", kind)
    return {"name": kind, **about, "data": data}


def model_admin_of(match: ResolverMatch | None) -> Any:
    """Return the ModelAdmin whose page this is: its own views carry it, command pages are given it."""
    view: Any = match.func if match else None
    return getattr(view, "model_admin", None) or getattr(view, "view_initkwargs", {}).get("model_admin")


def was_missing(request: HttpRequest, response: HttpResponse) -> bool:
    """Whether staff asked for objects of the console by their numbers, and did not get them."""
    if model_admin_of(request.resolver_match) is None or not request.user.is_staff:
        return False
    return response.status_code == MISSING_PAGE or hasattr(request, MISSING)


def subject(request: HttpRequest) -> dict[str, Any]:
    """Return the model, the object if there is one, and the entity if it is one, that a page is about."""
    match = request.resolver_match
    model_admin = model_admin_of(match)
    if match is None or model_admin is None:
        return {}
    about = {"object_type": model_admin.opts.label_lower}
    if "object_id" not in match.kwargs:
        return {**about, "entity_id": at_hand(request, model_admin)}
    key = unquote(str(match.kwargs["object_id"]))
    return {**about, "object_id": key, "entity_id": entity_of(request, model_admin, key)}
