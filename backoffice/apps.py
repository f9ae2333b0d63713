"""The base app: people, entities, the site and what protects it."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class BackofficeConfig(AppConfig):
    """Registers the checks that refuse an unsafe start."""

    name = "backoffice"
    verbose_name = "People and entities"

    def ready(self) -> None:
        from backoffice import checks  # noqa: F401, PLC0415  checks register themselves once apps are loaded


class ConsoleConfig(AdminConfig):
    """Django's admin, with the console as its default site."""

    default_site = "backoffice.site.ConsoleSite"

    def ready(self) -> None:
        super().ready()
        from backoffice import grant_admin  # noqa: F401, PLC0415  registers itself, once the pages it builds on are there
