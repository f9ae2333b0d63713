"""The upload form: a file of a kind that can be read, and what to do with rows that are refused."""

from pathlib import PurePath
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile

from backoffice.reason import ReasonField
from imports.deciding import MOST_BYTES, MOST_ROWS, READERS

VALID, ALL = "valid", "all"
# What browsers say of such files; any application/… may be one, as each system calls them by another name.
TEXTS = ("text/csv", "text/plain", "text/comma-separated-values", "text/tab-separated-values", "text/x-csv")


class UploadForm(forms.Form):
    """One file."""

    file = forms.FileField(
        max_length=255,
        widget=forms.FileInput(attrs={"accept": ",".join(f".{name}" for name in READERS)}),
        help_text=f"CSV or XLSX, up to {MOST_ROWS:,} rows and {MOST_BYTES // 1024 // 1024} MB.",
        error_messages={"empty": "The file is empty.", "required": "Choose a file.", "missing": "Choose a file."},
    )
    how = forms.ChoiceField(
        label="Where rows are refused",
        choices=[
            (VALID, "post the others, hand the refused ones back"),
            (ALL, "post nothing unless every row is fine"),
        ],
        initial=VALID,
    )

    reason = ReasonField()

    def clean_file(self) -> UploadedFile[Any]:
        """Refuse a file that is too large or of another kind, before it is read; the readers look at what it holds."""
        file: Any = self.cleaned_data["file"]
        if file.size > MOST_BYTES:
            most = MOST_BYTES // 1024 // 1024
            raise ValidationError(f"The file has {file.size / 1024 / 1024:.1f} MB, {most} MB are the most: split it.")
        if self.kind_of(file) not in READERS:
            raise ValidationError("Choose a file whose name ends in .csv or .xlsx.")
        said = file.content_type or TEXTS[0]
        if said not in TEXTS and not said.startswith("application/"):
            raise ValidationError(f"The browser says that the file is {said}: choose a CSV or XLSX file.")
        return file  # type: ignore[no-any-return]  # the stubs say nothing of cleaned_data

    @staticmethod
    def kind_of(file: UploadedFile[Any]) -> str:
        """Return what the file's name says it is."""
        return PurePath(file.name or "").suffix.removeprefix(".").lower()
