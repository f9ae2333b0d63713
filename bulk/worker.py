"""What `manage.py bulk_runs` does: some rows of a run a transaction, as the person who confirmed it.

Invariants:
- The run's row is locked first, and skipped where another worker has it: any number of workers share the work, and no row is
  done by two. What was posted and what became of the rows commit together: whoever is killed leaves nothing half done, and
  the next one goes on from there.
- Runs take turns, by `due`: a short one does not wait for the end of a long one.
- The rows are done in the scope of the person who confirmed: the entities of that time that the person still works on, with
  the reason and the request of the confirmation. The permission is asked for anew.
- Runs of the sandbox are done there and nowhere else, by whoever its site says that the person is there.
- What fails is tried again, later and later; after TRIES times in a row the run waits for somebody to look.
"""

import traceback
from datetime import timedelta
from typing import Any

from django.apps import apps
from django.contrib.admin.sites import all_sites
from django.db.models.functions import Now
from django.http import HttpRequest
from django.utils import timezone

from audit.record import record
from backoffice.databases import working_on
from backoffice.grants import HOME, keep_entities
from backoffice.models import User
from backoffice.scope import acting
from backoffice.site import ConsoleSite
from bulk.models import Run, State
from bulk.working import do, settle
from ledger.admin.commands import LedgerCommand

PORTION = 200  # rows a transaction: how much one crash undoes, and how often the page has something new to show
TRIES = 6  # the last one a minute after the first
NAME = "bulk_runs"


def go_on(using: str = HOME) -> tuple[Run, str] | None:
    """Do the next rows of the run whose turn it is; return it with what went wrong, or None where nothing is due."""
    with working_on(using), acting(actor=None, request_id=NAME, using=using):
        due = Run.objects.filter(state=State.RUNNING, due__lte=Now()).order_by("due", "pk")
        run = due.select_for_update(skip_locked=True, no_key=True, of=("self",)).select_related("by").first()
        if run is None:
            return None
        rows, site, person = run.next_rows(PORTION), site_of(using), person_of(run)
        seen = sorted({*run.entities} & {*(run.entities if person.is_superuser else site.reach(person))})
        who = {"actor": run.by_id, "username": run.by.get_username(), "request_id": run.request_id}
        try:
            with acting(**who, reason=run.reason, entities=seen, using=using):  # type: ignore[arg-type]  # keywords of `Who`
                do(run, command_of(run, site, site.stand_in(person), seen), rows)
        except Exception as error:  # noqa: BLE001  whatever it is: the run says it, and other runs go on
            put_off(run, error)
            return run, "".join(traceback.format_exception(error))
        settle(run, rows)
        return run, ""


def site_of(using: str) -> ConsoleSite:
    """Return the site whose pages are on a database."""
    return next(site for site in all_sites if isinstance(site, ConsoleSite) and site.using == using)


def person_of(run: Run) -> User:
    """Return who confirmed it, as they log in. One query."""
    with working_on(HOME), acting(actor=None, request_id=NAME):
        return User.objects.get(pk=run.by_id)


def command_of(run: Run, site: ConsoleSite, person: Any, seen: list[int]) -> LedgerCommand:
    """Return the command as a page of that person would have it."""
    model_admin: Any = site.get_model_admin(apps.get_model("ledger", run.subject))
    [kind] = [one for one in model_admin.commands if one.name == run.command]
    request = HttpRequest()
    request.user = person
    keep_entities(request, seen)
    command: LedgerCommand = kind(model_admin=model_admin)
    command.setup(request)
    return command


def put_off(run: Run, error: Exception) -> None:
    """Try again later; after TRIES times in a row leave it to people."""
    run.tries += 1
    run.due = timezone.now() + timedelta(seconds=2**run.tries)
    run.problem = f"{type(error).__name__}: {error}"[:1000]
    if run.tries >= TRIES:
        run.state = State.FAILED
        record("bulk.failed", obj=run, data={**run.facts, "problem": run.problem})
    run.save(update_fields=["tries", "due", "problem", "state"])
