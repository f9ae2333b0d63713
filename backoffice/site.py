"""The console: an admin site of its own."""

from django.contrib.admin import AdminSite


class ConsoleSite(AdminSite):
    """The back office."""

    site_header = "Back office"
    site_title = "Back office"
    index_title = "Console"
    site_url = None
    enable_nav_sidebar = True

    def __init__(self) -> None:
        super().__init__(name="console")

