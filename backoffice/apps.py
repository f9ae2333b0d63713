"""The base app: people, entities, the site and what protects it."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.db.models.signals import post_migrate


class BackofficeConfig(AppConfig):
    """Registers the checks that refuse an unsafe start."""

    name = "backoffice"
    verbose_name = "People and entities"

    def ready(self) -> None:
        from backoffice import checks, roles  # noqa: F401, PLC0415  checks register themselves once apps are loaded

        post_migrate.connect(roles.keep_roles, dispatch_uid="backoffice.roles")


class ConsoleConfig(AdminConfig):
    """Django's admin, with the console as its default site."""

    default_site = "backoffice.site.ConsoleSite"
