"""The site's settings for the test suite: always the embedded server, never a database that the environment names."""

import os

from backoffice.databases import OWNER_URL_NAMES, RUNTIME_URL_NAMES

for name in (*RUNTIME_URL_NAMES.values(), *OWNER_URL_NAMES.values(), "DJANGO_SETTINGS_MODULE"):
    os.environ.pop(name, None)
os.environ["BACKOFFICE_MODE"] = "development"

from backoffice.settings import *  # noqa: E402, F403  the environment is clean now

INSTALLED_APPS += ["tests.testapp"]  # type: ignore[name-defined]  # noqa: F405
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # logins of tests need not be slow
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
