"""An account's history in lines: requests for approval, notes, and, on its page, the last of what its tables do not show."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from django.http import HttpRequest
from django.utils.html import format_html

from audit.history import Line, Until
from audit.names import person
from audit.timeline import Words, compared, who_of
from ledger.admin.telling import link, told
from ledger.choices import ActionType
from ledger.models import Account, Action, Approval, Note

SHOWN = 8  # lines on the account's page
STATUS = {ActionType.CREATED, ActionType.FROZEN, ActionType.UNFROZEN, ActionType.CLOSED}


def asked(one: Approval) -> Line:
    """Tell that a request was made."""
    text = format_html("Asked for approval: {}", link(one, one.deed))
    return Line(one.requested, person(one.maker), text, one.reason)


def decided(one: Approval) -> Line:
    """Tell what became of a request."""
    text = format_html("{}: {}", one.get_state_display(), link(one, one.deed))
    return Line(one.decided or one.expires, person(one.checker or one.maker), text, one.comment or one.error_text)


def posted(action: Action) -> Line:
    """Tell an action."""
    return Line(action.recorded, person(action.by), told(action), action.comment)


def approval_lines(account: Account, until: Until) -> Iterator[Line]:
    """Tell what was asked for on the account, and what became of it. Two queries."""
    approvals = Approval.objects.filter(account=account).select_related("maker", "checker")
    yield from map(asked, until.of(approvals.order_by("-requested"), "requested"))
    yield from map(decided, until.of(approvals.filter(decided__isnull=False).order_by("-decided"), "decided"))


def note_lines(account: Account, until: Until) -> Iterator[Line]:
    """Tell what was noted. One query."""
    notes = Note.objects.filter(account=account).select_related("by").order_by("-created")
    for note in until.of(notes, "created"):
        yield Line(note.created, person(note.by), format_html("Noted: {}", note.text))


def lately(request: HttpRequest, site: Any, account: Account, latest: Sequence[Action]) -> list[Line]:
    """Return the last lines of the history that are no movements: status, requests, versions. Two queries at most."""
    lines = [posted(action) for action in latest if action.type in STATUS]
    if request.user.has_perm("ledger.view_approval"):
        approvals = Approval.objects.filter(account=account).select_related("maker", "checker").order_by("-pk")
        for one in approvals[:SHOWN]:
            lines += [asked(one), decided(one)] if one.decided else [asked(one)]
    lines += _versions(request, site, account)
    return sorted(lines, key=lambda line: line.when, reverse=True)[:SHOWN]


def _versions(request: HttpRequest, site: Any, account: Account) -> Iterator[Line]:
    """Tell the last versions by what they changed, but for the status, which is an action's."""
    manager: Any = account.history
    rows = list(manager.select_related("history_user").order_by("-history_date", "-history_id")[: SHOWN + 1])
    words = Words(request, site, Account, [])  # an account is never moved to another person or entity
    for new, old in pairwise(rows):
        for field in compared(old, new, words):
            if field.label != "status":
                text = format_html("Changed {} from {} to {}", field.label, field.old, field.new)
                yield Line(new.history_date, who_of(new), text, new.history_change_reason)
