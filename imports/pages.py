"""The pages of an import: upload, preview and confirmation, and the files that come with them.

The file stays in the database between preview and confirmation. The confirmation bears a signed token that binds who, which
upload, which content and what was shown; where things have moved since, the new preview is shown instead. The upload's row
is locked first, so a second confirmation finds it posted.
"""

import hashlib
import io
from collections.abc import Sequence
from typing import Any, ClassVar, cast

from django.contrib import messages
from django.core import signing
from django.core.files.uploadedfile import UploadedFile
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse

from audit.record import record
from backoffice.guards import PermissionGuard, StaffGuard
from backoffice.models import User
from backoffice.progress import Come, ProgressPage
from backoffice.reason import give_reason
from backoffice.sheets import FORMATS
from backoffice.views import BaseView
from imports.deciding import Decision, Drift
from imports.example import NOTES, write_example
from imports.forms import ALL, UploadForm
from imports.handing_back import handed_back
from imports.models import PREVIEW_AGE, Import, State
from imports.results import Result, digest_of, kept, totals
from imports.scanning import ScannedOut, scan
from ledger.importing.source import BadFile

MAY_IMPORT = StaffGuard() & PermissionGuard("imports.add_import")
SEE = StaffGuard() & PermissionGuard("imports.view_import")
SALT = "imports.preview"
MANY = 20  # rows, with which the button below them is out of sight


class ImportPage(BaseView):
    """What the pages share."""

    guard = MAY_IMPORT
    model_admin: Any = None  # the imports' ModelAdmin, given to as_view()
    template: ClassVar[str] = ""

    @property
    def person(self) -> User:
        """Who it is: the guard lets nobody in without a login."""
        return cast("User", self.request.user)

    def page(self, title: str, **context: Any) -> HttpResponse:
        """Return the page in the admin's frame."""
        frame = self.model_admin.admin_site.each_context(self.request)
        return TemplateResponse(
            self.request, self.template, {**frame, "opts": self.model_admin.opts, "title": title, **context}
        )

    def own(self, object_id: int, *, lock: bool = False) -> Import:
        """Return an upload of this very person. Raises Http404."""
        uploads = Import.objects.select_for_update() if lock else Import.objects.all()
        upload = uploads.filter(pk=object_id, by=self.person).first()
        if upload is None:
            raise Http404("You have not uploaded this file.")
        return upload

    def decide(self, upload: Import) -> Decision:
        """Return what the file asks for, of accounts that this person may see. Raises BadFile."""
        return Decision(upload, by=self.person, visible=self.model_admin.visible_accounts(self.request))

    @staticmethod
    def url(name: str, upload: Import) -> str:
        """Return the address of one of its pages."""
        return reverse(f"console:imports_import_{name}", args=[upload.pk])


class Progress(ProgressPage):
    """How far the command has come with a file."""

    guard = SEE

    def come(self, row: Import) -> Come:
        """Return how many of its rows are decided; one that stands still does not go on."""
        return Come(row.state == State.RUNNING and not row.stands_still, row.done, row.rows)


class UploadPage(ImportPage):
    """Choose a file."""

    template = "imports/upload.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show the form."""
        return self.show(UploadForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        """Keep the file and go on to its preview, or say what is wrong with it."""
        form = UploadForm(request.POST, request.FILES)
        if not form.is_valid():
            return self.show(form)
        Import.expire(by=self.person)
        asked = form.cleaned_data
        upload = self.received(asked["file"], all_or_nothing=asked["how"] == ALL, reason=asked["reason"])
        give_reason(upload.why, using="default")
        try:
            scan(bytes(upload.content))
            decision = self.decide(upload)
            upload.rows, upload.entities = len(decision.rows), decision.entities
            kind = "import.uploaded"
        except BadFile as error:
            upload.state, upload.problem, upload.content = State.UNREADABLE, str(error), b""
            form.add_error("file", str(error))
            kind = "import.scanned_out" if isinstance(error, ScannedOut) else "import.unreadable"
        upload.save()
        told(upload, kind)
        if form.errors:
            return self.show(form)
        return HttpResponseRedirect(self.url("confirm", upload))

    def received(self, file: UploadedFile[Any], *, all_or_nothing: bool, reason: str) -> Import:
        """Return the unsaved record of an upload."""
        content = file.read()
        return Import(
            file_name=file.name or "",
            sha256=hashlib.sha256(content).hexdigest(),
            format=UploadForm.kind_of(file),
            size=len(content),
            content=content,
            all_or_nothing=all_or_nothing,
            reason=reason,
            by=self.person,
        )

    def show(self, form: UploadForm) -> HttpResponse:
        """Show the form, with its errors if it has any."""
        return self.page("Import postings", form=form, notes=NOTES, kinds=FORMATS.values())


class PreviewPage(ImportPage):
    """Look at what the file would do, and do it."""

    template = "imports/preview.html"
    asks_again = True

    def get(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Show the preview."""
        upload = self.own(object_id)
        if not upload.is_fresh:
            return HttpResponseRedirect(self.url("change", upload))
        decision = self.decide(upload)
        return self.show(upload, decision, decision.preview())

    def post(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Post what was previewed."""
        upload = self.own(object_id, lock=True)
        if not upload.is_fresh:
            self.explain(upload)
            return HttpResponseRedirect(self.url("change", upload))
        if "discard" in request.POST:
            return self.discard(upload)
        decision = self.decide(upload)
        shown = decision.preview()
        if warning := self.why_not(request.POST.get("token", ""), upload, shown):
            return self.show(upload, decision, shown, warning)
        give_reason(upload.why, using="default")
        try:
            results = decision.post(shown)
        except Drift as drift:
            return self.show(
                upload, decision, decision.preview(), f"Nothing was posted. {drift} Check the new figures."
            )
        upload.finish(kept(results), decision.entities)
        told(upload, "import.posted")
        messages.success(request, f"{upload.posted:,} of {upload.rows:,} rows posted.")
        return HttpResponseRedirect(self.url("change", upload))

    def discard(self, upload: Import) -> HttpResponse:
        """Drop the file; the record of it stays."""
        give_reason(upload.why, using="default")
        upload.discard()
        told(upload, "import.discarded")
        messages.success(self.request, f"Nothing was posted: {upload} is discarded.")
        return HttpResponseRedirect(reverse("console:imports_import_changelist"))

    def explain(self, upload: Import) -> None:
        """Say why a confirmation changes nothing."""
        if upload.state == State.POSTED:
            messages.info(self.request, "This file was posted before, and only once.")
        elif upload.state == State.DISCARDED:
            messages.warning(self.request, "This file was discarded: upload it again to post it.")
        else:
            messages.warning(self.request, "This preview is too old to be confirmed: upload the file again.")

    def why_not(self, token: str, upload: Import, shown: Sequence[Result]) -> str:
        """Return why the confirmation does not hold, or nothing."""
        try:
            seen = signing.loads(token, salt=SALT, max_age=PREVIEW_AGE)
        except signing.BadSignature:
            return "This preview is too old or was not made here. Check it again, then confirm."
        if seen["what"] != self.what(upload):
            return "This preview was of another file. Check this one, then confirm."
        if seen["shown"] != digest_of(shown):
            return "Something has changed since you looked. Check the new figures, then confirm."
        if not ready(upload, shown):
            return "There is nothing to post."
        return ""

    def what(self, upload: Import) -> list[Any]:
        """Return what a token is good for."""
        return [self.request.user.pk, upload.pk, upload.sha256, upload.all_or_nothing]

    def show(self, upload: Import, decision: Decision, results: Sequence[Result], warning: str = "") -> HttpResponse:
        """Show row by row what will happen, with the token that makes it happen."""
        accounts = {str(uid): account for uid, account in decision.accounts.items()}
        count = ready(upload, results)
        return self.page(
            f"Preview: {upload.file_name}",
            upload=upload,
            lines=[(result, accounts.get(result.account)) for result in results],
            totals=totals(results),
            many=len(results) > MANY,
            warning=warning,
            ready=count,
            refused=sum(bool(result.error) for result in results),
            replayed=sum(result.replayed for result in results),
            earlier=upload.earlier_version() if count else None,
            token=signing.dumps({"what": self.what(upload), "shown": digest_of(results)}, salt=SALT),
        )


def told(upload: Import, name: str) -> None:
    """Record what became of a file as an event."""
    data: dict[str, Any] = {"file": upload.file_name, "sha256": upload.sha256, "rows": upload.rows}
    if name == "import.posted":
        data |= {"posted": upload.posted, "already_posted": upload.already_posted, "refused": upload.refused}
    elif upload.problem:
        data["problem"] = upload.problem
    [entity] = upload.entities if len(upload.entities) == 1 else [None]  # one of several is for who sees all of them
    record(name, obj=upload, data=data, entity_id=entity)


def ready(upload: Import, results: Sequence[Result]) -> int:
    """Return how many rows a confirmation would post."""
    if upload.all_or_nothing and any(result.error for result in results):
        return 0
    return sum(result.is_new for result in results)


class RefusedFile(ImportPage):
    """The refused rows of an upload, as a file of the same kind."""

    def get(self, request: HttpRequest, object_id: int) -> HttpResponseBase:
        """Send the rows as they were decided, or as they would be now."""
        upload = self.own(object_id)
        if upload.state == State.POSTED:
            results = [Result(**row) for row in upload.results]
        elif upload.is_fresh:
            results = self.decide(upload).preview()
        else:
            raise Http404("The file is not there any more.")
        header, rows = handed_back(upload, results)
        file = io.BytesIO()
        kind = FORMATS[upload.format]
        kind.write(file, header, rows)
        file.seek(0)
        name = f"refused-{upload.file_name}"
        return FileResponse(file, as_attachment=True, filename=name, content_type=kind.content_type)


class ExampleFile(ImportPage):
    """The file to begin with."""

    kind: str = "csv"

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Send it."""
        file = io.BytesIO()
        write_example(file, self.kind)
        file.seek(0)
        name = f"postings.{self.kind}"
        return FileResponse(file, as_attachment=True, filename=name, content_type=FORMATS[self.kind].content_type)
