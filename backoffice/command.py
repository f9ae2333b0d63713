"""Command pages: a form, a preview of what will happen, and a confirmation that does exactly that.

GET shows the form; POST with valid data shows before and after; POST with the token of that preview does it. The token is
signed, is good for an hour, and binds who, in the console or the sandbox, which command, which objects, which data and
what was shown, figure by figure. Where things have moved since, the new preview is shown instead, beside each figure what
it was. The form carries a key from the start, so a double click, a reload or the back button posts once: the ledger answers
the second time with the first result.
"""

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from django import forms
from django.core import signing
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from audit.record import record
from backoffice.databases import worked_on
from backoffice.reason import give_reason
from backoffice.views import BaseView

SALT = "backoffice.command"
TOKEN_AGE = 3600  # seconds; a preview older than that is no longer what the person looks at
TOO_OLD = "This preview is too old or was not made here. Check it again, then confirm."
OTHER_FORM = "The form has changed since the preview. Check it again, then confirm."
DRIFT = "Something has changed since you looked. Check the new figures, then confirm."

Shown = dict[str, Any]  # the figures of a line, as JSON: `Line.shown`
FIGURES = ("before", "change", "after")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What a command does, or did, to one object, in words; `error` is the sentence that refuses it.

    `also` is what it does beside that: to the other account of a transfer, to what is held. `code`
    names the rule that refuses. What is `askable` would happen if somebody else approved it; what is `asked` waits.
    `then` is what the person was shown before and is not so any more.
    """

    label: str
    url: str = ""
    before: str = ""
    change: str = ""
    after: str = ""
    error: str = ""
    error_field: str | None = None
    reference: str = ""
    reference_url: str = ""
    replayed: bool = False
    also: "tuple[Line, ...]" = ()
    code: str = ""
    askable: bool = False
    asked: bool = False
    then: "Line | None" = None

    @property
    def shown(self) -> Shown:
        """What the person decides on."""
        figures = {name: getattr(self, name) for name in ("label", *FIGURES, "error")}
        return {**figures, "also": [line.shown for line in self.also]}

    def since(self, shown: Shown | None) -> "Line":
        """Return the line with what was shown of it before: of its figures those that were others, else nothing."""
        if shown is None or shown == self.shown:
            return self
        others = {name: shown[name] for name in FIGURES if shown[name] != getattr(self, name)}
        then = Line(label=shown["label"], error=shown["error"], **others)
        return replace(self, then=then, also=tuple(beside(self.also, shown["also"])))


def beside(now: Sequence[Line], then: Sequence[Shown]) -> list[Line]:
    """Return lines with what was shown before, each by its label; where there is only one, that one."""
    known = {shown["label"]: shown for shown in then}
    alone = len(now) == len(then) == 1
    return [line.since(then[0] if alone else known.get(line.label)) for line in now]


class Doubtful(Exception):
    """A confirmation of something else than what is asked for; the sentence says why it does not hold."""


class CommandForm(forms.Form):
    """The form of a command: shape only, the rules are the ledger's. Every one asks why."""

    why: ClassVar[str] = "comment"  # the field that says it
    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)


class CommandPage(BaseView):
    """One verb on an object. Subclasses say which, preview and execute; what several share: `ledger.admin.commands.several`."""

    name: ClassVar[str]
    verb: ClassVar[str]  # on buttons: Deposit
    help_text: ClassVar[str]
    dangerous: ClassVar[bool] = False
    form_class: ClassVar[type[CommandForm]]
    form_template = "console/command_form.html"
    preview_template = "console/command_preview.html"

    objects: Sequence[Model]

    def __init_subclass__(cls, **how: Any) -> None:
        """Ask to log in again before what is dangerous."""
        super().__init_subclass__(**how)
        cls.asks_again = cls.asks_again or cls.dangerous

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """Remember nothing but the request; objects are read once the guard has let it in."""
        super().setup(request, *args, **kwargs)
        self.objects = ()

    def get_objects(self) -> Sequence[Model]:
        """Return what the command acts on, or raise Http404."""
        raise NotImplementedError

    def preview(self, data: dict[str, Any]) -> list[Line]:
        """Return what would happen to each object."""
        raise NotImplementedError

    def execute(self, data: dict[str, Any]) -> list[Line]:
        """Do it and return what happened to each object."""
        raise NotImplementedError

    def ask(self, data: dict[str, Any]) -> list[Line]:
        """Ask for approval of what is askable, and return what became of each request."""
        raise NotImplementedError

    def answer(self, lines: list[Line]) -> HttpResponse:
        """Return the page that follows the deed."""
        raise NotImplementedError

    def page_context(self) -> dict[str, Any]:
        """Return what the templates need beside the command's own."""
        return {}

    def deed(self, data: dict[str, Any], ready: int) -> str:
        """Return what the button that confirms says, such as `Deposit CZK 10.00`; `ready` objects are not refused."""
        return self.verb

    def sentence(self, data: dict[str, Any], ready: int) -> str:
        """Return the heading of the preview."""
        return f"{self.deed(data, ready)}."

    def obstacle(self) -> str:
        """Return what refuses it whatever would be typed, in a sentence, or nothing. It stands in the place of the form."""
        return ""

    def binding(self, form: CommandForm) -> str:
        """Return what is possible now and which rule binds, in a sentence, or nothing."""
        return ""

    def alike(self, form: CommandForm) -> str:
        """Return what was done already and looks the same, in a sentence, or nothing."""
        return ""

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Show the form, or what makes it useless."""
        self.objects = self.get_objects()
        return self.page(self.form_template, self.make_form(), obstacle=self.obstacle())

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Preview, or do what was previewed."""
        self.objects = self.get_objects()
        form = self.make_form(request.POST)
        if not form.is_valid() or "back" in request.POST:
            return self.show_form(form)
        lines = self.preview(form.cleaned_data)
        try:
            then = looked_at(request.POST.get("token", ""), self._what(form))
        except Doubtful as why:
            then, warning = None, str(why)
        else:
            warning = DRIFT if then and drifted(lines, then["shown"]) else ""
        if all(line.error and not line.askable for line in lines):
            self.tell_refusal(lines)
            return self.show_form(self.explained(form, lines, then))
        if then is None or warning:
            return self.show_preview(form, lines, warning, then)
        give_reason(form.cleaned_data[form.why], using=worked_on() or "default")
        lines = (self.ask if "ask" in request.POST and any(line.askable for line in lines) else self.execute)(
            form.cleaned_data
        )
        if all(line.error for line in lines):
            self.tell_refusal(lines)
            return self.show_form(self.explained(form, lines, then))
        return self.answer(lines)

    def tell_refusal(self, lines: Sequence[Line]) -> None:
        """Record that all of it was refused, and with which sentences: of each entity apart, as they hold its balances."""
        single = self.objects[0] if len(self.objects) == 1 else None
        kind = str(self.objects[0]._meta.label_lower) if self.objects else ""
        refused: dict[int | None, list[str]] = {}
        for number, line in enumerate(lines):
            item = self.objects[number] if len(lines) == len(self.objects) else single
            refused.setdefault(getattr(item, "entity_id", None), []).append(line.error)
        for entity, errors in refused.items():
            data = {"command": self.name, "refusals": list(dict.fromkeys(errors))}
            record("command.refused", obj=single, data=data, object_type=kind, success=False, entity_id=entity)

    def make_form(self, data: Any = None) -> CommandForm:
        """Return the form, bound to data or fresh."""
        return self.form_class(data)

    def explained(self, form: CommandForm, lines: Sequence[Line], then: dict[str, Any] | None = None) -> CommandForm:
        """Put each refusal at the field it speaks of, each sentence once; say so where a preview had let it pass."""
        for field, error in dict.fromkeys((line.error_field, line.error) for line in lines):
            form.add_error(field if field in form.fields else None, error)
        if then and len(then["shown"]) == 1 and (line := then["shown"][0])["after"]:
            form.add_error(None, f"When you looked it was possible, from {line['before']} to {line['after']}.")
        return form

    def _what(self, form: CommandForm) -> str:
        data = sorted((name, str(getattr(value, "pk", value))) for name, value in form.cleaned_data.items())
        who_and_where = (str(self.request.user.pk), str(worked_on()), self.name)
        return digest([*who_and_where, *(str(item.pk) for item in self.objects), repr(data)])

    def show_form(self, form: CommandForm) -> HttpResponse:
        """Show the form, with its errors if it has any."""
        return self.page(self.form_template, form)

    def show_preview(
        self, form: CommandForm, lines: Sequence[Line], warning: str = "", then: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show what will happen, with the token that makes it happen, and what `then` was shown, where that was not the same."""
        fine = [line for line in lines if not line.error]
        askable = sum(line.askable for line in lines)
        bound = self.binding(form) if fine or askable else ""
        replayed = any(line.replayed for line in fine)
        shown = {"what": self._what(form), "shown": [line.shown for line in lines], "bound": bound}
        return self.page(
            self.preview_template,
            form,
            lines=beside(lines, then["shown"]) if then else lines,
            warning=warning,
            token=signing.dumps(shown, salt=SALT, compress=True),
            ready=len(fine),
            askable=askable,
            asking=not fine,
            replayed=replayed,
            bound=bound,
            alike="" if replayed else self.alike(form),
            bound_then=then["bound"] if then else "",
            deed=self.deed(form.cleaned_data, len(fine)),
            sentence=self.sentence(form.cleaned_data, len(fine)),
        )

    def page(self, template: str, form: CommandForm, **more: Any) -> HttpResponse:
        """Return a page of the command."""
        context = {**self.page_context(), "command": self, "form": form, "objects": self.objects, **more}
        return TemplateResponse(self.request, template, context)


def looked_at(token: str, what: str, *, salt: str = SALT) -> dict[str, Any] | None:
    """Return what the preview that is confirmed showed; nothing where there was none.

    Raises:
        Doubtful: it was no preview of this.
    """
    if not token:
        return None
    try:
        then: dict[str, Any] = signing.loads(token, salt=salt, max_age=TOKEN_AGE)
    except signing.BadSignature:
        raise Doubtful(TOO_OLD) from None
    if then["what"] != what:
        raise Doubtful(OTHER_FORM)
    return then


def drifted(lines: Sequence[Line], shown: Sequence[Shown]) -> bool:
    """Whether something else would happen than was shown. What was posted by this form before has not drifted."""
    if len(shown) != len(lines):
        return True
    return any(not line.replayed and line.shown != then for line, then in zip(lines, shown, strict=True))


def digest(parts: Any) -> str:
    """Return the fingerprint of texts, in their order."""
    return hashlib.sha256("\x1e".join(parts).encode()).hexdigest()


def copy_button(text: str, label: str = "Copy") -> SafeString:
    """Return a button that copies a reference; without scripts it is not there."""
    return format_html(
        '<button type="button" class="copy" data-copy="{0}" aria-label="{1} {0}" hidden>{1}</button>', text, label
    )
