"""The analysts' sandbox."""

from django.apps import AppConfig


class SandboxConfig(AppConfig):
    """A copy of the ledger in which everything may be tried."""

    name = "sandbox"
