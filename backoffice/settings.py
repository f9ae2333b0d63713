"""Every setting of the console, read from the environment and refused by its name when it is bad.

The table of variables in README.md is tested against this file. Production refuses to start on what is missing or
weak; the other modes fill the gaps with safe local defaults (a generated key, localhost only).
"""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import cast

import django_stubs_ext
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from environs import EnvValidationError, FileAwareEnv, validate

from backoffice import embedded, production
from backoffice.databases import OWNER_URL_NAMES, RELAY_URL_NAMES, RUNTIME_URL_NAMES, databases_from
from backoffice.secret import local_secret_key

django_stubs_ext.monkeypatch()  # generic Django classes can be subscripted at run time too

BASE_DIR = Path(__file__).resolve().parent.parent
MODES = ["development", "demo", "production"]
LEVELS = ["DEBUG", "INFO", "WARNING", "ERROR"]

URL_NAMES = (*RUNTIME_URL_NAMES.values(), *OWNER_URL_NAMES.values(), *RELAY_URL_NAMES.values())
SECRETS = (
    "SECRET_KEY",
    "SECRET_KEY_FALLBACKS",
    "EMAIL_HOST_PASSWORD",
    "AUDIT_WEBHOOK_SECRET",
    "AUDIT_SLACK_URL",
    "DEMO_PASSWORD",
    *URL_NAMES,
)
production.refuse_files(SECRETS)

env = FileAwareEnv(eager=False, strip_whitespace=True)
MODE = env.str("BACKOFFICE_MODE", "development", validate=validate.OneOf(MODES))
STAGING = env.bool("STAGING", False)
BACKOFFICE_DATA = Path(env.str("BACKOFFICE_DATA", "") or BASE_DIR / ".data").expanduser().resolve()
CONSOLE_PATH = env.str("CONSOLE_PATH", "console/", validate=validate.Regexp(r"^([a-z0-9-]+/)+$"))
DEBUG = env.bool("DEBUG", False)
SECRET_KEY = env.str("SECRET_KEY", "")
SECRET_KEY_FALLBACKS: list[str] = env.list("SECRET_KEY_FALLBACKS", [])
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", [])
EXPOSED = env.bool("EXPOSED", False)
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", [])
LANGUAGE_CODE = env.str("LANGUAGE_CODE", "en-gb")
TIME_ZONE = env.str("TIME_ZONE", "Europe/Prague")
LOG_LEVEL = env.str("LOG_LEVEL", "INFO", validate=validate.OneOf(LEVELS))
BEHIND_PROXY = env.bool("BEHIND_PROXY", False)
APPROVAL_DAYS = env.int("APPROVAL_DAYS", 3, validate=validate.Range(min=1, max=365))
EMAIL_HOST = env.str("EMAIL_HOST", "")
EMAIL_PORT = env.int("EMAIL_PORT", 587)
EMAIL_TIMEOUT = 10  # seconds
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
SECOND_FACTOR = env.bool("SECOND_FACTOR", MODE != "demo")
WEBAUTHN_RP_ID = env.str("WEBAUTHN_RP_ID", "")
LOGIN_FAILURES = env.int("LOGIN_FAILURES", 10, validate=validate.Range(min=3, max=25))
LOGIN_LOCKED_MINUTES = env.int("LOGIN_LOCKED_MINUTES", 1 if MODE == "demo" else 15, validate=validate.Range(min=1))
LOGIN_AGAIN_MINUTES = env.int("LOGIN_AGAIN_MINUTES", 720 if MODE == "demo" else 10, validate=validate.Range(min=1))
INVITATION_HOURS = env.int("INVITATION_HOURS", 24, validate=validate.Range(min=1, max=168))
PASSWORD_WORDS = env.str("PASSWORD_WORDS", "")
BREACHED_PASSWORDS = env.str("BREACHED_PASSWORDS", "")
UPLOAD_SCAN_COMMAND = env.str("UPLOAD_SCAN_COMMAND", "")
AUDIT_SIGNING_KEY = env.str("AUDIT_SIGNING_KEY", "")
AUDIT_TRUSTED_KEYS = env.str("AUDIT_TRUSTED_KEYS", "")
AUDIT_HEADS = env.str("AUDIT_HEADS", "")
AUDIT_HEAD_SECONDS = env.int("AUDIT_HEAD_SECONDS", 60, validate=validate.Range(min=1))
AUDIT_HEAD_COMMAND = env.str("AUDIT_HEAD_COMMAND", "")
AUDIT_ARCHIVE = env.str("AUDIT_ARCHIVE", "")
AUDIT_RETENTION_MONTHS = env.int("AUDIT_RETENTION_MONTHS", 120, validate=validate.Range(min=1))
urls = {name: env.str(name, "") for name in URL_NAMES}
try:
    env.seal()
except EnvValidationError as error:
    reasons = cast("Mapping[str, list[str]]", error.error_messages)  # by name, as seal() collects them
    bad = [f"{name}: {' '.join(map(str, why))}" for name, why in reasons.items()]
    raise ImproperlyConfigured("; ".join(bad)) from None

PRODUCTION = MODE == "production"
ENVIRONMENT = "staging" if STAGING else MODE  # what the badge in the header says
USES_EMBEDDED = not any(urls.values())
if PRODUCTION:
    production.refuse({**globals(), **urls})
else:
    SECRET_KEY = SECRET_KEY or local_secret_key(BACKOFFICE_DATA)
    ALLOWED_HOSTS = ALLOWED_HOSTS or ["localhost", "127.0.0.1", "[::1]"]
    production.refuse_exposed(() if EXPOSED else ALLOWED_HOSTS)

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
if PRODUCTION:
    production.with_verified_servers(DATABASES, RUNTIME_URL_NAMES)
    production.with_verified_servers(OWNER_DATABASES, OWNER_URL_NAMES)
    production.with_verified_servers(RELAY_DATABASES, RELAY_URL_NAMES)
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
    "bulk.apps.BulkConfig",
    "sandbox.apps.SandboxConfig",
    "backoffice.apps.ConsoleConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "csp",
    "django_extensions",
    "guardian",
    "simple_history",
    "axes",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "backoffice.login.apps.LoginConfig",  # behind the libraries, whose own admin pages it takes off
]
MIDDLEWARE = [
    "backoffice.room.roomy",
    "csp.middleware.CSPMiddleware",
    "backoffice.hardening.HeadersMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "backoffice.middleware.RequestLogMiddleware",
    "backoffice.hardening.BodyLimitMiddleware",
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
    "allauth.account.middleware.AccountMiddleware",
    "backoffice.login.middleware.DoorMiddleware",
    "axes.middleware.AxesMiddleware",
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
AUTHENTICATION_BACKENDS = [
    "backoffice.login.locking.LockoutBackend",  # first: who is locked out gets no further
    "backoffice.login.returning.ReturningBackend",
    "guardian.backends.ObjectPermissionBackend",
]
ANONYMOUS_USER_NAME = None  # guardian's: nobody has grants without a login
GUARDIAN_MONKEY_PATCH_USER = GUARDIAN_MONKEY_PATCH_GROUP = False  # grants are read and given by backoffice.grants
LOGIN_URL = "console:login"
LOGIN_REDIRECT_URL = "console:index"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "backoffice.login.passwords.CommonValidator"},
    {"NAME": "backoffice.login.passwords.OwnWordsValidator"},
    {"NAME": "backoffice.login.passwords.BreachedValidator"},
]

# Second factors and sessions: django-allauth, which signs nobody up here and knows no other e-mail address than ours.
ACCOUNT_ADAPTER = "backoffice.login.factors.DoorAdapter"
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_RATE_LIMITS = {"login_failed": "60/m/ip"}  # wrong ones from one address; beside the lock-out of a name
MFA_ADAPTER = "backoffice.login.factors.FactorAdapter"
MFA_ALLOW_UNVERIFIED_EMAIL = True  # administrators give addresses, nobody signs up
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_TOTP_ISSUER = "Back office"
MFA_TOTP_TOLERANCE = 1  # steps of 30 seconds that a clock may be off
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = False
MFA_FORMS = {
    "add_webauthn": "backoffice.login.factors.NewKeyForm",
    "authenticate": "backoffice.login.factors.CodeForm",
    "authenticate_webauthn": "backoffice.login.factors.KeyForm",
    "reauthenticate_webauthn": "backoffice.login.factors.KeyAgainForm",
    "reauthenticate": "backoffice.login.factors.CodeAgainForm",
}
USERSESSIONS_ADAPTER = "backoffice.login.recorded.SessionAdapter"
# Lock-outs: django-axes counts failures by name, in the database.
AXES_FAILURE_LIMIT = LOGIN_FAILURES
AXES_COOLOFF_TIME = timedelta(minutes=LOGIN_LOCKED_MINUTES)
AXES_LOCKOUT_PARAMETERS = ["username"]  # from wherever: many addresses are easily had
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # else whoever goes on trying would keep somebody out for good
AXES_RESET_ON_SUCCESS = True
AXES_USERNAME_CALLABLE = "backoffice.login.locking.counted_name"
AXES_CLIENT_IP_CALLABLE = "backoffice.login.locking.counted_address"
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "code", "credential", "csrfmiddlewaretoken"]
AXES_LOCKOUT_CALLABLE = "backoffice.login.locking.locked_out"
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = AXES_VERBOSE = False
SILENCED_SYSTEM_CHECKS = ["axes.W006"]  # counts by name alone, as said above
# What is counted and used up survives a restart, and all processes see it.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "login_cache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    },
    # Pieces of pages, in the process that draws them, under all that decides what they say: nothing here is ever out of date.
    "pieces": {
        "BACKEND": f"django.core.cache.backends.{'dummy.DummyCache' if DEBUG else 'locmem.LocMemCache'}",
        "LOCATION": "pieces",
        "TIMEOUT": None,
        "OPTIONS": {"MAX_ENTRIES": 1_000},
    },
}
PASSWORD_RESET_TIMEOUT = 3600  # seconds that a link for a new password is good for
PASSWORD_RESET = bool(EMAIL_HOST) or not PRODUCTION  # a link on standard output would let in who reads that

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
        "BACKEND": "backoffice.static_files.WholeSheetsStorage"
        if MODE != "development"
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = MODE == "development"
WHITENOISE_ALLOW_ALL_ORIGINS = False

# What every answer tells the browser: with these, and with the headers of `backoffice.hardening`.
CONTENT_SECURITY_POLICY = {  # django-csp's; Django 6 has its own
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
    }
}
SECURE_HSTS_SECONDS = 31_536_000 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE_SSL_REDIRECT = PRODUCTION
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# `__Host-`: browsers take the cookie over HTTPS only, from this host alone, for all of it.
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = ("__Host-session", "__Host-csrf") if PRODUCTION else ("sessionid", "csrftoken")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_ENGINE = "backoffice.login.returning"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"  # they name customers: not in a cookie

# What a request may bring: one file, which the imports limit further, and the fields of the largest form.
MOST_BODY = 4 * 1024 * 1024  # bytes
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024  # bytes of all fields that are no file
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1_000
DATA_UPLOAD_MAX_NUMBER_FILES = 1

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "filters": {"one_line": {"()": "backoffice.middleware.OneLine"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        "axes": {"level": "ERROR"},  # failures are events
        "backoffice": {"level": LOG_LEVEL},
        "django.request": {"filters": ["one_line"]},
    },
}
