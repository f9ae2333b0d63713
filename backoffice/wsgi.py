"""The site for a WSGI server; refuses to start where the checks find an error."""

import os

from django.core.checks import ERROR, run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")
application = get_wsgi_application()


def refuse_unsafe_start() -> None:
    """Stop before the first request when a role or a setting is unsafe."""
    from django.conf import settings  # noqa: PLC0415  settings are ready only now
    from django.db import connections  # noqa: PLC0415

    found = run_checks(include_deployment_checks=True, databases=list(settings.DATABASES))
    errors = [message for message in found if message.level >= ERROR]
    connections.close_all()
    if errors:
        raise ImproperlyConfigured(" ".join(str(error.msg) for error in errors))


refuse_unsafe_start()
