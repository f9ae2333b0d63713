#!/usr/bin/env python
"""The project's commands; where no DATABASE_URL is set, the embedded database runs as long as the command does."""

import os
import sys

# Commands that never ask the database, or that start and stop it themselves.
WITHOUT_DATABASE = {
    "check",
    "collectstatic",
    "compilemessages",
    "demo",
    "diffsettings",
    "findstatic",
    "help",
    "makemessages",
    "show_urls",
    "start_database",
    "startapp",
    "startproject",
    "stop_database",
    "version",
}
ASKS_NOTHING = {"-h", "--help", "--version"}


def needs_database(arguments: list[str]) -> bool:
    """Return whether a command line is one that asks the database."""
    if not arguments or ASKS_NOTHING & set(arguments):
        return False
    return arguments[0] not in WITHOUT_DATABASE or any(word.startswith("--database") for word in arguments)


def uses_embedded() -> bool:
    """Return whether the settings name no database; this is where they are read first."""
    from django.conf import settings  # noqa: PLC0415  only now is DJANGO_SETTINGS_MODULE set

    from backoffice.embedded import EmbeddedError  # noqa: PLC0415

    try:
        return bool(settings.USES_EMBEDDED)
    except OSError as error:
        sentence = f"Cannot write to {error.filename} ({error.strerror}): set BACKOFFICE_DATA to a folder that you may write to."
        raise EmbeddedError(sentence) from None


def main() -> None:
    """Run one management command."""
    if sys.argv[1:2] == ["demo"]:
        os.environ.setdefault("BACKOFFICE_MODE", "demo")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")
    from django.conf import settings  # noqa: PLC0415  these need the line above
    from django.core.exceptions import ImproperlyConfigured  # noqa: PLC0415
    from django.core.management import execute_from_command_line  # noqa: PLC0415

    from backoffice.embedded import EmbeddedError, hold_until_exit  # noqa: PLC0415

    try:
        if uses_embedded() and needs_database(sys.argv[1:]):
            hold_until_exit(settings.BACKOFFICE_DATA)
        execute_from_command_line(sys.argv)
    except (EmbeddedError, ImproperlyConfigured) as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
