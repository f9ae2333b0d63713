"""The console, the sandbox below it, and nothing else: there is no /admin/."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from sandbox.site import site as sandbox

urlpatterns = [
    path(f"{settings.CONSOLE_PATH}sandbox/", sandbox.urls),  # first: the console answers for all that is below it
    path(settings.CONSOLE_PATH, include("backoffice.login.urls")),
    path(settings.CONSOLE_PATH, admin.site.urls),
]
