"""The test app's registration."""

from django.apps import AppConfig


class LibraryConfig(AppConfig):
    """Goes by the label `testapp`."""

    name = "tests.testapp"
    label = "testapp"
    default_auto_field = "django.db.models.BigAutoField"
