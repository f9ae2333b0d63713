"""Rows of the event store that a reviewer does something about: each with its state, its event, and one command."""

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from audit.admin.reasoned import ReasonedCommand
from backoffice.admin import ReadOnlyAdmin
from backoffice.databases import EVENT_STORE
from backoffice.said import chip


class FollowedAdmin(ReadOnlyAdmin):
    """A list of what is to be looked at; the command is offered where it is due and the reader may."""

    using = EVENT_STORE
    list_select_related = ()
    ordering = ("-id",)
    readonly_fields: ClassVar[tuple[str, ...]] = ("the_event",)
    change_form_template = "audit/commanded.html"
    command: ClassVar[type[ReasonedCommand]]
    chips: ClassVar[dict[Any, str]]  # the kind of chip of each state

    @property
    def command_name(self) -> str:
        """The name of the command's address."""
        return f"audit_{self.opts.model_name}_{self.command.name}"

    def get_urls(self) -> list[URLPattern]:
        """Add the command page."""
        page = self.command.as_view(model_admin=self)
        return [path(f"<int:object_id>/{self.command.name}/", page, name=self.command_name), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the row with the way to its command."""
        row = self.get_object(request, object_id)
        may = row is not None and self.command.is_due(row) and self.command.guard.allows(request)
        link = reverse(f"console:{self.command_name}", args=[row.pk]) if row is not None and may else ""
        called = {"subtitle": self.label(row)} if row is not None else {}
        extra = {"command_url": link, "command": self.command, **called, **(extra_context or {})}
        return super().change_view(request, object_id, form_url, extra)

    @admin.display(description="State", ordering="state")
    def state_chip(self, row: Any) -> str:
        """Show the state as a chip."""
        return chip(self.chips[row.state], row.get_state_display())

    @admin.display(description="Event")
    def the_event(self, row: Any) -> str:
        """Link to the event that it is about."""
        if row.event_id is None:
            return "None: audit_verify raised it"
        page = reverse("console:audit_event_change", args=[row.event_id])
        return format_html('<a href="{}">{}</a>', page, self.event_text)

    event_text = "The event"
