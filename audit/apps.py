"""Django's entry for the app."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """Connects logins to the record."""

    name = "audit"

    def ready(self) -> None:
        from audit import logins  # noqa: F401, PLC0415  connects its signals once apps are loaded
