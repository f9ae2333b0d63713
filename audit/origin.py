"""Where a write came from, as `audit_source()` in SQL marks it in `history_source` and in the event's `source`.

'' is a request of the site, `backoffice/COMMAND` another program of ours that has announced what it does (`backoffice.scope`).
All else is from outside: the role that logged in, and its program.
"""

from django.utils.html import format_html
from django.utils.safestring import SafeString

from backoffice.databases import OURS


def is_outside(source: str) -> bool:
    """Whether somebody wrote past the application."""
    return bool(source) and not source.startswith(OURS)


def badge(source: str) -> SafeString:
    """Return a chip that marks what was written past the application, nothing for anything else."""
    return format_html(' <span class="chip chip-bad">{}</span>', "Outside") if is_outside(source) else SafeString()


def told(source: str, username: str) -> str:
    """Return who that is, for a sentence, or nothing where it is not known: a person, a command, or who is outside."""
    if is_outside(source):
        return f"Outside of the site, {source}" + (f" in the name of {username}" if username else "")
    return username or (f"The command {source.removeprefix(OURS)}" if source else "")
