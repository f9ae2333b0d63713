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
HEARD = str.maketrans("SZGB", "5268")  # what is no symbol, and the symbol that it is taken for
KNOWN = str.maketrans("", "", ALPHABET)


def check_digit(symbols: str) -> str:
    """Return the ninth symbol for the first eight."""
    weighed = sum(position * ALPHABET.index(symbol) for position, symbol in enumerate(symbols, start=1))
    return ALPHABET[weighed % len(ALPHABET)]


def recognised(typed: str) -> str | None:
    """Return the reference that was typed in its written form, or None where it cannot be one.

    Case, spaces and hyphens do not matter; no query is made.
    """
    symbols = symbols_of(typed)
    return _written(symbols) if _fits(symbols) else None


def symbols_of(typed: str) -> str:
    """Return what was typed as the symbols of a reference: without spaces and hyphens, in capitals."""
    return "".join(typed.upper().split()).replace("-", "")


def mistyped(typed: str) -> bool:
    """Say whether this is a reference with a mistake in it: nearly as long, of nearly no other symbols. No query."""
    symbols = symbols_of(typed)
    foreign = len(symbols.translate(HEARD).translate(KNOWN))
    return abs(len(symbols) - LENGTH) <= 1 and foreign <= 1 and not _fits(symbols)


def nearest(typed: str) -> list[str]:
    """Return the references that differ by one slip: a wrong symbol, two neighbours swapped, one too few or too many.

    Only those whose check digit fits: thirty at most, and one of them is nearly always what was meant. No query.
    """
    if not mistyped(typed):
        return []
    symbols = symbols_of(typed).translate(HEARD)
    places = range(len(symbols))
    if len(symbols) > LENGTH:
        tries = [symbols[:n] + symbols[n + 1 :] for n in places]
    elif len(symbols) < LENGTH:
        tries = [symbols[:n] + one + symbols[n:] for n in (*places, len(symbols)) for one in ALPHABET]
    else:
        swapped = [symbols[:n] + symbols[n + 1] + symbols[n] + symbols[n + 2 :] for n in places[:-1]]
        tries = [symbols, *swapped, *(symbols[:n] + one + symbols[n + 1 :] for n in places for one in ALPHABET)]
    return list(dict.fromkeys(_written(one) for one in tries if _fits(one)))


def _fits(symbols: str) -> bool:
    return len(symbols) == LENGTH and set(symbols) <= set(ALPHABET) and check_digit(symbols[:-1]) == symbols[-1]


def _written(symbols: str) -> str:
    return "-".join(symbols[start : start + GROUP] for start in range(0, LENGTH, GROUP))
