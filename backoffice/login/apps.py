"""Django's entry for the app."""

from django.apps import AppConfig


class LoginConfig(AppConfig):
    """Connects what happens at the door to the record, and puts the way to one's own login into the header."""

    name = "backoffice.login"
    label = "login"
    verbose_name = "Logins"

    def ready(self) -> None:
        from django.contrib import admin  # noqa: PLC0415  models are loaded only now

        from backoffice.login import recorded, timeouts  # noqa: F401, PLC0415  connect their signals
        from backoffice.login.pages import own_login  # noqa: PLC0415  as above

        admin.site.header_links.append(own_login)  # type: ignore[attr-defined]  # the console's
