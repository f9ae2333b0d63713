"""Django's entry for the app."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """Connects logins and rights to the record, and relations to the past."""

    name = "audit"

    def ready(self) -> None:
        from audit import asof, logins, rights  # noqa: F401, PLC0415  connect their signals once apps are loaded

        asof.lead_into_the_past()
