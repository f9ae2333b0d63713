"""What all commands of the ledger share: which objects, and one posting for each (in words: `ledger.admin.commands.wording`).

`AccountCommand` acts on accounts; `ledger.admin.commands.returns` on actions, `ledger.admin.commands.resolving` on holds.
"""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, cast

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.html import format_html

from backoffice.command import CommandForm, Line
from backoffice.entity_guard import Named
from backoffice.models import User
from ledger.admin.commands import asking
from ledger.admin.commands.wording import Worded
from ledger.admin.forms import LedgerForm
from ledger.choices import ActionType
from ledger.errors import LedgerError
from ledger.models import Account
from ledger.posting import Outcome, Posting

MOST = 200  # objects in one request; more than that belongs into the background
Deal = Callable[..., list[Outcome]]


class LedgerCommand(Worded):
    """A command that posts on each chosen object."""

    names = {"object_id": Named(), "ids": Named(many=True)}
    posting_type: ClassVar[ActionType]
    bulk: ClassVar[bool] = True  # whether it has a page for a selection too
    aside_template: ClassVar[str] = "console/aside_account.html"
    form_class: ClassVar[type[LedgerForm]]
    result_template = "console/command_result.html"

    def get_objects(self) -> Sequence[Any]:
        """Return the one object of the URL, or those of `ids`, in ascending id."""
        if self.single:
            ids = [str(self.kwargs["object_id"])]
        else:
            ids = (self.request.POST.get("ids") or self.request.GET.get("ids", "")).split(",")
        plural = self.model_admin.opts.verbose_name_plural
        if not all(part.isdecimal() for part in ids) or len(ids) > MOST:
            raise BadRequest(f"Choose between 1 and {MOST} {plural}.")
        found = list(self.model_admin.get_queryset(self.request).filter(pk__in=ids).order_by("pk"))
        if len(found) < len(set(ids)):
            raise Http404(f"One of these {plural} does not exist.")
        return found

    def posting(self, item: Any, data: dict[str, Any]) -> Posting:
        """Return the posting for one object. Raises LedgerError where there can be none."""
        raise NotImplementedError

    def postings(self, data: dict[str, Any]) -> list[Posting | LedgerError]:
        """Return a posting for each object, or what refuses it before the rules are asked."""
        return [self._tried(item, data) for item in self.objects]

    def _tried(self, item: Any, data: dict[str, Any]) -> Posting | LedgerError:
        try:
            return self.posting(item, data)
        except LedgerError as error:
            return error

    def common(self, item: Any, data: dict[str, Any]) -> dict[str, Any]:
        """Return the keywords that every posting has: who, when, and a key of the object's own."""
        return {
            "by": cast("User", self.request.user),  # the guard let nobody else in
            "asof": timezone.now(),
            "idempotency_key": f"console:{data['key']}:{item.pk}",
        }

    def make_form(self, data: Any = None) -> CommandForm:
        """Return the form, which knows the objects."""
        return self.form_class(data, objects=self.objects, accounts=[self.account_of(item) for item in self.objects])

    def preview(self, data: dict[str, Any]) -> list[Line]:
        """Ask the ledger what would happen."""
        return asking.with_askable(self, self.dealt(data, Account.preview_batch), data)

    def ask(self, data: dict[str, Any]) -> list[Line]:
        """Ask for approval of what is over the threshold."""
        return asking.ask(self, data)

    def execute(self, data: dict[str, Any]) -> list[Line]:
        """Have the ledger do it."""
        return self.dealt(data, Account.post_batch)

    def dealt(self, data: dict[str, Any], deal: Deal) -> list[Line]:
        """Give the ledger what is asked and put each outcome in words."""
        asked = self.postings(data)
        outcomes = iter(deal([one for one in asked if isinstance(one, Posting)], using=self.model_admin.using))
        return [
            self.line(item, next(outcomes)) if isinstance(one, Posting) else self.refused(item, one)
            for item, one in zip(self.objects, asked, strict=True)
        ]

    def answer(self, lines: list[Line]) -> HttpResponse:
        """Go back to the object with the reference, or show a result for each of several."""
        if not self.single:
            return TemplateResponse(
                self.request, self.result_template, {**self.page_context(), "command": self, "lines": lines}
            )
        if lines[0].asked:
            return asking.answer(self, lines[0])
        [line] = lines
        messages.success(
            self.request,
            format_html(
                '{}: {} <strong>{}</strong>. Reference <a href="{}"><code>{}</code></a>.',
                "Was posted before, and only once" if line.replayed else self.past,
                f"{line.change}; {self.standing}" if line.change else self.standing,
                line.after,
                line.reference_url,
                line.reference,
            ),
        )
        return HttpResponseRedirect(line.url)

    def page_context(self) -> dict[str, Any]:
        """Return what the admin's templates want."""
        single = self.objects[0] if self.single and self.objects else None
        nouns = (
            self.model_admin.opts.verbose_name if len(self.objects) == 1 else self.model_admin.opts.verbose_name_plural
        )
        subject = str(single) if single else f"{len(self.objects)} {nouns}"
        return {
            **self.model_admin.admin_site.each_context(self.request),
            "opts": self.model_admin.opts,
            "original": single,
            "account": self.account_of(single) if single else None,
            "ids": ",".join(str(item.pk) for item in self.objects),
            "title": f"{self.verb}: {subject}",
        }


class AccountCommand(LedgerCommand):
    """A command on accounts."""

    objects: Sequence[Account]

    def account_of(self, item: Account) -> Account:
        """Return the account itself."""
        return item

    def posting(self, item: Account, data: dict[str, Any]) -> Posting:
        """Return the posting with what the form asks for."""
        fields = {name: value for name, value in data.items() if name != "key"}
        return Posting(type=self.posting_type, uid=item.uid, **self.common(item, data), **fields)
