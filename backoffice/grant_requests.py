"""Maker and checker for rights: asking that one be given or taken, or an entity moved, and deciding on it.

The same request waits once, whoever asks. Deciding locks the request, then the person, the group and the right. Callers: the console's pages.
Commands, migrations and the demo give rights by `backoffice.grants`, without asking.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import TypedDict, Unpack

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from audit.record import record
from backoffice.models import Entity, GrantRequest, User
from backoffice.models.grant_request import GrantState
from backoffice.models.user import MAY_BE_ONE, SYSTEM
from backoffice.rights import GrantRefused, StaleGrant, carry_out, check, is_own, would
from backoffice.scope import acting

RIGHT = ("entity", "group", "person")
TOLD = (*RIGHT, "parent")
AT_ONCE = 1_000  # requests that expire in one transaction


class Right(TypedDict, total=False):
    """What is asked for: two of the three, or an entity alone, which is to stand below `parent`, or at the top."""

    entity: Entity | None
    group: Group | None
    person: User | None
    parent: Entity | None


def drawn_up(*, by: User, give: bool, **right: Unpack[Right]) -> GrantRequest:
    """Return an unsaved request, to look at what it would do: `rights.would`."""
    return GrantRequest(give=give, maker=by, **right)


def ask(*, by: User, give: bool, reason: str, **right: Unpack[Right]) -> GrantRequest:
    """Ask that a right be given or taken: two of `entity`, `group` and `person`; or that an entity be moved. Locks nothing.

    Raises:
        GrantRefused: it cannot be done, nobody says why, or the same waits already.
    """
    asked = drawn_up(by=by, give=give, **right)
    if not reason.strip():
        raise GrantRefused("Give a reason: whoever decides has to know why.", code="reason_required")
    check(asked)
    asked.reason, asked.shown = reason, would(asked).as_json
    asked.expires = timezone.now() + timedelta(days=settings.APPROVAL_DAYS)
    same = GrantRequest.objects.filter(give=give, **{f"{name}_id": getattr(asked, f"{name}_id") for name in RIGHT})
    _expire(same)
    try:
        with transaction.atomic():
            asked.save(force_insert=True)
    except IntegrityError:
        waiting = same.filter(state=GrantState.PENDING).select_related("maker").first()
        if waiting is None:
            raise
        what = f"to {waiting.deed[0].lower()}{waiting.deed[1:]}" if waiting.moves else "for this"
        text = f"{waiting.maker} has asked {what} already, and it waits."
        raise GrantRefused(text, code="duplicate_request") from None
    _tell("requested", asked, reason)
    return asked


def approve(*, pk: int, by: User, comment: str, saw: str | None = None) -> GrantRequest:
    """Approve a request and carry it out. `saw` is the digest of what the checker looked at. Locks the request.

    Raises:
        StaleGrant: not what was looked at would happen.
        GrantRefused: it cannot be done any more, was decided or has expired, or is the checker's own.
    """

    def act(asked: GrantRequest) -> None:
        _check_another(asked, by)
        _lock_both(asked)
        now = would(asked)
        if saw is not None and saw != now.digest:
            raise StaleGrant("What would happen now is not what you were shown: look again.")
        check(asked)
        with connection.cursor() as cursor:  # the approval comes first, also where constraints are checked at once
            cursor.execute("SET CONSTRAINTS backoffice_grantrequest_carried_out DEFERRED")
        _end(asked, GrantState.APPROVED, comment, by)
        carry_out(asked)

    return _decide(pk, act)


def reject(*, pk: int, by: User, comment: str) -> GrantRequest:
    """Turn a request down. Locks it. Raises GrantRefused as in `approve`."""

    def act(asked: GrantRequest) -> None:
        _check_another(asked, by)
        _end(asked, GrantState.REJECTED, comment, by)

    return _decide(pk, act)


def cancel(*, pk: int, by: User, comment: str) -> GrantRequest:
    """Take a request of one's own back. Locks it. Raises GrantRefused where somebody else asked, or it is decided."""

    def act(asked: GrantRequest) -> None:
        if by.pk != asked.maker_id:
            raise GrantRefused("Only who asked can take the request back; reject it instead.", code="not_the_maker")
        _end(asked, GrantState.CANCELLED, comment, by)

    return _decide(pk, act)


def expire_due() -> int:
    """Mark up to 1,000 requests that nobody decided in time, as the system; return how many."""
    with acting(actor=SYSTEM, username="system", request_id=f"expire_due {timezone.now().isoformat()}"):
        return _expire(GrantRequest.objects.all())


def _expire(requests: QuerySet[GrantRequest]) -> int:
    with transaction.atomic():
        due = requests.filter(state=GrantState.PENDING, expires__lte=timezone.now()).order_by("id")
        late = list(due.select_for_update(skip_locked=True)[:AT_ONCE])
        for asked in late:
            _end(asked, GrantState.EXPIRED, "", None)
    return len(late)


def _check_another(asked: GrantRequest, by: User) -> None:
    """Refuse to let the maker, or whose rights it is about, decide; no role is exempt, and the database says so too."""
    if by.pk == asked.maker_id:
        raise GrantRefused("You asked for this yourself, so somebody else has to decide.", code="same_approver")
    if is_own(asked, by):
        raise GrantRefused("This is about your own rights, so somebody else has to decide.", code="one_s_own")
    if by.may_be(asked.maker):
        raise GrantRefused(MAY_BE_ONE, code="same_hands")


def _lock_both(asked: GrantRequest) -> None:
    """Have two approvals for one person come one after the other, and by the person and group as they are then.

    What is given goes by what is held, which whoever changes a person or a group, a row that is locked then, may just change.
    """
    if asked.person_id:
        asked.person = User._base_manager.select_for_update(no_key=True).get(pk=asked.person_id)
    if asked.group_id:
        asked.group = Group.objects.select_for_update(no_key=True).get(pk=asked.group_id)


def _decide(pk: int, act: Callable[[GrantRequest], None]) -> GrantRequest:
    """Lock a pending request and have `act` decide it; one that has expired is marked so first."""
    with transaction.atomic():
        found = GrantRequest.objects.select_for_update(of=("self",)).select_related(*TOLD, "maker")
        asked = found.filter(pk=pk).first()
        if asked is None:
            raise GrantRefused(f"There is no request {pk}.", code="unknown_request")
        if asked.state == GrantState.PENDING and asked.expires > timezone.now():
            act(asked)
            return asked
        if asked.state == GrantState.PENDING:
            _end(asked, GrantState.EXPIRED, "", None)
    raise GrantRefused(f"The request is {asked.get_state_display().lower()} already.", code="decided")


def _end(asked: GrantRequest, state: GrantState, comment: str, by: User | None) -> None:
    """Write down what became of a request, and tell of it; when, the database adds."""
    asked.state, asked.comment, asked.checker = state, comment, by
    asked.save(update_fields=["state", "comment", "checker"])
    asked.refresh_from_db(fields=["decided"])
    _tell(state, asked, comment)


def _tell(what: str, asked: GrantRequest, reason: str) -> None:
    """Record an event about a request."""
    data = {"give": asked.give, "maker": asked.maker_id}
    about = {name: getattr(asked, f"{name}_id") for name in TOLD}
    record(f"grant.{what}", obj=asked, data=data | {name: pk for name, pk in about.items() if pk}, reason=reason)
