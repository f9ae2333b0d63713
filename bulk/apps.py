"""Bulk runs: commands of the ledger on several objects."""

from django.apps import AppConfig


class BulkConfig(AppConfig):
    """The app."""

    name = "bulk"
    verbose_name = "Bulk runs"
