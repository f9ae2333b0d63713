"""Why: every form of the console that changes something asks for it, and the record keeps it.

The reason becomes part of the scope before anything is written, so that versions, events and actions made by the request
carry it, whatever statement makes them.
"""

from collections.abc import Callable
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, QueryDict

from audit.record import record
from backoffice.databases import worked_on
from backoffice.scope import announce, change

NAME = "reason"
LONGEST = 500
HELP = "Kept with every change that this makes. Say what a colleague would ask a year from now."
MISSING = "Say why: the record keeps the reason."
TOO_LONG = "It has %(show_value)d characters, %(limit_value)d are the most."


class Prose(forms.CharField):
    """A text in sentences. No `maxlength`, by which a browser cuts off what is pasted without a word: it is refused by length."""

    def __init__(self, **how: Any) -> None:
        super().__init__(**{**how, "error_messages": {"max_length": TOO_LONG, **how.get("error_messages", {})}})

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        """Leave the length to the server, which says how much is too much."""
        return {name: value for name, value in super().widget_attrs(widget).items() if name != "maxlength"}


class ReasonField(Prose):
    """Why, in a sentence; never empty."""

    def __init__(self, **how: Any) -> None:
        super().__init__(
            **{
                "label": "Reason",
                "max_length": LONGEST,
                "help_text": HELP,
                "error_messages": {"required": MISSING},
                "widget": forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"}),
                **how,
            }
        )


class PasswordReason(forms.Form):
    """A new password, and why; mixed into Django's forms before the one that saves it."""

    reason = ReasonField()

    def save(self, commit: bool = True) -> Any:
        """Say why, then save."""
        give_reason(self.cleaned_data[NAME], using=worked_on() or "default")
        record("password.changed", obj=self.user)  # type: ignore[attr-defined]  # of the form that this is mixed into
        return super().save(commit)  # type: ignore[misc]  # as above


def with_reason(form: type[Any]) -> type[Any]:
    """Return the form with a reason in it."""
    return type(form.__name__, (form,), {NAME: ReasonField()}) if NAME not in form.base_fields else form


def unfit(text: str) -> str:
    """Return why a text is no reason, in a sentence, or nothing."""
    if len(text) > LONGEST:
        return TOO_LONG % {"show_value": len(text), "limit_value": LONGEST}
    return "" if text else MISSING


def give_reason(text: str, *, using: str) -> None:
    """Tell the running transaction why."""
    change(reason=text)
    announce(using)


def asking_why(request: HttpRequest, go_on: Callable[[], HttpResponse], *, using: str) -> HttpResponse:
    """Answer a confirmation, such as that of a deletion, which goes on with a reason and asks again without a fitting one."""
    if request.method == "POST" and request.POST.get("post"):
        text = request.POST.get(NAME, "").strip()
        if problem := unfit(text):
            _take_back(request, problem, text)
        else:
            give_reason(text, using=using)
    return go_on()


def _take_back(request: HttpRequest, problem: str, text: str) -> None:
    """Leave of what was sent only which objects were chosen, so that the page asks again."""
    sent = request.POST
    kept = QueryDict(mutable=True)
    if "action" in sent:  # on a list: which rows, and what to do with them
        for name in ("action", "_selected_action", "index", "select_across"):
            kept.setlist(name, sent.getlist(name))
    kept._mutable = False
    request.POST = kept  # type: ignore[assignment]  # immutable again
    request.reason_missing, request.reason_typed = problem, text  # type: ignore[attr-defined]  # ours, shown by the templates
