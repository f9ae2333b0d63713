"""Actions in the console: the whole record, read-only, and the ways to take an action back."""

from decimal import Decimal
from typing import Any, cast

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join

from audit.names import person
from backoffice.admin import ReadOnlyAdmin
from backoffice.filters import EntityFilter
from backoffice.said import Figure, chip, told
from ledger import statement
from ledger.admin import telling
from ledger.admin.commanded import CommandedAdmin
from ledger.admin.commands import ACTION_COMMANDS
from ledger.admin.filters import AccountFilter, ByFilter, CurrencyFilter, NewestActions, RecordedFilter
from ledger.admin.finding.searching import Search
from ledger.choices import ActionType, Status
from ledger.models import Action, Approval
from ledger.money import written
from ledger.rules import ALLOWED, REVERSIBLE


@admin.register(Action)
class ActionAdmin(ReadOnlyAdmin, CommandedAdmin):
    """Everything that ever happened, newest first."""

    list_display = (
        "reference",
        telling.created,
        "customer",
        "what",
        "delta_written",
        "balance_written",
        "by",
        "comment",
    )
    list_filter = ("type", CurrencyFilter, RecordedFilter, AccountFilter, EntityFilter, ByFilter, NewestActions)
    order_told = (
        "In the order in which they were recorded. When is the time that each happened at, with the day of recording where "
        "that is another."
    )
    more_columns = ("recorded", "held_written", "reference_type", "external_reference", "uid")
    search_fields = ("reference",)  # shows the box; get_search_results does not use it
    entity_path = "entity"
    list_select_related = ("account__user", "account__entity", "by")
    list_related = ("account__user", "by")
    list_prefetch_related = statement.RELATED
    ordering = ("-id",)
    export_fields = (
        "reference", "uid", "created", "recorded", "account__uid", "account__user", "account__entity", "type", "currency",
        "delta", "balance", "held_delta", "held", "transfer", "reverses__reference", "hold__uid", "reference_type", "external_reference", "comment", "by",
    )  # fmt: skip
    readonly_fields = (
        "account_link", "what", "delta_written", "balance_written", "held_written", "other_side", "reversed_by",
        "refunded_by", "placed", "requested_by", "approved_by", "by_whom", "uid", "reference", "recorded",
    )  # fmt: skip
    change_form_template = "console/action.html"
    commands = ACTION_COMMANDS

    def get_fields(self, request: HttpRequest, obj: Action | None = None) -> tuple[Any, ...]:
        """Show what the action speaks of, and nothing that it does not."""
        told: list[Any] = ["account_link", ("what", "status"), ("delta_written", "balance_written")]
        if obj and (obj.held or obj.held_delta):
            told.append(("held_written",))
        told += ["other_side"] if obj and obj.transfer else []
        told += ["placed"] if obj and obj.type == ActionType.HELD else []
        told += [self.returned_by(obj)] if obj and self.returns(obj) else []
        return (
            *told,
            ("created", "recorded", "version"),
            ("reference_type", "external_reference"),
            "comment",
            ("requested_by", "approved_by") if obj and obj.approval else "by_whom",
            "uid",
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the action with the commands that can take it back."""
        action = self.get_object(request, object_id)
        extra: dict[str, Any] = {}
        if action:
            extra = {"title": f"{action.get_type_display()} {action}", "subtitle": None, "chip": self.chip(action)}
            extra["commands"] = self.possible(request, action)
        return super().change_view(request, object_id, form_url, {**extra, **(extra_context or {})})

    def possible(self, request: HttpRequest, action: Any) -> list[Any]:
        """Return the commands that can be offered: nothing goes back twice, or from an account out of reach."""
        gone = self.gone(action)
        if action.type not in REVERSIBLE or gone == abs(action.delta) or (action.transfer and not action.counterparty):
            return []
        allowed = ALLOWED[Status(action.account.status)] - ({ActionType.REVERSED} if gone else set())
        return [command for command in self.permitted(request) if command.posting_type in allowed]

    @staticmethod
    def returns(action: Any) -> list[Action]:
        """Return what took the action back so far. One query for a page, none for what cannot be taken back."""
        if action.type not in REVERSIBLE:
            return []
        if not hasattr(action, "taken_back"):
            action.taken_back = list(action.returns.order_by("pk"))
        found: list[Action] = action.taken_back
        return found

    def get_list_display(self, request: HttpRequest) -> Any:
        """Lead from the customer to the account."""
        return telling.leading_to_accounts(request, self.admin_site, super().get_list_display(request))

    @classmethod
    def gone(cls, action: Any) -> Decimal:
        """Return how much of the action went back so far."""
        return abs(sum((back.delta for back in cls.returns(action)), Decimal(0)))

    @classmethod
    def returned_by(cls, action: Any) -> str:
        """Return which field tells what took the action back: a reversal takes all of it, refunds a part each."""
        return "reversed_by" if cls.returns(action)[0].type == ActionType.REVERSED else "refunded_by"

    @classmethod
    def chip(cls, action: Any) -> str:
        """Return as a chip that the action was taken back, or a part of it; else nothing."""
        if not (gone := cls.gone(action)):
            return ""
        word = "Reversed" if cls.returned_by(action) == "reversed_by" else "Refunded"
        return chip("pending", word if gone == abs(action.delta) else f"{word} in part")

    def found(self, search: Search, rows: QuerySet[Any]) -> list[int]:
        """Find actions by themselves or by their account."""
        return search.action_ids

    @admin.display(description="Customer")
    def customer(self, action: Action) -> str:
        """Show whose account it was."""
        return str(action.account.user)

    @admin.display(description="Type", ordering="type")
    def what(self, action: Any) -> str:
        """Show what happened, with links to what it speaks of."""
        return telling.what(action)

    @admin.display(description="Account")
    def account_link(self, action: Action) -> str:
        """Lead to the account."""
        return telling.link(action.account, str(action.account))

    @admin.display(description="Other side")
    def other_side(self, action: Any) -> str:
        """Lead to the other leg of a transfer, where the reader may see its account."""
        if not action.counterparty:
            return telling.UNSEEN
        [leg] = action.counterparts()
        return telling.link(leg, leg.reference)

    @admin.display(description="Reversed by")
    def reversed_by(self, action: Any) -> str:
        """Lead to what took the action back."""
        return self.refunded_by(action)

    @admin.display(description="Refunded by")
    def refunded_by(self, action: Any) -> str:
        """Lead to what gave parts of the action back, with how much."""
        rows = ((telling.link(back, back.reference), _written(abs(back.delta), back)) for back in self.returns(action))
        return format_html_join(", ", "{} {}", rows)

    @admin.display(description="Hold")
    def placed(self, action: Action) -> str:
        """Lead to the hold that it placed."""
        hold = action.placed_hold
        return format_html("{} {}", telling.link(hold, action.reference), telling.state_chip(hold))

    @admin.display(description="By")
    def by_whom(self, action: Action) -> str:
        """Show who did it; not every reader may look at people."""
        return person(action.by)

    @admin.display(description="Requested by")
    def requested_by(self, action: Action) -> str:
        """Lead to who asked for it, and to the request."""
        return format_html("{} · {}", telling.person(action.by), telling.request(action.approval))

    @admin.display(description="Approved by")
    def approved_by(self, action: Action) -> str:
        """Lead to who approved it, and say when."""
        approval = cast("Approval", action.approval)
        decided = told(approval.decided) if approval.decided else ""
        return format_html("{}, {}", telling.person(approval.checker), decided)

    @admin.display(description="Amount")
    def delta_written(self, action: Action) -> str:
        """Show what was added or taken, or held."""
        return telling.amount(action)

    @admin.display(description="Balance after")
    def balance_written(self, action: Action) -> Any:
        """Show the running balance."""
        return Figure(_written(action.balance, action))

    @admin.display(description="Held after")
    def held_written(self, action: Action) -> Any:
        """Show what was held afterwards."""
        return Figure(_written(action.held, action))


def _written(amount: Any, action: Action) -> str:
    return written(amount, action.currency)
