"""What the command `import_postings` tells the console of itself: how far it has come, batch by batch, and how it ended.

Each note is a transaction of its own behind that of its batch: what it says was posted, is. A run that was killed stays
"running" and stands still (`Import.stands_still`); the same file again goes on with it, as an import of its own. Until it
ends it is seen by whoever gave the command and by those who see every entity, as is any import that names none.
"""

import hashlib
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.utils import timezone

from audit.record import record
from backoffice.models import User
from backoffice.scope import acting
from imports.models import Import, State
from ledger.errors import LedgerError
from ledger.importing.runner import Report
from ledger.importing.source import BadFile

NOTED = ("state", "posted", "already_posted", "refused", "moved", "finished", "problem")
ENDS = (BadFile, LedgerError, KeyboardInterrupt)  # of a run; where the database is away, nothing can be noted either


def opened(path: Path, kind: str, rows: int, *, by: User) -> Import:
    """Return the unsaved import of a file that was surveyed."""
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    facts = {"size": path.stat().st_size, "format": kind, "rows": rows, "by": by}
    return Import(file_name=path.name[:255], sha256=sha256, state=State.RUNNING, reason="By import_postings", **facts)


@contextmanager
def kept(upload: Import, *, using: str) -> Iterator[Callable[[Report], None]]:
    """Keep a run while the block lasts; what this gives notes the report so far."""
    request_id = f"import_postings {uuid.uuid4()}"

    def note(ended: str = "") -> None:
        with acting(actor=upload.by_id, request_id=request_id, reason=upload.why, using=using):
            if upload.pk:
                upload.save(using=using, update_fields=NOTED)
            else:
                upload.save(using=using)
                upload.go_on()
            if ended:
                record(ended, obj=upload, data=facts(upload), using=using)

    def count(report: Report) -> None:
        upload.posted, upload.already_posted = report.accepted, report.already_posted
        upload.refused, upload.moved = len(report.refused), timezone.now()
        note()

    note()
    try:
        yield count
    except ENDS as error:
        upload.state, upload.problem = State.STOPPED, (str(error) or "Somebody stopped it.")[:1000]
        note("import.stopped")
        raise
    upload.state, upload.finished = State.POSTED, timezone.now()
    note("import.posted")


def facts(upload: Import) -> dict[str, str | int]:
    """Return what an event tells of the end of a run."""
    told: dict[str, str | int] = {"file": upload.file_name, "sha256": upload.sha256, "rows": upload.rows}
    told |= {"posted": upload.posted, "already_posted": upload.already_posted, "refused": upload.refused}
    return told | ({"problem": upload.problem} if upload.problem else {})
