"""The console, and nothing else: there is no /admin/."""

from django.conf import settings
from django.contrib import admin
from django.urls import path

urlpatterns = [path(settings.CONSOLE_PATH, admin.site.urls)]
