"""Imports in the console: the list of all uploads, what became of each, and the ways to bring a new one."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path

from audit.names import person
from backoffice.admin import ReadOnlyAdmin
from backoffice.filters import DaysFilter, RelatedFilter
from backoffice.said import chip
from backoffice.sheets import FORMATS
from imports import dashboard  # noqa: F401  registers what the start page tells
from imports.columns import already_posted, posted, refused, rows, size
from imports.models import Import, State
from imports.pages import MAY_IMPORT, ExampleFile, PreviewPage, Progress, RefusedFile, UploadPage
from ledger.models import Account

CHIPS = {
    State.PREVIEWED: "frozen", State.RUNNING: "pending", State.POSTED: "open", State.UNREADABLE: "closed",
    State.STOPPED: "bad", State.CONTINUED: "closed", State.DISCARDED: "closed", State.EXPIRED: "closed",
}  # fmt: skip


@admin.display(description="State", ordering="state")
def state_chip(upload: Import) -> str:
    """Show the state as a chip."""
    state = State(upload.state)
    return chip(CHIPS[state], state.label)


class UploadedFilter(DaysFilter):
    """By when it was brought."""

    title, column = "uploaded", "created"


class UploaderFilter(RelatedFilter):
    """By who brought it."""

    title, field = "colleague", "by"


@admin.register(Import)
class ImportAdmin(ReadOnlyAdmin):
    """Every upload, newest first. A file may speak of accounts of several entities: it is for those who see all of them."""

    list_display = ("file_name", "created", "by", state_chip, rows, posted, already_posted, refused)
    list_filter = ("state", "format", UploadedFilter, UploaderFilter)
    more_columns = ("format", size, "finished", "reason")
    list_select_related = ("by",)
    search_fields = ("file_name__startswith", "sha256__exact")
    ordering = ("-id",)
    export_fields = (
        "id", "file_name", "sha256", "format", "size", "created", "by", "reason", "state", "rows", "posted", "already_posted",
        "refused", "problem", "finished",
    )  # fmt: skip
    fields = (
        ("file_name", "format", size),
        "sha256",
        ("uploader", "created", "finished"),
        ("reason", "how"),
        (rows, posted, already_posted, refused),
        "problem",
    )
    readonly_fields = ("uploader", "created", "finished", "how", size, rows, posted, already_posted, refused)
    change_form_template = "imports/result.html"

    @admin.display(description="By")
    def uploader(self, upload: Import) -> str:
        """Show who brought it; not every reader may look at people."""
        return person(upload.by)

    @admin.display(description="Asked for")
    def how(self, upload: Import) -> str:
        """Say what was to be done with rows that are refused."""
        return "Every row or none" if upload.all_or_nothing else "The rows that are fine"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Leave the files themselves in the database."""
        return super().get_queryset(request).defer("content", "results")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return MAY_IMPORT.allows(request)

    def get_urls(self) -> list[URLPattern]:
        """Put the pages of an upload before the admin's own."""
        pages = [
            path("add/", UploadPage.as_view(model_admin=self), name="imports_import_add"),
            path("<int:object_id>/confirm/", PreviewPage.as_view(model_admin=self), name="imports_import_confirm"),
            path("<int:object_id>/progress/", Progress.as_view(model_admin=self), name="imports_import_progress"),
            path("<int:object_id>/refused/", RefusedFile.as_view(model_admin=self), name="imports_import_refused"),
        ]
        pages += [
            path(
                f"example/{kind}/",
                ExampleFile.as_view(model_admin=self, kind=kind),
                name=f"imports_import_example_{kind}",
            )
            for kind in FORMATS
        ]
        return pages + super().get_urls()

    def visible_accounts(self, request: HttpRequest) -> QuerySet[Account]:
        """Return the accounts that this person may see, as their own list has them."""
        accounts: QuerySet[Account] = self.admin_site.get_model_admin(Account).get_queryset(request)
        return accounts

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show what became of each row."""
        upload = self.get_object(request, object_id)
        extra = self.result_context(request, upload) if isinstance(upload, Import) else {}
        return super().change_view(request, object_id, form_url, {**extra, **(extra_context or {})})

    def result_context(self, request: HttpRequest, upload: Import) -> dict[str, Any]:
        """Return what the page shows beside the fields; two queries."""
        own = upload.by_id == request.user.pk and self.has_add_permission(request)
        return {
            "title": upload.file_name,
            "chip": state_chip(upload),
            "lines": lines_of(upload.results, self.visible_accounts(request)),
            "may_confirm": own and upload.is_fresh,
            "may_fetch_refused": own and upload.state == State.POSTED and upload.refused,
        }


def lines_of(results: Sequence[dict[str, Any]], visible: QuerySet[Account]) -> list[dict[str, Any]]:
    """Give each row its customer; one query. Who sees the upload sees all of its accounts."""
    uids = {row["account"] for row in results if row["account"]}
    accounts = {str(account.uid): account for account in visible.filter(uid__in=uids).select_related("user", "entity")}
    return [{**row, "customer": accounts.get(row["account"])} for row in results]
