"""Looking up what was typed, through indexes and within bounds: CANDIDATES rows at most, which the list then sorts.

What an index serves leads: an id, the words of a name, a status that is rare, an entity. What none serves (a balance, an amount,
who did it) is asked of what that leaves: of the newest EXAMINED accounts; of as many actions, the newest of each account; and
where nothing leads, of WINDOW actions as they were recorded, the latest or from the dates that were typed. `notes` says
where that was not everything. The querysets are the reader's, and row-level security holds for every statement.
"""

from datetime import datetime
from functools import cached_property
from typing import Any

from django.db import connections
from django.db.models import F, Q, QuerySet

from backoffice import people
from backoffice.models.voiding import AnyOf
from backoffice.said import told
from ledger.admin.finding.naming import done_by, of_entity
from ledger.admin.finding.operators import ACCOUNT, ACTION, OperatorError, Term
from ledger.admin.finding.reading import Typed, read
from ledger.models import Action, Hold
from ledger.reference import mistyped, nearest
from ledger.shape import LONGEST

CANDIDATES = 1_000
EXAMINED = 20_000
WINDOW = 50_000
MORE = "More match than the {:,} that are shown: add a word, a date or an operator."
PEOPLE = "More than {:,} people are meant by these words, and no more were looked at: add a word, or look for an e-mail address."
UNSEEN = "That is not everything that the search means, so it is not done with all of it. {} The filters beside the list have no such end."
OF_BOTH = {"entity", "currency"}  # what an action says of its account itself


class Search:
    """One search by one reader, who may see these accounts, actions and entities. Nothing is looked up twice.

    `terms` are what the operators ask for, `problems` what of it was not understood; nothing is found then.
    """

    def __init__(
        self, typed: Typed, accounts: QuerySet[Any], actions: QuerySet[Any], entities: QuerySet[Any], reader: Any
    ) -> None:
        self.typed, self.entities, self.reader = typed, entities, reader
        self.accounts, self.actions = accounts.order_by(), actions.order_by()
        self.problems, self.notes = [*typed.problems], list[str]()
        self.terms = [*typed.terms]
        for operator, value in typed.looked_up:
            try:
                self.terms.append(
                    of_entity(entities, value) if operator.name == "entity" else done_by(accounts.db, reader, value)
                )
            except OperatorError as error:
                self.problems.append(str(error))

    def settled(self) -> "Search":
        """Return this search; where it finds nothing and one of its words is a number, the one that takes it for an amount."""
        if self.problems or not self.typed.has_number or (self.action_ids if self.about_actions else self.account_ids):
            return self
        typed = read(self.typed.text, numbers=True)
        other = Search(typed, self.accounts, self.actions, self.entities, self.reader)
        return other if other.action_ids else self

    @property
    def about_actions(self) -> bool:
        """Whether anything that was typed is about what happened, rather than about accounts alone."""
        return any(term.about == ACTION for term in self.terms)

    @cached_property
    def account_ids(self) -> list[int]:
        """The accounts that are meant."""
        if self.problems or not self.about_actions:
            return self._cut([] if self.problems else list(self._accounts))
        meant = Action.objects.using(self.actions.db).filter(AnyOf(F("pk"), self.action_ids))
        return sorted(set(meant.order_by().values_list("account", flat=True)))

    @cached_property
    def action_ids(self) -> list[int]:
        """The actions that are meant."""
        typed = self.typed
        if self.problems or not (typed.text and (typed.words or typed.reference or typed.uid or self.terms)):
            return []
        if self.named_ids or typed.reference:
            return self.named_ids
        if typed.uid or typed.words or (self._rare and len(self._accounts) <= CANDIDATES):
            return self._newest()
        return self._recorded()

    @cached_property
    def named_ids(self) -> list[int]:
        """The actions that were named themselves: by reference, public id, or what a bank or an invoice calls them."""
        typed, rows = self.typed, self.actions
        if typed.reference or typed.uid:
            return self._meant(
                rows.filter(reference=typed.reference) if typed.reference else rows.filter(uid=typed.uid)
            )
        return self._meant(self._external()) if typed.words and not self.problems else []

    @cached_property
    def people_ids(self) -> list[int]:
        """The accounts whose customers the words mean, one more than shown."""
        return list(self.accounts.filter(self._of_people).values_list("pk", flat=True)[: CANDIDATES + 1])

    @property
    def unseen(self) -> str:
        """Return why nothing can be done with all that is meant: some of it was not looked at. Nothing, where all was."""
        return UNSEEN.format(" ".join(self.notes)) if self.notes else ""

    @property
    def advice(self) -> str:
        """Return what to say when nothing was found."""
        typed = self.typed
        if self.problems:
            return " ".join(self.problems)
        if mistyped(typed.text) and not typed.terms:
            return "That looks like a mistyped reference: its check digit does not fit. Ask for it again."
        if typed.reference:
            return "The reference is well formed, but nothing that you can see has it."
        if self.notes or not typed.words:
            return " ".join([*self.notes, "Nothing there is as you asked."])
        if "@" in typed.words:
            return "Addresses are found by how they begin. Check the spelling, or look for the name."
        return "Names are found by how they begin. Try fewer letters, or the e-mail address."

    def hold_ids(self, holds: QuerySet[Hold]) -> list[int]:
        """Return which of the holds are meant: by what placed or ended them, or by their account."""
        holds = holds.order_by()
        if self.typed.reference or self.about_actions:
            ids = self.action_ids
            return self._cut(
                list(holds.filter(AnyOf(F("pk"), ids)).values_list("pk", flat=True))
                + list(holds.filter(AnyOf(F("resolved"), ids)).values_list("pk", flat=True))
            )
        if self.typed.uid and (found := list(holds.filter(uid=self.typed.uid).values_list("pk", flat=True))):
            return found
        of_accounts = holds.filter(AnyOf(F("account"), self.account_ids)).order_by((F("pk") + 0).desc())
        return self._cut(list(of_accounts.values_list("pk", flat=True)[: CANDIDATES + 1]))

    def nearest(self) -> QuerySet[Any]:
        """Return the actions whose references differ from what was typed by one slip."""
        return self.actions.filter(AnyOf(F("reference"), nearest(self.typed.text)))

    @cached_property
    def _accounts(self) -> dict[int, int]:
        """The accounts that words, ids and what is asked of accounts mean, one more than shown; each with its version."""
        typed, rows = self.typed, self.accounts
        if typed.reference:
            rows = rows.filter(pk__in=self.actions.filter(reference=typed.reference).values("account"))
        elif typed.uid:
            of_action = list(self.actions.filter(uid=typed.uid).values_list("account", flat=True))
            rows = rows.filter(Q(uid=typed.uid) | Q(pk__in=of_action))
        elif typed.words:
            external = list(self._external().values_list("account", flat=True)[: CANDIDATES + 1])
            self._cut(external)  # which says so where there are more
            rows = rows.filter(self._of_people | Q(AnyOf(F("pk"), external)) if external else self._of_people)
        elif self.terms:
            rows = self._examined().order_by("-pk")
        else:
            return {}
        return dict(rows.filter(self._where(ACCOUNT)).values_list("pk", "version")[: CANDIDATES + 1])

    @cached_property
    def _of_people(self) -> Q:
        """The condition on accounts that their customers are those whom the words mean."""
        found = people.matching(self.typed.words, using=self.accounts.db)
        if len(found) >= people.CANDIDATES:  # others of them may be among what filters and operators leave
            self.notes.append(PEOPLE.format(people.CANDIDATES - 1))
        return Q(AnyOf(F("user"), found))

    @property
    def _rare(self) -> Term | None:
        """The term that an index of accounts serves by itself."""
        return next((term for term in self.terms if term.indexed), None)

    def _examined(self) -> QuerySet[Any]:
        """Return the accounts of the entity or the rare status; where more is asked of them, the newest EXAMINED."""
        leading = [term for term in self.terms if term.indexed or term.name == "entity"]
        rows = self.accounts.filter(*(term.where("") for term in leading))
        if any(term.about == ACCOUNT and term not in leading for term in self.terms):
            [*floor] = rows.order_by("-pk").values_list("pk", flat=True)[EXAMINED : EXAMINED + 1]
            if floor:
                rows = rows.filter(pk__gt=floor[0])
                self.notes.append(
                    f"Looked through the newest {EXAMINED:,} of these accounts: add a word, an entity or a status."
                )
        return rows

    def _external(self) -> QuerySet[Any]:
        """Return the actions that a bank or an invoice calls so; an empty reference is on millions, and in no index."""
        can_be = 0 < len(self.typed.words) <= LONGEST["reference"]
        return self.actions.filter(external_reference=self.typed.words) if can_be else self.actions.none()

    def _newest(self) -> list[int]:
        """Return what is meant of the newest actions of the accounts that are, as many of each."""
        each = EXAMINED // max(1, min(len(self._accounts), CANDIDATES))
        ids = self._cut(list(self._accounts))
        if any(version > each for version in self._accounts.values()):
            self.notes.append(
                f"Looked through the newest {each:,} actions of each account: its statement has all of them."
            )
        rows = self.actions.filter(AnyOf(F("account"), ids), version__gt=F("account__version") - each)
        return self._meant(rows, (F("pk") + 0).desc())  # the sum keeps the planner from walking all actions instead

    def _recorded(self) -> list[int]:
        """Return what is meant of the actions recorded from the dates on that were typed, else of the latest."""
        since = max((term.since for term in self.terms if term.since), default=None)
        until = min((term.until for term in self.terms if term.until), default=None)
        with connections[self.actions.db].cursor() as cursor:
            cursor.execute("SELECT * FROM ledger_recorded_between(%s, %s, %s)", [since, until, WINDOW])
            first, last, after, before = cursor.fetchone()
        if after or before:
            self.notes.append(
                f"Looked through {_between(after, before)}: with a name, a number or other dates, elsewhere."
            )
        return self._meant(self.actions.filter(pk__gte=first, pk__lte=last))

    def _meant(self, rows: QuerySet[Any], order: Any = "-pk") -> list[int]:
        rows = rows.filter(self._where(ACTION)).order_by(order)
        return self._cut(list(rows.values_list("pk", flat=True)[: CANDIDATES + 1]))

    def _where(self, about: str) -> Q:
        """Return the condition on accounts, or on actions and their accounts."""
        condition = Q()
        for term in self.terms:
            if about == ACCOUNT and term.about == ACCOUNT:
                condition &= term.where("")
            elif about == ACTION:
                condition &= term.where("" if term.about == ACTION or term.name in OF_BOTH else "account__")
        return condition

    def _cut(self, ids: list[int]) -> list[int]:
        if len(ids) > CANDIDATES and (more := MORE.format(CANDIDATES)) not in self.notes:
            self.notes.append(more)
        return ids[:CANDIDATES]


def _between(after: datetime | None, before: datetime | None) -> str:
    since, until = (f" since {told(after)}" if after else ""), (f" until {told(before)}" if before else "")
    return f"what was recorded{since}{until}"
