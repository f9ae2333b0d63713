"""Notes of the demo's bank, on the accounts with requests that wait: some call somebody, and one is answered."""

from backoffice.models import User
from backoffice.scope import acting
from ledger.choices import ApprovalState
from ledger.models import Account, Approval, Note

NOTES = (  # who writes what, account by account
    (("agent", "Rang twice about the inheritance. @lead, could you look at the request today?"),),
    (
        (
            "agent",
            "The buyer of the flat pays in two parts, the second one in May. @lead, is that one approval or two?",
        ),
        ("lead", "Two: each of them is over the threshold by itself. @agent, please tell the customer."),
    ),
    (("lead", "@reviewer, the other bank has confirmed by phone and not in writing. Is that enough for you?"),),
)


def write_notes(staff: dict[str, User], using: str) -> None:
    """Write them, once, whatever is loaded later."""
    if Note.objects.using(using).exists():
        return
    waiting = Approval.objects.using(using).filter(state=ApprovalState.PENDING, account__isnull=False)
    asked = dict.fromkeys(waiting.order_by("id").values_list("account", flat=True))
    accounts = Account.objects.using(using).in_bulk(asked)
    for account, notes in zip((accounts[pk] for pk in asked), NOTES, strict=False):
        for name, text in notes:
            by = staff[name]
            with acting(actor=by.pk, username=by.username, request_id=f"demo_data {by.username}", using=using):
                Note.write(account=account, text=text, by=by, using=using)
