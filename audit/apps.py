"""Django's entry for the app."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AuditConfig(AppConfig):
    """Connects logins and rights to the record, and relations to the past."""

    name = "audit"

    def ready(self) -> None:
        from audit import asof, logins, rights  # noqa: F401, PLC0415  connect their signals once apps are loaded
        from audit.alerts import Alerts  # noqa: PLC0415  as above
        from audit.kept import keep_types  # noqa: PLC0415  as above
        from audit.subscribers import REGISTERED, register, register_configured  # noqa: PLC0415  as above

        asof.lead_into_the_past()
        post_migrate.connect(keep_types, sender=self, dispatch_uid="audit.kept")
        if not REGISTERED:
            register(Alerts())
            register_configured()
