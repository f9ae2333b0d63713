"""Django's own admin, on the site's models: its templates, its middleware, nothing of ours in between."""

from bench.settings import *  # noqa: F403  all of them

ROOT_URLCONF = "bench.console.stock"
AUTHENTICATION_BACKENDS[1] = "django.contrib.auth.backends.ModelBackend"  # noqa: F405  the site's
SESSION_ENGINE = "django.contrib.sessions.backends.db"
TEMPLATES[0]["DIRS"] = []  # noqa: F405  the site's
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",  # which refuses to be left out
]
