"""Notes on an account in the console: shown on its page, written on a form of their own, and what calls somebody put away.

Who may change the account writes; who may see it and was called can put that away. Both are done by POST.
"""

from typing import Any, NamedTuple, cast

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from backoffice.dashboard import SHOWN as ON_START
from backoffice.dashboard import Panel, Place, Row, figure, panel
from backoffice.databases import SANDBOX
from backoffice.guards import PermissionGuard, StaffGuard
from backoffice.models import User
from backoffice.paging import counted
from backoffice.reason import Prose
from backoffice.said import told
from backoffice.site import ConsoleSite
from ledger.admin import past
from ledger.errors import LedgerError, UnknownMention
from ledger.mentions import MENTION, names_in, offered
from ledger.models import Account, Mention, Note
from ledger.models.note import LONGEST

SHOWN = 10  # notes on the account's page
SAID = 120  # characters of a note on the start page
GUARD = StaffGuard() & PermissionGuard("ledger.change_account")
SEE = StaffGuard() & PermissionGuard("ledger.view_account")


class NoteForm(forms.Form):
    """What is noted; whom it calls is for the ledger to find."""

    text = Prose(
        label="Note", max_length=LONGEST, widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Write what colleagues should know."},
    )  # fmt: skip

    def __init__(self, data: Any = None, *, account: Account, using: str) -> None:
        super().__init__(data)
        about = f"Colleagues of {account.entity} read it, customers never. It cannot be changed later."
        tells = (
            ""
            if using == SANDBOX
            else " @ and a user name, such as @lead, tells that person; of a beginning, such as @le, you are told who it can be."
        )
        self.fields["text"].help_text = about + tells


class ShownNote(NamedTuple):
    """A note on the page: `text` with those whom it calls marked, `calls` whether it waits for the reader."""

    note: Note
    text: SafeString
    calls: bool


class Notes(NamedTuple):
    """The latest notes of an account, whether there are more, and whether any calls the reader."""

    shown: list[ShownNote]
    more: bool
    calls: bool


def notes_of(request: HttpRequest, account: Account) -> Notes:
    """Return what the account's page shows of its notes. Two queries, one more where they call somebody."""
    found = list(Note.objects.filter(account=account).select_related("by").order_by("-id")[: SHOWN + 1])
    asked = [note.pk for note in found if names_in(note.text)]
    called: dict[int, list[Mention]] = {}
    for mention in Mention.objects.filter(note__in=asked).select_related("person") if asked else ():
        called.setdefault(mention.note_id, []).append(mention)
    reader = cast("User", request.user)
    shown = [_shown(note, called.get(note.pk, []), reader) for note in found[:SHOWN]]
    calls = Mention.waiting(reader, using=cast("str", account._state.db)).filter(note__account=account).exists()
    return Notes(shown, len(found) > SHOWN, calls)


def _shown(note: Note, called: list[Mention], reader: User) -> ShownNote:
    people = {mention.person.username: mention.person for mention in called}
    waits = any(mention.person_id == reader.pk and mention.done is None for mention in called)
    return ShownNote(note, marked(note.text, people), waits)


def marked(text: str, people: dict[str, User]) -> SafeString:
    """Return a text with the names of the people whom it calls marked, each with who that is."""
    parts = MENTION.split(text)  # what is between names, and every second one a name
    shown = (_part(part, people if number % 2 else None) for number, part in enumerate(parts))
    return format_html_join("", "{}", ((part,) for part in shown))


def _part(part: str, people: dict[str, User] | None) -> str:
    if people is None:
        return part
    if part not in people:
        return f"@{part}"
    return format_html('<strong class="mention" title="{}">@{}</strong>', people[part], part)


class NotePage(past.PastPage):
    """The form on which a note is written; the account's own page has it too and sends to here."""

    guard = GUARD
    verb = "Write a note"
    template = "ledger/note.html"

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        """Show the form."""
        account = self.account()
        return self.show(account, NoteForm(account=account, using=self.model_admin.using))

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        """Write it down, or say why not."""
        account, using = self.account(), self.model_admin.using
        form = NoteForm(request.POST, account=account, using=using)
        if form.is_valid():
            try:
                note = Note.write(
                    account=account, text=form.cleaned_data["text"], by=cast("User", request.user), using=using
                )
            except LedgerError as error:
                form.add_error("text", f"{error} {_whom_instead(error, account)}".strip())
            else:
                people = " and ".join(str(mention.person) for mention in note.mentions.select_related("person"))
                messages.success(request, f"Noted; {people} will find it waiting." if people else "Noted.")
                return back(self, account)
        return self.show(account, form)

    def show(self, account: Account, form: NoteForm) -> HttpResponse:
        """Show the form, with what is wrong with it."""
        return TemplateResponse(self.request, self.template, {**self.page_context(account), "form": form})


def _whom_instead(error: LedgerError, account: Account) -> str:
    """Name those who can be called, where somebody was who cannot."""
    if not isinstance(error, UnknownMention):
        return ""
    people = ", ".join(f"@{person.username} ({person})" for person in offered(error.data["names"], account))
    return f"You can call {people}." if people else ""


class MentionsPage(past.PastPage):
    """Putting away what called the reader on an account."""

    guard = SEE
    verb = "Put away"
    http_method_names = ["options", "post"]

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        """Let it wait no more."""
        account = self.account()
        Mention.put_away(account=account, person=cast("User", request.user), using=self.model_admin.using)
        return back(self, account)


def back(page: past.PastPage, account: Account) -> HttpResponse:
    """Return to the notes on the account's page."""
    site = page.model_admin.admin_site
    return HttpResponseRedirect(f"{reverse(f'{site.name}:ledger_account_change', args=[account.pk])}#notes")


@panel(Place.WAITING, "Notes that call you", of=Account, needs=("ledger.view_account",))
def calling(request: HttpRequest, site: ConsoleSite) -> Panel | None:
    """Tell the reader of the notes that call: two queries, one where none does."""
    waiting = Mention.waiting(cast("User", request.user), using=site.using)
    if not (shown := list(waiting[:ON_START])):
        return None
    number = len(shown) if len(shown) < ON_START else counted(waiting)
    rows = [_row(site, mention.note) for mention in shown]
    return Panel("Notes that call you", [figure(number, "to answer or put away", "", "pending")], rows)


def _row(site: ConsoleSite, note: Note) -> Row:
    page = f"{reverse(f'{site.name}:ledger_account_change', args=[note.account_id])}#notes"
    return Row(Truncator(note.text).chars(SAID), page, f"{note.account}; {note.by}, {told(note.created)}")


def pages(model_admin: Any) -> list[URLPattern]:
    """Return the pages of one ModelAdmin of accounts."""
    return [
        past.page(NotePage, "<int:object_id>/note/", "note", model_admin),
        past.page(MentionsPage, "<int:object_id>/mentions/", "mentions", model_admin),
    ]
