"""What happens to an account in a month and in between: sums in euros, the market's worth makes them local."""

from typing import NamedTuple

from ledger.choices import ActionType, ReferenceType


class Kind(NamedTuple):
    """A kind of movement: how often, how much, how it is called and who posts it.

    `reference` is a pattern, `#` a digit and `{year}` the year. `hours` are those of the day it happens in.
    """

    type: ActionType
    weight: int
    least: float
    most: float
    reference_type: ReferenceType
    reference: str
    comments: tuple[str, ...]
    hours: tuple[int, int]
    at_desk: bool = False  # posted by an agent in whole banknotes, not by the nightly import


class Monthly(NamedTuple):
    """A kind that comes every month on about the same day."""

    day: int
    kind: Kind


IN, OUT = ActionType.DEPOSITED, ActionType.WITHDRAWN
TRANSFER, CARD, CASH = ReferenceType.BANK_TRANSFER, ReferenceType.CARD, ReferenceType.CASH
NIGHT, DAY, DESK = (1, 5), (7, 22), (8, 16)

OPENING = Kind(IN, 1, 100, 1_500, CASH, "D#-######", ("First deposit", "First deposit at the desk"), DESK, at_desk=True)
SALARY = Kind(IN, 1, 1_400, 4_200, TRANSFER, "SAL{year}-######", ("Salary", "Wages", "Pension"), NIGHT)
MONTHLY = (
    Monthly(12, SALARY),
    Monthly(3, Kind(OUT, 1, 450, 1_300, TRANSFER, "RENT-####", ("Rent", "Mortgage instalment"), NIGHT)),
    Monthly(15, Kind(OUT, 1, 40, 180, TRANSFER, "##########", ("Electricity", "Gas and water", "Insurance"), NIGHT)),
    Monthly(20, Kind(OUT, 1, 9, 45, CARD, "*#### ######", ("Mobile phone", "Internet", "Streaming"), DAY)),
)
INCIDENTAL = (
    Kind(OUT, 42, 3, 120, CARD, "*#### ######", ("Supermarket", "Petrol station", "Restaurant", "Pharmacy", "Bookshop"), DAY),
    Kind(OUT, 6, 120, 900, CARD, "*#### ######", ("Electronics shop", "Furniture shop", "Airline tickets", "Hotel"), DAY),
    Kind(OUT, 9, 40, 400, CASH, "D#-######", ("Cash withdrawal", "Cash for travelling"), DESK, at_desk=True),
    Kind(IN, 7, 40, 900, CASH, "D#-######", ("Cash deposit", "Takings of the week", "Coins and notes"), DESK, at_desk=True),
    Kind(IN, 14, 20, 800, TRANSFER, "##########", ("Incoming transfer", "From a friend", "Refund of expenses"), DAY),
    Kind(OUT, 12, 20, 700, TRANSFER, "##########", ("Outgoing transfer", "To savings elsewhere", "School fees"), DAY),
    Kind(IN, 2, 100, 3_000, ReferenceType.CHEQUE, "######", ("Cheque paid in",), DESK, at_desk=True),
    Kind(OUT, 4, 50, 1_500, ReferenceType.INVOICE, "INV-{year}-#####", ("Tradesman's invoice", "Tax advice", "Dentist"), DAY),
    Kind(IN, 2, 15, 300, ReferenceType.INVOICE, "CRN-{year}-#####", ("Credit note", "Warranty refund"), DAY),
)  # fmt: skip
FORTUNE = Kind(
    IN, 1, 700_000, 980_000, TRANSFER, "##########", ("Sale of shares", "Sale of real estate", "Dividend"), DAY
)
FREEZING = (
    "Customer reports a stolen phone.",
    "Identity document has expired.",
    "Unusual card payments abroad; customer not reached.",
    "Court order, enforcement proceedings.",
    "Source of funds is being reviewed.",
)
UNFREEZING = ("New identity document seen.", "Customer confirmed the payments.", "Review done, nothing found.")
CLOSING = (
    "Customer moves abroad.",
    "Customer closes at own request.",
    "Estate is settled.",
    "Account is no longer needed.",
)
SPENDING = Kind(
    OUT, 1, 500, 5_000, TRANSFER, "##########", ("Transfer to savings elsewhere",), DAY
)  # where too much is there
HELP = Kind(
    IN, 1, 150, 600, TRANSFER, "##########", ("Transfer from family", "Transfer from savings elsewhere"), DAY
)  # too little
EMPTYING = Kind(OUT, 1, 0, 0, TRANSFER, "##########", ("Remaining balance paid out",), DAY)
