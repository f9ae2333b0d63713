"""Command pages of the reviewer: one verb on one row, done by POST with a reason, and an event of it."""

from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from backoffice.reason import ReasonField, give_reason
from backoffice.views import BaseView


class WhyForm(forms.Form):
    """Why, and nothing else."""

    reason = ReasonField()


class ReasonedCommand(BaseView):
    """GET asks why; POST with a reason does it. Subclasses say which rows in which state, and what is done."""

    name: ClassVar[str]
    verb: ClassVar[str]
    past: ClassVar[str]
    already: ClassVar[str]  # what is said where it was done before
    help_text: ClassVar[str]
    model_admin: Any = None
    template = "audit/command.html"

    rows: ClassVar[Any]  # the manager of what it is done to
    state: ClassVar[str]  # in which it is due

    @classmethod
    def is_due(cls, row: Any) -> bool:
        """Whether it can be done to this row."""
        return bool(row.state == cls.state)

    def due(self) -> Any:
        """Return the rows that it can be done to."""
        return self.rows.filter(state=self.state)

    def execute(self, row: Any, reason: str) -> bool:
        """Do it and record it, and say whether nobody was quicker; the row is locked by what `due` narrows it to."""
        raise NotImplementedError

    def whose(self, row: Any) -> str:
        """Return who did it before, if that is known."""
        return ""

    def get(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Ask why."""
        row = self.find(object_id)
        return self.show(row, WhyForm()) if self.is_due(row) else self.was_done(row)

    def post(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Do it, or ask again."""
        row, form = self.find(object_id), WhyForm(request.POST)
        if not self.is_due(row):
            return self.was_done(row)
        if not form.is_valid():
            return self.show(row, form)
        give_reason(form.cleaned_data["reason"], using="default")
        if not self.execute(row, form.cleaned_data["reason"]):
            return self.was_done(self.find(object_id))
        self.say(row)
        return HttpResponseRedirect(self.page(row))

    def say(self, row: Any) -> None:
        """Say that it is done."""
        messages.success(self.request, f"{self.past}: {row}")

    def find(self, object_id: int) -> Any:
        """Return the row. Raises Http404 where there is none."""
        row = self.rows.filter(pk=object_id).first()
        if row is None:
            raise Http404("There is no such row.")
        return row

    def was_done(self, row: Any) -> HttpResponse:
        """Say that there is nothing to do any more, and show the row."""
        by = self.whose(row)
        messages.warning(self.request, f"{self.already}, by {by}." if by else f"{self.already}.")
        return HttpResponseRedirect(self.page(row))

    def page(self, row: Any) -> str:
        """Return the address of the row's page."""
        opts = self.model_admin.opts
        return reverse(f"console:{opts.app_label}_{opts.model_name}_change", args=[row.pk])

    def show(self, row: Any, form: forms.Form) -> HttpResponse:
        """Show the form."""
        context = {
            **self.model_admin.admin_site.each_context(self.request),
            "opts": self.model_admin.opts,
            "original": row,
            "command": self,
            "form": form,
            "title": f"{self.verb}: {row}",
        }
        return TemplateResponse(self.request, self.template, context)
