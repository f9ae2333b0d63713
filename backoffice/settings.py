"""Every setting of the console, read from the environment and refused by its name when it is bad.

The table of variables in README.md is tested against this file. Production refuses to start on what is missing or
weak; the other modes fill the gaps with safe local defaults (a generated key, localhost only).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import cast

import django_stubs_ext
from django.core.exceptions import ImproperlyConfigured
from environs import Env, EnvValidationError, validate

from backoffice import embedded
from backoffice.databases import OWNER_URL_NAMES, RELAY_URL_NAMES, RUNTIME_URL_NAMES, databases_from
from backoffice.secret import local_secret_key, weakness_of

django_stubs_ext.monkeypatch()  # generic Django classes can be subscripted at run time too

BASE_DIR = Path(__file__).resolve().parent.parent
MODES = ["development", "demo", "production"]
LEVELS = ["DEBUG", "INFO", "WARNING", "ERROR"]

env = Env(eager=False)
MODE = env.str("BACKOFFICE_MODE", "development", validate=validate.OneOf(MODES))
BACKOFFICE_DATA = Path(env.str("BACKOFFICE_DATA", "") or BASE_DIR / ".data").expanduser().resolve()
CONSOLE_PATH = env.str("CONSOLE_PATH", "console/", validate=validate.Regexp(r"^([a-z0-9-]+/)+$"))
DEBUG = env.bool("DEBUG", False)
SECRET_KEY = env.str("SECRET_KEY", "")
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", [])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", [])
LANGUAGE_CODE = env.str("LANGUAGE_CODE", "en-gb")
TIME_ZONE = env.str("TIME_ZONE", "Europe/Prague")
LOG_LEVEL = env.str("LOG_LEVEL", "INFO", validate=validate.OneOf(LEVELS))
BEHIND_PROXY = env.bool("BEHIND_PROXY", False)
APPROVAL_DAYS = env.int("APPROVAL_DAYS", 3, validate=validate.Range(min=1, max=365))
EMAIL_HOST = env.str("EMAIL_HOST", "")
EMAIL_PORT = env.int("EMAIL_PORT", 587)
EMAIL_HOST_USER = env.str("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = env.str("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = env.bool("EMAIL_USE_TLS", True)
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "backoffice@localhost")
AUDIT_EXPORT_KEY = env.str("AUDIT_EXPORT_KEY", "")
AUDIT_FOLLOWED = env.list("AUDIT_FOLLOWED", ["alert.opened"])
AUDIT_EMAIL_TO: list[str] = env.list("AUDIT_EMAIL_TO", [])
AUDIT_WEBHOOK_URL = env.str("AUDIT_WEBHOOK_URL", "", validate=validate.Regexp(r"^(https?://.*)?$"))
AUDIT_WEBHOOK_SECRET = env.str("AUDIT_WEBHOOK_SECRET", "")
AUDIT_SLACK_URL = env.str("AUDIT_SLACK_URL", "", validate=validate.Regexp(r"^(https?://.*)?$"))
AUDIT_VIEWS_PER_HOUR = env.int("AUDIT_VIEWS_PER_HOUR", 60, validate=validate.Range(min=1))
AUDIT_FAILED_LOGINS_PER_HOUR = env.int("AUDIT_FAILED_LOGINS_PER_HOUR", 10, validate=validate.Range(min=1))
DEMO_PASSWORD = env.str("DEMO_PASSWORD", "")
AUDIT_SIGNING_KEY = env.str("AUDIT_SIGNING_KEY", "")
AUDIT_TRUSTED_KEYS = env.str("AUDIT_TRUSTED_KEYS", "")
AUDIT_HEADS = env.str("AUDIT_HEADS", "")
AUDIT_HEAD_SECONDS = env.int("AUDIT_HEAD_SECONDS", 60, validate=validate.Range(min=1))
AUDIT_HEAD_COMMAND = env.str("AUDIT_HEAD_COMMAND", "")
AUDIT_ARCHIVE = env.str("AUDIT_ARCHIVE", "")
AUDIT_RETENTION_MONTHS = env.int("AUDIT_RETENTION_MONTHS", 120, validate=validate.Range(min=1))
URL_NAMES = (*RUNTIME_URL_NAMES.values(), *OWNER_URL_NAMES.values(), *RELAY_URL_NAMES.values())
urls = {name: env.str(name, "") for name in URL_NAMES}
try:
    env.seal()
except EnvValidationError as error:
    reasons = cast("Mapping[str, list[str]]", error.error_messages)  # by name, as seal() collects them
    bad = [f"{name}: {' '.join(map(str, why))}" for name, why in reasons.items()]
    raise ImproperlyConfigured("; ".join(bad)) from None

PRODUCTION = MODE == "production"
USES_EMBEDDED = not any(urls.values())
if PRODUCTION:
    required = {
        "SECRET_KEY": SECRET_KEY,
        "ALLOWED_HOSTS": ALLOWED_HOSTS,
        **{name: urls[name] for name in RUNTIME_URL_NAMES.values()},
    }
    if missing := [name for name, value in required.items() if not value]:
        raise ImproperlyConfigured(f"Production needs {', '.join(missing)}: set them in the environment.")
    if DEBUG:
        raise ImproperlyConfigured("DEBUG must be off in production: it shows code and settings to anyone.")
    if AUDIT_EMAIL_TO and not EMAIL_HOST:
        raise ImproperlyConfigured("AUDIT_EMAIL_TO is set and EMAIL_HOST is not: no e-mail about events would be sent.")
    if "*" in ALLOWED_HOSTS:
        raise ImproperlyConfigured("ALLOWED_HOSTS must name the hosts in production: * lets any Host header in.")
    if weakness := weakness_of(SECRET_KEY):
        raise ImproperlyConfigured(f"SECRET_KEY is too weak for production: {weakness}.")
else:
    SECRET_KEY = SECRET_KEY or local_secret_key(BACKOFFICE_DATA)
    ALLOWED_HOSTS = ALLOWED_HOSTS or ["localhost", "127.0.0.1", "[::1]"]

if USES_EMBEDDED:
    urls = embedded.urls(BACKOFFICE_DATA)
elif absent := [name for name in RUNTIME_URL_NAMES.values() if not urls[name]]:
    raise ImproperlyConfigured(f"{', '.join(absent)}: set too, the three databases come together or not at all.")
local = embedded.urls(BACKOFFICE_DATA)
if urls["DATABASE_URL"] == local["DATABASE_URL"]:  # said by name, the embedded server still has a role for the relay
    urls |= {name: urls[name] or local[name] for name in RELAY_URL_NAMES.values()}
DATABASES = databases_from(urls, RUNTIME_URL_NAMES)
OWNER_DATABASES = databases_from(urls, OWNER_URL_NAMES)
RELAY_DATABASES = databases_from(urls, RELAY_URL_NAMES)
# The record's own files. The key is made where none is named, except in production, where the relay refuses to start.
AUDIT_FOLDER = BACKOFFICE_DATA / "audit"
AUDIT_KEY_FILE = Path(AUDIT_SIGNING_KEY or AUDIT_FOLDER / "signing_key.pem").expanduser()
AUDIT_TRUSTED_FILE = Path(AUDIT_TRUSTED_KEYS or AUDIT_FOLDER / "trusted_keys.jsonl").expanduser()
AUDIT_HEADS_FILE = Path(AUDIT_HEADS or AUDIT_FOLDER / "heads.jsonl").expanduser()
AUDIT_ARCHIVE_FOLDER = Path(AUDIT_ARCHIVE or AUDIT_FOLDER / "archive").expanduser()
DATABASE_ROUTERS = ["backoffice.databases.Router"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "backoffice.apps.BackofficeConfig",
    "ledger",
    "audit.apps.AuditConfig",
    "imports.apps.ImportsConfig",
    "sandbox.apps.SandboxConfig",
    "backoffice.apps.ConsoleConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django_extensions",
    "guardian",
    "simple_history",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "backoffice.middleware.RequestLogMiddleware",
    "backoffice.middleware.NoNulMiddleware",
    "backoffice.middleware.ScopeMiddleware",
    "audit.middleware.AuditMiddleware",
    "backoffice.middleware.TransactionMiddleware",
    "audit.away.StoreAwayMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "backoffice.views.GuardMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "backoffice.urls"
WSGI_APPLICATION = "backoffice.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

AUTH_USER_MODEL = "backoffice.User"
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend", "guardian.backends.ObjectPermissionBackend"]
ANONYMOUS_USER_NAME = None  # guardian's: nobody has grants without a login
GUARDIAN_MONKEY_PATCH_USER = GUARDIAN_MONKEY_PATCH_GROUP = False  # grants are read and given by backoffice.grants
LOGIN_URL = "console:login"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

# Without a server for e-mail, what would be sent is written to standard output.
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if EMAIL_HOST else 'console'}.EmailBackend"

FORMAT_MODULE_PATH = "backoffice.formats"
USE_TZ = True
STATIC_URL = "static/"
STATIC_ROOT = BACKOFFICE_DATA / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if MODE != "development"
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = MODE == "development"

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = PRODUCTION
SECURE_HSTS_SECONDS = 31_536_000 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = PRODUCTION
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "filters": {"one_line": {"()": "backoffice.middleware.OneLine"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {"backoffice": {"level": LOG_LEVEL}, "django.request": {"filters": ["one_line"]}},
}
