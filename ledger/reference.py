"""The reference of an action, as people say it on the phone: `K7M-Q4X-VPC`.

Nine symbols without vowels and without look-alikes (no 0 O D, 1 I L, 5 S with its double, 2 Z, 6 G, 8 B). The last is a
check digit: symbols are the digits of a number to the base 23, the check digit is the sum of digit times position,
modulo 23. As 23 is prime and all weights differ, every single wrong symbol and every swap of two is recognised before
the database is asked. The database itself gives the references out (`ledger_new_reference` in
`migrations/sql/0001_references.sql`): each number of a sequence once, scattered by a multiplication, so none repeats and none
is guessed from its neighbour.
"""

ALPHABET = "23456789CFHJKMNPQRTVWXY"
LENGTH = 9
GROUP = 3


def check_digit(symbols: str) -> str:
    """Return the ninth symbol for the first eight."""
    weighed = sum(position * ALPHABET.index(symbol) for position, symbol in enumerate(symbols, start=1))
    return ALPHABET[weighed % len(ALPHABET)]


def recognised(typed: str) -> str | None:
    """Return the reference that was typed in its written form, or None where it cannot be one.

    Case, spaces and hyphens do not matter; no query is made.
    """
    symbols = "".join(typed.upper().split()).replace("-", "")
    if len(symbols) != LENGTH or not set(symbols) <= set(ALPHABET):
        return None
    if check_digit(symbols[:-1]) != symbols[-1]:
        return None
    return "-".join(symbols[start : start + GROUP] for start in range(0, LENGTH, GROUP))
