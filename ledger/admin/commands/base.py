"""What all commands on accounts share: which accounts, one posting for each, and their outcomes in words."""

from collections.abc import Sequence
from typing import Any, ClassVar, cast

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from backoffice.command import CommandForm, CommandPage, Line
from backoffice.models import User
from ledger.admin.commands import asking
from ledger.admin.forms import AccountsForm
from ledger.choices import ActionType
from ledger.models import Account
from ledger.money import written
from ledger.posting import Outcome, Posting

MOST = 200  # accounts in one request; more than that belongs into the background
FIELDS = {
    "invalid_amount": "amount",
    "exceeds_limit": "amount",
    "exceeds_cap": "amount",
    "approval_required": "amount",
    "insufficient_funds": "amount",
    "invalid_reference": "reference_type",
    "reason_required": "comment",
}


class AccountCommand(CommandPage):
    """A command that posts one action on each chosen account."""

    posting_type: ClassVar[ActionType]
    past: ClassVar[str]  # in the message: Deposited
    form_class: ClassVar[type[AccountsForm]]
    model_admin: Any = None  # the accounts' ModelAdmin, given to as_view()
    result_template = "console/command_result.html"

    objects: Sequence[Account]

    def get_objects(self) -> Sequence[Account]:
        """Return the one account of the URL, or those of `ids`, in ascending id."""
        if "object_id" in self.kwargs:
            ids = [str(self.kwargs["object_id"])]
        else:
            ids = (self.request.POST.get("ids") or self.request.GET.get("ids", "")).split(",")
        if not all(part.isdecimal() for part in ids) or len(ids) > MOST:
            raise BadRequest(f"Choose between 1 and {MOST} accounts.")
        found = self.model_admin.get_queryset(self.request).filter(pk__in=ids).select_related("user", "entity")
        accounts = list(found.order_by("pk"))
        if len(accounts) < len(set(ids)):
            raise Http404("One of these accounts does not exist.")
        return accounts

    def make_form(self, data: Any = None) -> CommandForm:
        """Return the form, which knows the accounts."""
        return self.form_class(data, accounts=self.objects)

    def postings(self, data: dict[str, Any]) -> list[Posting]:
        """Return one posting for each account, under a key of its own."""
        fields = {name: value for name, value in data.items() if name != "key"}
        return [
            Posting(
                type=self.posting_type,
                uid=account.uid,
                by=cast("User", self.request.user),  # the guard let nobody else in
                asof=timezone.now(),
                idempotency_key=f"console:{data['key']}:{account.pk}",
                **fields,
            )
            for account in self.objects
        ]

    def preview(self, data: dict[str, Any]) -> list[Line]:
        """Ask the ledger what would happen."""
        lines = self.lines(Account.preview_batch(self.postings(data), using=self.model_admin.using))
        return asking.with_askable(self, lines, data)

    def ask(self, data: dict[str, Any]) -> list[Line]:
        """Ask for approval of what is over the threshold."""
        return asking.ask(self, data)

    def execute(self, data: dict[str, Any]) -> list[Line]:
        """Have the ledger do it."""
        return self.lines(Account.post_batch(self.postings(data), using=self.model_admin.using))

    def lines(self, outcomes: Sequence[Outcome]) -> list[Line]:
        """Put each outcome in words."""
        return [self.line(account, outcome) for account, outcome in zip(self.objects, outcomes, strict=True)]

    def line(self, account: Account, outcome: Outcome) -> Line:
        """Put one outcome in words: amounts for money, the status for everything else."""
        site = self.model_admin.admin_site.name
        label, url = str(account), reverse(f"{site}:ledger_account_change", args=[account.pk])
        if outcome.error:
            field = FIELDS.get(outcome.error.code)
            before = written(account.balance, account.currency)
            code = outcome.error.code
            return Line(label=label, url=url, before=before, error=str(outcome.error), error_field=field, code=code)
        _, action = outcome.unwrap()
        before, change, after = self.before_and_after(account, outcome)
        reference = str(action.reference) if action.pk else ""
        link = reverse(f"{site}:ledger_action_change", args=[action.pk]) if action.pk else ""
        return Line(
            label=label,
            url=url,
            before=before,
            change=change,
            after=after,
            reference=reference,
            reference_url=link,
            replayed=outcome.replayed,
        )

    def before_and_after(self, account: Account, outcome: Outcome) -> tuple[str, str, str]:
        """Return what stands in the three columns of the preview."""
        _, action = outcome.unwrap()
        return account.get_status_display(), "", action.get_status_display()

    def answer(self, lines: list[Line]) -> HttpResponse:
        """Go back to the account with the reference, or show a result for each of several."""
        if "object_id" not in self.kwargs:
            return TemplateResponse(
                self.request, self.result_template, {**self.page_context(), "command": self, "lines": lines}
            )
        if lines[0].asked:
            return asking.answer(self, lines[0])
        [line] = lines
        said = "Was posted before, and only once" if line.replayed else self.past
        what = f"{line.change}; the balance is now" if line.change else "the account is now"
        messages.success(
            self.request,
            format_html(
                '{}: {} <strong>{}</strong>. Reference <a href="{}"><code>{}</code></a>.',
                said,
                what,
                line.after,
                line.reference_url,
                line.reference,
            ),
        )
        return HttpResponseRedirect(line.url)

    def page_context(self) -> dict[str, Any]:
        """Return what the admin's templates want."""
        single = self.objects[0] if "object_id" in self.kwargs and self.objects else None
        subject = str(single) if single else f"{len(self.objects)} accounts"
        return {
            **self.model_admin.admin_site.each_context(self.request),
            "opts": self.model_admin.opts,
            "original": single,
            "ids": ",".join(str(account.pk) for account in self.objects),
            "title": f"{self.verb}: {subject}",
        }
