"""Where the embedded server keeps its things, and the URLs that lead to it; nothing here starts anything.

Invariant: everything follows from the path of the data folder, so that each process computes the same.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

PORT = 5432  # only a part of the socket's name: the server does not listen on the network
SUPERUSER = "postgres"
OWNER = "backoffice_owner"
APP = "backoffice_app"
RELAY = "backoffice_relay"
DATABASES = {"": "backoffice", "SANDBOX_": "backoffice_sandbox", "AUDIT_": "backoffice_audit"}
LONGEST_SOCKET = 100  # bytes; Linux takes 107, macOS 103
SHARED_TEMPORARY = Path("/tmp")  # noqa: S108  not gettempdir(): each process must come to the same, whatever its TMPDIR


@dataclass(frozen=True)
class Layout:
    """The files of one data folder."""

    data: Path

    @classmethod
    def of(cls, data: Path) -> "Layout":
        """Return the layout of a data folder that need not exist yet."""
        return cls(data.expanduser().resolve())

    @property
    def home(self) -> Path:
        """Folder of the system user that runs the server; nothing else in `data` belongs to it but the sockets."""
        return self.data / "postgres"

    @property
    def cluster(self) -> Path:
        return self.home / "cluster"

    @property
    def log(self) -> Path:
        return self.home / "server.log"

    @property
    def users_lock(self) -> Path:
        """Held shared by every process that uses the server."""
        return self.data / "postgres.users"

    @property
    def change_lock(self) -> Path:
        """Held exclusively by the process that makes, starts or stops the server."""
        return self.data / "postgres.change"

    @property
    def detached(self) -> Path:
        """Names the server process that nobody but `stop_database` may stop."""
        return self.data / "postgres.detached"

    @property
    def sockets(self) -> Path:
        """Folder of the socket; in the system's own when the path is too long, or a comma would end it in a URL."""
        folder = self.data / "run"
        if len(os.fsencode(folder / f".s.PGSQL.{PORT}")) <= LONGEST_SOCKET and "," not in str(folder):
            return folder
        return SHARED_TEMPORARY / f"backoffice-{hashlib.sha256(os.fsencode(self.data)).hexdigest()[:16]}"

    @property
    def socket(self) -> Path:
        return self.sockets / f".s.PGSQL.{PORT}"

    def url(self, role: str, database: str) -> str:
        """Return the URL of one role and database; with the port, as PGPORT in the environment would change it."""
        return f"postgresql://{role}@/{database}?host={quote(str(self.sockets), safe='')}&port={PORT}"


def urls(data: Path) -> dict[str, str]:
    """Return the value of the nine URL variables for a data folder."""
    layout = Layout.of(data)
    return {
        f"{prefix}DATABASE{suffix}_URL": layout.url(role, database)
        for suffix, role in (("", APP), ("_OWNER", OWNER), ("_RELAY", RELAY))
        for prefix, database in DATABASES.items()
    }


def superuser_url(data: Path, database: str = "postgres") -> str:
    """Return the URL of the server's superuser: for tests and benches, never for the site."""
    return Layout.of(data).url(SUPERUSER, database)
