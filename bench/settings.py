"""The site's settings for the processes of a bench: on the databases that it names, with the article's models beside."""

import os

from backoffice.settings import *  # noqa: F403  all of them

DATABASES["default"]["NAME"] = os.environ.get("BENCH_DATABASE", DATABASES["default"]["NAME"])  # noqa: F405  the site's
DATABASES["audit"]["NAME"] = os.environ.get("BENCH_STORE") or DATABASES["audit"]["NAME"]  # noqa: F405  the site's
INSTALLED_APPS += ["bench.posting.article"]  # noqa: F405  the site's
SECOND_FACTOR = False  # who reads pages here has none
