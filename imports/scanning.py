"""A look at each upload by a program of whoever runs the site, such as a virus scanner, before anything of ours reads it.

It gets the file on its standard input, without a shell and with nothing typed in its arguments; what is not plainly fine is
refused, a scanner that does not answer included.
"""

import shlex
import subprocess

from django.conf import settings

from ledger.importing.source import BadFile

SECONDS = 30


class ScannedOut(BadFile):
    """The scanner refused the file, or could not look at it."""


def scan(content: bytes) -> None:
    """Let UPLOAD_SCAN_COMMAND look at a file, where one is set. Raises ScannedOut unless it exits with 0."""
    command = shlex.split(settings.UPLOAD_SCAN_COMMAND)
    if not command:
        return
    try:
        done = subprocess.run(  # noqa: S603  what the setting says, without a shell
            command, input=content, stdout=subprocess.DEVNULL, timeout=SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        why = "took too long" if isinstance(error, subprocess.TimeoutExpired) else "could not be started"
        raise ScannedOut(f"The scanner {why}, so the file was not read. Tell whoever runs the site.") from error
    if done.returncode:
        raise ScannedOut(
            f"The scanner refused the file (exit status {done.returncode}), so nothing of it was read or kept. "
            "Tell whoever runs the site where it comes from."
        )
