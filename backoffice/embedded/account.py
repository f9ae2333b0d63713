"""Which system user runs PostgreSQL, and what that user must be able to reach.

PostgreSQL refuses to run as root. Root therefore hands over the server's own folders to an unprivileged user and
lets that user walk through (not read) the folders above them; everybody else runs the server as themselves.
"""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backoffice.embedded.errors import EmbeddedError
from backoffice.embedded.layout import Layout

CANDIDATES = ("postgres", "nobody")  # for root, the first that exists
PRIVATE = 0o700


@dataclass(frozen=True)
class Account:
    """The system user of the server."""

    uid: int
    gid: int

    @property
    def differs(self) -> bool:
        """Whether it is another user than the one of this process, which is root then."""
        return self.uid != os.geteuid()

    def subprocess_options(self) -> dict[str, Any]:
        """Return what makes `subprocess` run a program as this user."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.differs else {}

    def own(self, folder: Path) -> None:
        """Make a folder that only this user (and root) can enter.

        Raises:
            EmbeddedError: it exists and is someone else's, or no folder.

        """
        folder.mkdir(mode=PRIVATE, exist_ok=True)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {self.uid, os.geteuid()}:
            raise EmbeddedError(
                f"{folder} belongs to another user: remove it, or set BACKOFFICE_DATA to another folder."
            )
        folder.chmod(PRIVATE)
        if found.st_uid != self.uid:
            os.chown(folder, self.uid, self.gid, follow_symlinks=False)

    def let_through(self, path: Path) -> None:
        """Let this user walk through the folders above `path`; adds the others' x bit where it lacks, nothing else."""
        for folder in path.resolve().parents if self.differs else ():
            found = folder.stat()
            if found.st_uid != self.uid and not found.st_mode & stat.S_IXOTH:
                folder.chmod(stat.S_IMODE(found.st_mode) | stat.S_IXOTH)

    def let_read(self, tree: Path) -> None:
        """Let this user read a tree of programs, which a strict umask may have closed to all but root."""
        if not self.differs or tree.stat().st_mode & stat.S_IROTH:
            return
        for path in (*tree.rglob("*"), tree):  # the tree last: it marks that all is done
            if not path.is_symlink():
                mode = path.stat().st_mode
                path.chmod(stat.S_IMODE(mode) | (mode & (stat.S_IRUSR | stat.S_IXUSR)) >> 6)


def server_account(layout: Layout) -> Account:
    """Return the user that runs the server of this data folder: whoever has run it before, else as the module says.

    Raises:
        EmbeddedError: the server belongs to another user, or root finds none to give it to.

    """
    owner = layout.home.stat() if layout.home.exists() else None
    if os.geteuid() != 0:
        if owner and owner.st_uid != os.geteuid():
            raise EmbeddedError(
                f"{layout.home} belongs to another user: run this as that user or as root, "
                "or set BACKOFFICE_DATA to another folder."
            )
        return Account(os.geteuid(), os.getegid())
    if owner and owner.st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    for name in CANDIDATES:
        if name in known:
            return Account(known[name].pw_uid, known[name].pw_gid)
    raise EmbeddedError(f"PostgreSQL does not run as root: create a system user called {CANDIDATES[0]}.")
