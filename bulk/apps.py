"""Bulk runs: commands of the ledger on several objects."""

from django.apps import AppConfig


class BulkConfig(AppConfig):
    """The app."""

    name = "bulk"
    verbose_name = "Several at once"  # after the ledger's lists
