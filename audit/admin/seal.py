"""Blocks and runs of audit_verify in the console: read-only, like all that the event store holds."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from audit.admin.event import events_page
from audit.models import Seal, Verification
from backoffice.admin import ReadOnlyAdmin
from backoffice.databases import EVENT_STORE
from backoffice.said import chip

SHOWN = 100  # findings on a page; the command prints all of them


class StoreAdmin(ReadOnlyAdmin):
    """A table of the event store: without a search box, whoever may read the log reads it whole."""

    using = EVENT_STORE
    list_select_related = ()


@admin.register(Seal)
class SealAdmin(StoreAdmin):
    """Blocks: what was sealed when, with which key."""

    list_display = ("number", "created", "count", "hash_text", "key")
    ordering = ("-number",)
    fields = (
        "number",
        "created",
        "month",
        "count",
        "root_text",
        "previous_text",
        "hash_text",
        "key",
        "signature_text",
        "events",
    )
    readonly_fields = ("events", "root_text", "previous_text", "hash_text", "signature_text")
    export_fields = ("number", "created", "month", "count", "key")

    def get_queryset(self, request: HttpRequest) -> Any:
        """Leave out what is as long as the block itself."""
        return super().get_queryset(request).defer("ids", "leaves")

    @admin.display(description="which")
    def events(self, seal: Seal) -> SafeString:
        """Lead to the events that the block seals."""
        return format_html('<a href="{}">Its events in the log</a>', events_page(block=seal.number))

    @admin.display(description="root")
    def root_text(self, seal: Seal) -> SafeString:
        return code(seal.root)

    @admin.display(description="block before")
    def previous_text(self, seal: Seal) -> SafeString:
        return code(seal.previous)

    @admin.display(description="hash")
    def hash_text(self, seal: Seal) -> SafeString:
        return code(seal.hash)

    @admin.display(description="signature")
    def signature_text(self, seal: Seal) -> SafeString:
        return code(seal.signature)


@admin.register(Verification)
class VerificationAdmin(StoreAdmin):
    """When audit_verify ran and what it found, the last run first."""

    list_display = ("created", "result", "events", "blocks", "since", "seconds")
    fields = ("created", "result", "events", "blocks", "since", "seconds", "head", "what_was_found")
    readonly_fields = ("result", "what_was_found")
    export_fields = ("created", "events", "blocks", "since", "seconds", "head")

    @admin.display(description="result")
    def result(self, run: Verification) -> SafeString:
        """Show whether all was as it was sealed."""
        if not run.findings:
            return chip("good", "As it was sealed")
        count = len(run.findings)
        return chip("bad", f"{count} finding{'' if count == 1 else 's'}")

    @admin.display(description="findings")
    def what_was_found(self, run: Verification) -> SafeString | str:
        """Show the findings as sentences."""
        if not run.findings:
            return "Nothing: every event and every block that was looked at is as it was sealed."
        sentences = [(finding["text"],) for finding in run.findings[:SHOWN]]
        more = len(run.findings) - SHOWN
        if more > 0:
            sentences.append((f"{more} more: audit_verify prints them all.",))
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{}</li>", sentences))


def code(digest: "bytes | memoryview[int]") -> SafeString:
    """Show bytes in hexadecimal."""
    return format_html("<code>{}</code>", bytes(digest).hex())
