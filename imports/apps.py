"""Imports: files of deposits and withdrawals, from the console and from the command line."""

from django.apps import AppConfig


class ImportsConfig(AppConfig):
    """Gives `manage.py import_postings` the format that the console takes."""

    name = "imports"

    def ready(self) -> None:
        from imports.source import CsvFile  # noqa: PLC0415  models are loaded only now
        from ledger.importing import FORMATS  # noqa: PLC0415

        FORMATS[CsvFile.name] = CsvFile
