"""The site's settings, and the packages that capture is compared with."""

from backoffice.settings import *  # noqa: F403  all of them

INSTALLED_APPS += [  # noqa: F405  the site's
    "auditlog",
    "easyaudit",
    "pgtrigger",
    "pghistory",
    "bench.capture_app.apps.CaptureAppConfig",
]
DJANGO_EASY_AUDIT_WATCH_REQUEST_EVENTS = False
DJANGO_EASY_AUDIT_WATCH_AUTH_EVENTS = False
DJANGO_EASY_AUDIT_REGISTERED_CLASSES = ["bench.EasyAudit"]
