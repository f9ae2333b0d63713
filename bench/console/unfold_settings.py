"""As `stock_settings`, with django-unfold's site, ModelAdmin and templates."""

from bench.console.stock_settings import *  # noqa: F403  all of them

INSTALLED_APPS = ["unfold.apps.BasicAppConfig", *INSTALLED_APPS]  # noqa: F405  the site's
