"""What production does not start with: each fault names the variable and the rule that it breaks.

`backoffice.settings` is the caller. All faults are named at once. Secrets come from the environment or, better, from the
file that VARIABLE_FILE names.
"""

import os
import shlex
import shutil
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from backoffice.databases import RUNTIME_URL_NAMES
from backoffice.login.breached import fault_of
from backoffice.secret import weakness_of

REQUIRED = ("SECRET_KEY", "ALLOWED_HOSTS", "WEBAUTHN_RP_ID", *RUNTIME_URL_NAMES.values())
MOST_AGAIN, LEAST_LOCKED = 60, 5  # minutes
WEBHOOKS = ("AUDIT_WEBHOOK_URL", "AUDIT_SLACK_URL")
VERIFIED = "verify-full"  # libpq's own word: encrypted, by a server that has proved its name
SHORTEST_OF_WEBHOOK = 40  # characters: 32 random bytes as base64 or hex are more
ENCRYPTED = ("require", "verify-ca", VERIFIED)


def refuse_files(secrets: Iterable[str]) -> None:
    """Refuse files of secrets that cannot be used.

    Raises:
        ImproperlyConfigured: a file cannot be read or is empty, or its secret is in the environment too.
    """
    for name in secrets:
        if not (path := os.environ.get(f"{name}_FILE")):
            continue
        if name in os.environ:
            raise ImproperlyConfigured(f"{name} and {name}_FILE are both set: set one of them.")
        try:
            empty = not Path(path).read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "it is not text"
            raise ImproperlyConfigured(f"{name}_FILE names {path}, which cannot be read: {why}.") from None
        if empty:
            raise ImproperlyConfigured(f"{name}_FILE names {path}, which is empty.")


def refuse(said: Mapping[str, Any]) -> None:
    """Refuse what is missing or weak; `said` has the variables by name.

    Raises:
        ImproperlyConfigured: with every fault.
    """
    if missing := [name for name in REQUIRED if not said[name]]:
        sentence = f"Production needs {', '.join(missing)}: set them in the environment."
        raise ImproperlyConfigured(f"{sentence} A secret may be in a file that {missing[0]}_FILE names.")
    if faults := [*_site(said), *_door(said), *_post(said), *_files(said)]:
        raise ImproperlyConfigured(" ".join(faults))


def _site(said: Mapping[str, Any]) -> Iterator[str]:
    """Name what is weak of the site itself."""
    if said["DEBUG"]:
        yield "DEBUG must be off in production: it shows code and settings to anyone."
    if weakness := weakness_of(said["SECRET_KEY"]):
        yield f"SECRET_KEY is too weak for production: {weakness}."
    if any(weakness_of(key) for key in said["SECRET_KEY_FALLBACKS"]):
        yield "SECRET_KEY_FALLBACKS holds a key that is too weak for production: what it signed is still believed."
    if any("*" in host or host.startswith(".") for host in said["ALLOWED_HOSTS"]):
        yield "ALLOWED_HOSTS must name each host in production: a pattern lets in Host headers that nobody chose."
    if any("*" in origin or not origin.startswith("https://") for origin in said["CSRF_TRUSTED_ORIGINS"]):
        yield "CSRF_TRUSTED_ORIGINS must be https:// addresses without * in production: forms from there are believed."


def _door(said: Mapping[str, Any]) -> Iterator[str]:
    """Name what is weak of logging in."""
    if not said["SECOND_FACTOR"]:
        yield "SECOND_FACTOR must be on in production: a password alone would move money."
    if not all(f".{host}".endswith(f".{said['WEBAUTHN_RP_ID']}") for host in said["ALLOWED_HOSTS"]):
        yield "WEBAUTHN_RP_ID must be each of ALLOWED_HOSTS or above it: no key would work there."
    if said["LOGIN_AGAIN_MINUTES"] > MOST_AGAIN:
        yield f"LOGIN_AGAIN_MINUTES must be {MOST_AGAIN} at most in production: twice that is the time to send a form."
    if said["LOGIN_LOCKED_MINUTES"] < LEAST_LOCKED:
        yield f"LOGIN_LOCKED_MINUTES must be {LEAST_LOCKED} or more in production: passwords could be guessed."


def _post(said: Mapping[str, Any]) -> Iterator[str]:
    """Name what is weak of what leaves the house."""
    if said["AUDIT_EMAIL_TO"] and not said["EMAIL_HOST"]:
        yield "AUDIT_EMAIL_TO is set and EMAIL_HOST is not: no e-mail about events would be sent."
    if not said["EMAIL_USE_TLS"] and is_remote(said["EMAIL_HOST"]):
        yield "EMAIL_USE_TLS must be on in production: e-mail to customers would cross the network unencrypted."
    for name in WEBHOOKS:
        if said[name].startswith("http://"):
            yield f"{name} must begin with https:// in production: events would cross the network unencrypted."
    if said["AUDIT_WEBHOOK_URL"] and (weakness := weakness_of(said["AUDIT_WEBHOOK_SECRET"], SHORTEST_OF_WEBHOOK)):
        yield f"AUDIT_WEBHOOK_SECRET, which signs for AUDIT_WEBHOOK_URL, is too weak for production: {weakness}."


def _files(said: Mapping[str, Any]) -> Iterator[str]:
    """Name what the site is to use and cannot: lists that passwords are compared with, and the scanner of uploads."""
    if path := said["PASSWORD_WORDS"]:
        try:
            few = not Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            yield f"PASSWORD_WORDS names {path}, which cannot be read: {getattr(error, 'strerror', None) or 'it is not UTF-8'}."
        else:
            if few:
                yield f"PASSWORD_WORDS names {path}, which is empty."
    if (path := said["BREACHED_PASSWORDS"]) and (fault := fault_of(Path(path))):
        yield f"BREACHED_PASSWORDS names {path}, {fault}."
    if (command := shlex.split(said["UPLOAD_SCAN_COMMAND"])) and not shutil.which(command[0]):
        yield f"UPLOAD_SCAN_COMMAND names {command[0]}, which is no program here."


def refuse_exposed(hosts: Iterable[str]) -> None:
    """Refuse names by which other machines could reach what is no production.

    Raises:
        ImproperlyConfigured: one of them is no loopback address.
    """
    if far := [host for host in hosts if not _is_here(host.strip("[]"))]:
        raise ImproperlyConfigured(
            f"ALLOWED_HOSTS names {', '.join(far)}, by which other machines reach a console that is not in production: "
            "set BACKOFFICE_MODE=production, or EXPOSED=true if that is meant."
        )


def is_remote(hosts: str) -> bool:
    """Whether a host, or one of several by commas, is on another machine: neither a socket nor a loopback address."""
    return any(not _is_here(host) for host in hosts.split(",") if host)


def _is_here(host: str) -> bool:
    if host.startswith(("/", "@")) or host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def with_verified_servers(databases: Mapping[str, dict[str, Any]], names: Mapping[str, str]) -> None:
    """Have databases on other machines prove who they are, where their URLs do not say how far to trust them.

    Raises:
        ImproperlyConfigured: a URL says that the connection need not be encrypted.
    """
    for alias, database in databases.items():
        if not _is_elsewhere(database):
            continue
        mode = database["OPTIONS"].setdefault("sslmode", VERIFIED)
        if mode not in ENCRYPTED:
            choices = f"{', '.join(ENCRYPTED[:-1])} or {VERIFIED}"
            raise ImproperlyConfigured(f"{names[alias]} says sslmode={mode}: production needs {choices}.")


def _is_elsewhere(database: Mapping[str, Any]) -> bool:
    """Whether it is, or may be, on another machine; what a URL does not say, libpq reads from the environment."""
    options = database["OPTIONS"]
    host, address = (
        database["HOST"] or os.environ.get("PGHOST", ""),
        options.get("hostaddr") or os.environ.get("PGHOSTADDR", ""),
    )
    service = options.get("service") or os.environ.get("PGSERVICE")  # a file says where that is
    return bool(service) or is_remote(host) or is_remote(address)
