"""The site's settings for the test suite: always an embedded server of its own, never a database that the environment names.

Its own, because it runs without fsync: making a database is then a matter of a tenth of a second, not of three.
"""

import os
from pathlib import Path

from backoffice.databases import OWNER_URL_NAMES, RELAY_URL_NAMES, RUNTIME_URL_NAMES

of_the_run = (*RUNTIME_URL_NAMES.values(), *OWNER_URL_NAMES.values(), *RELAY_URL_NAMES.values())
for name in (*of_the_run, *(f"{name}_FILE" for name in of_the_run), "DJANGO_SETTINGS_MODULE"):
    os.environ.pop(name, None)
os.environ["BACKOFFICE_MODE"] = "development"
data = Path(os.environ.get("BACKOFFICE_DATA") or ".data").resolve()
if "PYTEST_XDIST_WORKER" not in os.environ:  # a worker inherits the folder that was chosen before
    os.environ["BACKOFFICE_DATA"] = str(data / "tests")

from backoffice.settings import *  # noqa: E402, F403  the environment is clean now

INSTALLED_APPS += ["tests.testapp"]  # noqa: F405  from the site's settings
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # logins of tests need not be slow
STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # noqa: F405  whitenoise warns of a missing folder
SECOND_FACTOR = False  # but where it is tested
LOGIN_AGAIN_MINUTES = 720  # as above
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
