"""Asking for approval from a command's preview: what is over the threshold is shown as it would be, and asked for instead.

A command gives its postings and puts outcomes in words; what is here knows nothing else of it.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html

from backoffice.command import Line, copy_button
from ledger.errors import ApprovalRequired, LedgerError
from ledger.models import Account, Approval
from ledger.posting import Posting

if TYPE_CHECKING:
    from ledger.admin.commands.base import LedgerCommand


def with_askable(command: "LedgerCommand", lines: list[Line], data: dict[str, Any]) -> list[Line]:
    """Return the lines, those over the threshold with what would happen if somebody else approved. One more preview."""
    waiting = [number for number, line in enumerate(lines) if line.code == ApprovalRequired.code]
    if not waiting:
        return lines
    postings: Any = command.postings(data)
    tried: list[Posting] = [replace(postings[number], approval=Approval()) for number in waiting]
    outcomes = Account.preview_batch(tried, using=command.model_admin.using)
    for number, outcome in zip(waiting, outcomes, strict=True):
        over = lines[number]
        line = command.line(command.objects[number], outcome)
        if not line.error:
            line = replace(line, error=over.error, error_field=over.error_field, code=over.code, askable=True)
        lines[number] = line
    return lines


def ask(command: "LedgerCommand", data: dict[str, Any]) -> list[Line]:
    """File a request for each line that is askable, and return those lines with what became of it."""
    lines = command.preview(data)
    waiting = [number for number, line in enumerate(lines) if line.askable]
    postings: Any = command.postings(data)
    filed = Approval.request_postings([postings[number] for number in waiting], using=command.model_admin.using)
    return [_told(command, lines[number], answer) for number, answer in zip(waiting, filed, strict=True)]


def _told(command: "LedgerCommand", line: Line, answer: Approval | LedgerError) -> Line:
    if isinstance(answer, LedgerError):
        field = "comment" if answer.code == "reason_required" else None
        return replace(line, error=str(answer), code=answer.code, error_field=field, askable=False)
    page = reverse(f"{command.model_admin.admin_site.name}:ledger_approval_change", args=[answer.pk])
    return replace(
        line,
        error="",
        code="",
        askable=False,
        asked=True,
        replayed=answer.replayed,
        reference=str(answer),
        reference_url=page,
    )


def answer(command: "LedgerCommand", line: Line) -> HttpResponse:
    """Go back to the object and say what waits; requests are told apart by their pages, as many ask for the same."""
    said = "Was asked for before, and only once" if line.replayed else "Asked for approval"
    messages.success(
        command.request,
        format_html(
            '{}: <a href="{}">{}</a> waits until another person decides. {}',
            said,
            line.reference_url,
            line.reference,
            copy_button(command.request.build_absolute_uri(line.reference_url), "Copy its address"),
        ),
    )
    return HttpResponseRedirect(command.model_admin.kept(command.request, line.url))
