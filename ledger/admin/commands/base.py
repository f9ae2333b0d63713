"""What all commands of the ledger share: which objects, and one posting for each (in words: `ledger.admin.commands.wording`).

One object is previewed, done and answered here, several in `ledger.admin.commands.several`.

`AccountCommand` acts on accounts; `ledger.admin.commands.returns` on actions, `ledger.admin.commands.resolving` on holds.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar, cast
from urllib.parse import urlencode
from uuid import uuid4

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from backoffice.command import CommandForm, Line, copy_button
from backoffice.entity_guard import Named
from backoffice.models import User
from ledger.admin.commands import asking, several
from ledger.admin.commands.selection import Selection, selected
from ledger.admin.commands.wording import Worded
from ledger.admin.forms import LedgerForm, ReasonForm
from ledger.admin.telling import called
from ledger.choices import ActionType
from ledger.errors import LedgerError
from ledger.models import Account, Action
from ledger.possible import refusal
from ledger.posting import Outcome, Posting
from ledger.rules import REVERSIBLE

Deal = Callable[..., list[Outcome]]


class LedgerCommand(Worded):
    """A command that posts on each chosen object."""

    names = {"object_id": Named(), "ids": Named(many=True)}
    posting_type: ClassVar[ActionType]
    repeats: ClassVar[bool] = False  # whether it is mostly done again, so that the result offers it
    undone_by: ClassVar[str] = ""  # the command on the account that undoes what is no money
    bulk: ClassVar[bool] = True  # whether it has a page for a selection too
    aside_template: ClassVar[str] = "console/aside_account.html"
    form_class: ClassVar[type[LedgerForm]]
    selection: Selection  # where there is not one object

    @property
    def person(self) -> User:
        """Who it is: the guard let nobody else in."""
        return cast("User", self.request.user)

    def get_objects(self) -> Sequence[Any]:
        """Return the one object of the URL, or those that are selected, in ascending id."""
        if not self.single:
            self.selection = selected(self)
            return self.selection.objects
        found = self.found([self.kwargs["object_id"]])
        if not found:
            raise Http404(f"There is no such {self.model_admin.opts.verbose_name}.")
        return found

    def found(self, keys: Iterable[Any]) -> list[Any]:
        """Return those of these objects that the person sees, in ascending id. One query."""
        return list(self.model_admin.get_queryset(self.request).filter(pk__in=list(keys)).order_by("pk"))

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Preview, or do what was previewed."""
        return super().post(request, **kwargs) if self.single else several.post(self)

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
            "by": self.person,
            "asof": timezone.now(),
            "idempotency_key": f"console:{data['key']}:{item.pk}",
        }

    def make_form(self, data: Any = None) -> CommandForm:
        """Return the form, which knows the objects; to try again what a run left out, as that run's was filled in."""
        form = self.form_class(data, objects=self.objects, accounts=[self.account_of(item) for item in self.objects])
        if data is None and not self.single:
            form.initial = several.asked_before(self)
        return form

    def obstacle(self) -> str:
        """Ask the ledger at once, on one object's page, where nothing is typed but the reason."""
        if not self.single or self.form_class is not ReasonForm:
            return ""
        [line] = self.preview({"key": uuid4(), "comment": self.verb})
        return "" if line.askable else line.error

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
        """Go back to the object with the reference, and what can be done next."""
        [line] = lines
        if line.asked:
            return asking.answer(self, line)
        messages.success(
            self.request,
            format_html(
                '{} <strong>{}</strong>. Reference <a href="{}"><code>{}</code></a> {}{}',
                self.told(line),
                line.after if line.change else line.after.lower(),
                line.reference_url,
                line.reference,
                copy_button(line.reference),
                self.next_steps(line),
            ),
        )
        return HttpResponseRedirect(self.model_admin.kept(self.request, line.url))

    def next_steps(self, line: Line) -> SafeString:
        """Return links to what is mostly done next: the account, the same once more, or to take it back."""
        [item] = self.objects
        account = self.account_of(item)
        steps = [] if account is item else [(f"Account of {account.user}", self.page_of(account))]
        steps += (
            [(f"{self.verb} once more", self.model_admin.kept(self.request, self.request.path))] if self.repeats else []
        )
        return format_html_join("", ' · <a href="{1}">{0}</a>', [*steps, *self.way_back(line)])

    def way_back(self, line: Line) -> list[tuple[str, str]]:
        """Return the link to the command that undoes it, for who may give that."""
        of_money = self.posting_type in REVERSIBLE
        on, page, name = (Action, line.reference_url, "reverse") if of_money else (Account, line.url, self.undone_by)
        permitted = {
            command.name for command in self.model_admin.admin_site.get_model_admin(on).permitted(self.request)
        }
        label = "Take it back" if of_money else name.capitalize()
        return [(label, f"{page.removesuffix('change/')}{name}/")] if name in permitted else []

    def preserved_filters(self) -> str:
        """Return the search and the filters of the list before it: of all that a filter finds, that filter."""
        if not self.single and self.selection.query is not None:
            return urlencode({"_changelist_filters": self.selection.query})
        kept: str = self.model_admin.get_preserved_filters(self.request)
        return kept

    def page_context(self) -> dict[str, Any]:
        """Return what the admin's templates want."""
        single = self.objects[0] if self.single and self.objects else None
        chosen: Any = None if self.single else self.selection
        return {
            **self.model_admin.admin_site.each_context(self.request),
            "opts": self.model_admin.opts,
            "preserved_filters": self.preserved_filters(),
            "original": single,
            "account": self.account_of(single) if single else None,
            "account_called": called(self.account_of(single)) if single else "",
            "selection": chosen,
            "ids": ",".join(str(item.pk) for item in self.objects) if chosen and chosen.query is None else "",
            "title": f"{self.verb}: {single or chosen.words}",
        }


class AccountCommand(LedgerCommand):
    """A command on accounts."""

    objects: Sequence[Account]

    def account_of(self, item: Account) -> Account:
        """Return the account itself."""
        return item

    def obstacle(self) -> str:
        """Say so, too, where the status of not one of several lets it take part. Reads nothing for that."""
        if self.single or any(refusal(self.posting_type, account) is None for account in self.objects):
            return super().obstacle()
        refusals = dict.fromkeys(str(refusal(self.posting_type, account)) for account in self.objects)
        return f"Not one of the chosen accounts can take part. {' '.join(refusals)}"

    def posting(self, item: Account, data: dict[str, Any]) -> Posting:
        """Return the posting with what the form asks for."""
        fields = {name: value for name, value in data.items() if name != "key"}
        return Posting(type=self.posting_type, uid=item.uid, **self.common(item, data), **fields)
