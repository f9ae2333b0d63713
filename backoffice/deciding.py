"""Deciding on what somebody else asked for: approve, reject, cancel. Each a POST from the request's page.

The page is the preview: its token binds who, in the console or the sandbox, which request and what was shown, so an
approval is of what the checker looked at. Where things have moved since, the page is shown anew and nothing is decided.
What is asked for, and who may decide, say the subclasses: `ledger.admin.deciding`, `backoffice.grant_admin`.
"""

from collections.abc import Callable
from typing import Any, ClassVar

from django.contrib import messages
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from backoffice.command import TOKEN_AGE
from backoffice.databases import worked_on
from backoffice.effects import Effect, Seen
from backoffice.reason import give_reason, unfit
from backoffice.views import BaseView
from backoffice.waiting import following

SALT = "backoffice.deciding"
DRIFT = "Something has changed since you looked. Check the new figures, then decide."
PENDING = "pending"


def context(
    request: HttpRequest, row: Any, *, would: Callable[[], Seen], why_not: Callable[[], str], most: int | None = None
) -> dict[str, Any]:
    """Return what the page of a request shows: then and now side by side, and what this person may do about it.

    `would` tells what would happen now, `why_not` why this person cannot decide; neither is asked about what is decided.
    At most `most` rows are shown.
    """
    pending = row.state == PENDING
    is_open = pending and row.expires > timezone.now()
    then: Seen = row.was_shown
    now = would() if is_open else then
    return {
        "now": now,
        "drifted": now != then,
        "rows": _beside(then, now)[:most],
        "measured": any(effect.change for effect in (*then.effects, *now.effects)),
        "expired": pending and not is_open,
        "why_not": why_not() if is_open else "",
        "may_cancel": is_open and request.user.pk == row.maker_id,
        "open": is_open,
        "token": signing.dumps([*_who(request, row), now.digest], salt=SALT),
    }


def _beside(then: Seen, now: Seen) -> list[tuple[Effect | None, Effect | None]]:
    """Return what was shown and what would happen now, in pairs."""
    later = {effect.what: effect for effect in now.effects}
    pairs: list[tuple[Effect | None, Effect | None]] = [
        (effect, later.pop(effect.what, None)) for effect in then.effects
    ]
    return pairs + [(None, effect) for effect in later.values()]


def _who(request: HttpRequest, row: Any) -> list[str]:
    """Return what a page's token is bound to: the person, the console or the sandbox, the request."""
    return [str(request.user.pk), str(worked_on()), row._meta.label_lower, str(row.pk)]


class Decision(BaseView):
    """One way to decide."""

    asks_again = True
    name: ClassVar[str]
    goes_on: ClassVar[bool] = True  # to the next request that waits for this person
    stale: ClassVar[type[Exception]]  # raised where something else than what was shown would happen
    refusal: ClassVar[type[Exception]]  # raised with the sentence that refuses
    model_admin: Any = None  # that of the requests, given to as_view(); has `page()` and `waiting()`

    def get(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Lead to the page on which it is decided."""
        return HttpResponseRedirect(self.page(object_id))

    def post(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Decide, and go on to the next request."""
        row = self.model_admin.get_queryset(request).filter(pk=object_id).first()
        if row is None:
            raise Http404("There is no such request.")
        comment = request.POST.get("comment", "").strip()
        if not self.allowed(row):
            raise PermissionDenied
        if problem := unfit(comment):
            return self._again(row, comment, missing=problem)
        give_reason(comment, using=worked_on() or "default")
        try:
            done = self.decide(row, comment)
        except self.stale:
            return self._again(row, comment, warning=DRIFT)
        except self.refusal as error:
            row.refresh_from_db()
            return self._again(row, comment, warning=str(error))
        self.say(done)
        on = following(request, self.model_admin) if self.goes_on else ""
        return HttpResponseRedirect(on or self.page(done.pk))

    def allowed(self, row: Any) -> bool:
        """Whether this person may decide so; the maker's own try is answered with a sentence."""
        return True

    def decide(self, row: Any, comment: str) -> Any:
        """Do it, and return the request as it is then."""
        raise NotImplementedError

    def saw(self, row: Any) -> str:
        """Return the digest of what the checker looked at. Raises what is stale where that was not this page."""
        try:
            *shown_to, saw = signing.loads(self.request.POST.get("token", ""), salt=SALT, max_age=TOKEN_AGE)
        except signing.BadSignature:
            raise self.stale("This page is too old or was not made here.") from None
        if shown_to != _who(self.request, row):
            raise self.stale("This page was somebody else's, or of another request.")
        return str(saw)

    def say(self, done: Any) -> None:
        """Tell what became of it, and for whom: the next request may be on the page by now."""
        messages.success(self.request, format_html("{} is {}.", self.link(done), done.get_state_display().lower()))

    def link(self, done: Any) -> SafeString:
        """Return a link to the request that says what was asked for, and for whom."""
        return format_html('<a href="{}">{}</a>', self.page(done.pk), self.model_admin.label(done))

    def page(self, pk: int) -> str:
        """Return the address of a request's page."""
        opts = self.model_admin.opts
        return reverse(f"{self.model_admin.admin_site.name}:{opts.app_label}_{opts.model_name}_change", args=[pk])

    def _again(self, row: Any, comment: str, **wrong: str) -> HttpResponse:
        shown: HttpResponse = self.model_admin.page(self.request, row, comment=comment, **wrong)
        return shown
