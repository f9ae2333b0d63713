"""The ledger: accounts, their immutable actions, and the rules between them."""

from django.apps import AppConfig


class LedgerConfig(AppConfig):
    """Django's entry for the app."""

    name = "ledger"
