"""The console: an admin site of its own."""

from typing import Any

from django.conf import settings
from django.contrib.admin import AdminSite
from django.http import HttpRequest

LAST = ("backoffice", "auth")  # people and their rights are looked after less often than their accounts


class ConsoleSite(AdminSite):
    """The back office."""

    site_header = "Back office"
    site_title = "Back office"
    index_title = "Console"
    site_url = None
    enable_nav_sidebar = True

    def __init__(self) -> None:
        super().__init__(name="console")

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Add which environment this is, for the badge in the header."""
        return {**super().each_context(request), "environment": settings.MODE}

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[dict[str, Any]]:
        """Return the apps by name, the daily work first."""
        apps = super().get_app_list(request, app_label)
        return sorted(apps, key=lambda app: LAST.index(app["app_label"]) if app["app_label"] in LAST else -1)
