"""A command on several objects: one preview of all of them, and a run that does what was confirmed.

All are tried, whatever their number; the preview counts every kind of what would happen and shows the first of each. Its
token binds who, where, which command, the form, what was selected and what would become of each; where any of that is not
as it was, the new preview says what is different, of a short run row by row, and nothing is done. What is over the approval
threshold is asked for instead of posted. The form's key makes the run, once: whoever confirms again is led to the first one.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from uuid import UUID

from django.contrib import messages
from django.core import signing
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse

from audit.record import record
from backoffice.command import SALT as OF_ONE
from backoffice.command import CommandForm, Doubtful, Line, Shown, digest, looked_at
from backoffice.reason import give_reason
from backoffice.scope import current
from bulk.models import Row, Run
from bulk.working import AT_ONCE, at_once
from ledger.errors import ApprovalRequired, LedgerError
from ledger.models import Account, Approval
from ledger.posting import Outcome, Posting

if TYPE_CHECKING:
    from ledger.admin.commands.base import LedgerCommand

SALT = f"{OF_ONE}.several"
AGAIN = "again"  # the parameter that names the run whose left out objects are chosen again
SHOWN = 10  # objects of each kind in the preview of a long run; a short one shows all of them
DONE, OVER = "", ApprovalRequired.code  # kinds of what would happen; all others are codes of what refuses
BLOCK = 2_000  # rows that one statement writes


class Tried(NamedTuple):
    """What would become of one object, by its kind; `error` is what refuses it, or has it asked for."""

    item: Any
    kind: str
    outcome: Outcome | None
    error: LedgerError | None


@dataclass(frozen=True, slots=True)
class Kind:
    """What would become of some of the objects: how many, and the first of them."""

    name: str
    called: str
    count: int
    lines: list[Line]

    @property
    def more(self) -> int:
        """How many are not shown."""
        return self.count - len(self.lines)


def post(command: "LedgerCommand") -> HttpResponse:
    """Preview, or do what was previewed."""
    sent = command.request.POST
    if earlier := _earlier(command, sent.get("key", "")):  # whatever the filter finds by now
        return _lead_to(command, earlier, again=True)
    command.objects = command.get_objects()
    form = command.make_form(sent)
    if not form.is_valid() or "back" in sent:
        return command.show_form(form)
    tried = _try(command, form.cleaned_data)
    kinds = _kinds(command, tried)
    if not any(kind.name in {DONE, OVER} for kind in kinds):
        lines = [line for kind in kinds for line in kind.lines]
        command.tell_refusal(lines)
        return command.show_form(command.explained(form, lines))
    seen, warning = _seen(command, form, tried, kinds), ""
    try:
        then = looked_at(sent.get("token", ""), seen["what"], salt=SALT)
    except Doubtful as why:
        then, warning = None, str(why)
    if then == seen:
        give_reason(form.cleaned_data[form.why], using=command.model_admin.using)
        return _confirmed(command, form, tried)
    if then:
        kinds, warning = _beside(kinds, then["lines"]), _drift(then["counts"], seen["counts"], command)
    return _show(command, form, kinds, seen, warning=warning, tried=tried)


def _earlier(command: "LedgerCommand", key: str) -> Run | None:
    """Return the run that this form was confirmed as, if it was. One query."""
    try:
        return Run.objects.filter(by=command.person, key=UUID(key)).first()
    except ValueError:
        return None


def asked_before(command: "LedgerCommand") -> dict[str, Any]:
    """Return what the run had that is to be tried again, for the person who gave it; its key is its own."""
    again = command.request.GET.get(AGAIN, "")
    if not re.fullmatch("[0-9]{1,18}", again):
        return {}
    run = Run.objects.filter(pk=int(again), by=command.person, command=command.name).first()
    return {name: typed for name, typed in run.asked.items() if name != "key"} if run else {}


def _try(command: "LedgerCommand", data: dict[str, Any]) -> list[Tried]:
    """Ask the ledger what would become of each object; a second time of those that somebody else would have to approve."""
    asked = command.postings(data)
    using = command.model_admin.using
    outcomes = iter(Account.preview_batch([one for one in asked if isinstance(one, Posting)], using=using))
    tried = [
        _tried(item, next(outcomes) if isinstance(one, Posting) else one)
        for item, one in zip(command.objects, asked, strict=True)
    ]
    over = {number: one.outcome for number, one in enumerate(tried) if one.kind == OVER and one.outcome}
    approved = [replace(outcome.posting, approval=Approval()) for outcome in over.values()]
    for number, outcome in zip(over, Account.preview_batch(approved, using=using) if over else (), strict=True):
        kept = tried[number]._replace(outcome=outcome)
        tried[number] = _tried(kept.item, outcome) if outcome.error else kept
    return tried


def _tried(item: Any, came: Outcome | LedgerError) -> Tried:
    error = came if isinstance(came, LedgerError) else came.error
    return Tried(item, error.code if error else DONE, None if isinstance(came, LedgerError) else came, error)


def _kinds(command: "LedgerCommand", tried: Sequence[Tried]) -> list[Kind]:
    """Return what would happen by kind: what is done, what is asked for, then what is left out, the most frequent first."""
    counts = Counter(one.kind for one in tried)
    most = len(tried) if len(tried) <= AT_ONCE else SHOWN
    order = sorted(counts, key=lambda kind: (kind != DONE, kind != OVER, -counts[kind], kind))
    return [
        Kind(name, _called(command, name), counts[name], _lines(command, [t for t in tried if t.kind == name][:most]))
        for name in order
    ]


def _called(command: "LedgerCommand", kind: str) -> str:
    named = {DONE: command.verb, OVER: "Ask for approval"}
    return named.get(kind) or f"Leave out, {kind.replace('_', ' ')}"


def _lines(command: "LedgerCommand", tried: Sequence[Tried]) -> list[Line]:
    """Put some of one kind in words."""
    return [
        command.line(one.item, one.outcome)
        if one.outcome and not one.outcome.error
        else command.refused(one.item, cast("LedgerError", one.error))
        for one in tried
    ]


def _seen(command: "LedgerCommand", form: CommandForm, tried: Sequence[Tried], kinds: Sequence[Kind]) -> dict[str, Any]:
    """Return what a token binds. Of a short run every figure, of a long one what would become of each object."""
    data = sorted((name, str(getattr(value, "pk", value))) for name, value in form.cleaned_data.items())
    where = (str(command.person.pk), command.model_admin.using, command.name)
    lines = {line.url: line.shown for kind in kinds for line in kind.lines} if len(tried) <= AT_ONCE else {}
    return {
        "what": digest([*where, repr(data)]),
        "counts": dict(Counter(t.kind for t in tried)),
        "each": digest(f"{one.item.pk} {one.kind}" for one in tried),
        "lines": lines,
    }


def _beside(kinds: Sequence[Kind], then: Mapping[str, Shown]) -> list[Kind]:
    """Return the rows with what was shown of each before; nothing of any where that was too many to keep."""
    unseen = Line(label="").shown
    return [
        replace(kind, lines=[line.since(then.get(line.url, unseen)) for line in kind.lines]) if then else kind
        for kind in kinds
    ]


def _drift(then: Mapping[str, int], now: Mapping[str, int], command: "LedgerCommand") -> str:
    """Say that something has changed, and how many there were and are."""
    return f"Something has changed since you looked.{_difference(then, now, command)} Check it again, then confirm."


def _difference(then: Mapping[str, int], now: Mapping[str, int], command: "LedgerCommand") -> str:
    """Say how many there were and are, where that is not the same number."""
    totals = [(sum(counts.values()), counts.get(DONE, 0), counts.get(OVER, 0)) for counts in (then, now)]
    if totals[0] == totals[1]:
        return ""
    before, after = (
        f"{whole:,}{{}}, of which {fine:,} can be done" + (f" and {over:,} asked for" if over else "")
        for whole, fine, over in totals
    )
    nouns = f" {command.model_admin.opts.verbose_name_plural}"
    return f" Then it was {before.format(nouns)}; now it is {after.format('')}."


def _show(
    command: "LedgerCommand",
    form: CommandForm,
    kinds: Sequence[Kind],
    seen: dict[str, Any],
    *,
    warning: str,
    tried: Sequence[Tried],
) -> HttpResponse:
    counts = seen["counts"]
    ready, over, whole = counts.get(DONE, 0), counts.get(OVER, 0), sum(counts.values())
    items = [one.item for one in tried if one.kind == (DONE if ready else OVER)]
    return command.page(
        "console/command_several.html",
        form,
        kinds=kinds,
        warning=warning,
        token=signing.dumps(seen, salt=SALT, compress=True),
        ready=ready,
        over=over,
        refused=whole - ready - over,
        whole=whole,
        deed=command.deed(form.cleaned_data, len(items)),
        sentence=command.sentence_of(items, form.cleaned_data),
        behind=ready + over > AT_ONCE,
    )


def _confirmed(command: "LedgerCommand", form: CommandForm, tried: Sequence[Tried]) -> HttpResponse:
    """Make the run with a row for each object, do it at once if it is short, and lead to it."""
    accounts = [command.account_of(one.item) for one in tried]
    refused = [one.error for one in tried if one.kind not in {DONE, OVER}]
    run, made = Run.objects.get_or_create(
        by=command.person,
        key=form.cleaned_data["key"],
        defaults={
            "command": command.name,
            "what": command.what_is_done(form.cleaned_data),
            "subject": command.model_admin.opts.model_name,
            "selection": command.selection.words,
            "matching": command.selection.query is not None,
            "query": command.selection.query or "",
            "asked": {name: form.data.get(name, "") for name in form.fields},
            "reason": form.cleaned_data[form.why],
            "request_id": current().request_id,
            "entities": sorted({account.entity_id for account in accounts}),
            "total": len(tried),
            "refused": len(refused),
        },
    )
    if not made:
        return _lead_to(command, run, again=True)
    rows = [
        Row(run=run, object_id=one.item.pk, account_id=account.pk, entity_id=account.entity_id)
        for one, account in zip(tried, accounts, strict=True)
    ]
    for row, one in zip(rows, tried, strict=True):
        if one.error and one.kind != OVER:
            row.refuse(one.error.code, str(one.error))
    Row.objects.bulk_create(rows, batch_size=BLOCK)
    record("bulk.confirmed", obj=run, data=run.facts)
    if len(tried) - len(refused) <= AT_ONCE:
        at_once(run, command)
    return _lead_to(command, run)


def _lead_to(command: "LedgerCommand", run: Run, *, again: bool = False) -> HttpResponse:
    """Go to the page of the run."""
    if again:
        messages.info(command.request, "This form was confirmed before, and only once: this is what came of it.")
    return HttpResponseRedirect(reverse(f"{command.model_admin.admin_site.name}:bulk_run_change", args=[run.pk]))
