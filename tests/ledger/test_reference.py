"""References of actions: recognised when mistyped, given out once."""

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from ledger.reference import ALPHABET, check_digit, mistyped, nearest, recognised

stems = st.text(ALPHABET, min_size=8, max_size=8)
places = st.integers(0, 8)


def complete(stem: str) -> str:
    return stem + check_digit(stem)


@given(stems)
def test_reference_is_recognised_however_it_is_typed(stem: str) -> None:
    symbols = complete(stem)
    written = f"{symbols[:3]}-{symbols[3:6]}-{symbols[6:]}"
    for typed in (written, symbols, written.lower(), f" {symbols[:4]} {symbols[4:]} "):
        assert recognised(typed) == written


@given(stems, places, st.sampled_from(ALPHABET))
def test_one_wrong_symbol_is_recognised(stem: str, place: int, wrong: str) -> None:
    symbols = complete(stem)
    mistyped = symbols[:place] + wrong + symbols[place + 1 :]
    assert (recognised(mistyped) is None) is (mistyped != symbols)


@given(stems, places, places)
def test_two_swapped_symbols_are_recognised(stem: str, one: int, other: int) -> None:
    symbols = list(complete(stem))
    symbols[one], symbols[other] = symbols[other], symbols[one]
    assert (recognised("".join(symbols)) is None) is ("".join(symbols) != complete(stem))


@given(stems, places, st.sampled_from([*ALPHABET, "A", "0"]), st.sampled_from(["wrong", "swapped", "missing", "extra"]))
def test_reference_with_one_slip_is_among_the_nearest(stem: str, place: int, other: str, slip: str) -> None:
    symbols = complete(stem)
    typed = {
        "wrong": symbols[:place] + other + symbols[place + 1 :],
        "swapped": symbols[: place - 1] + symbols[place] + symbols[place - 1] + symbols[place + 1 :]
        if place
        else symbols,
        "missing": symbols[:place] + symbols[place + 1 :],
        "extra": symbols[:place] + other + symbols[place:],
    }[slip]
    near = nearest(typed)
    assert mistyped(typed) is (typed != symbols)
    assert (f"{symbols[:3]}-{symbols[3:6]}-{symbols[6:]}" in near) is (typed != symbols)
    assert [recognised(one) for one in near] == near
    assert len(near) <= 30


@pytest.mark.parametrize("typed", ["", "nova", "Xaver", "20240001", "jana@example.com", "K7M-Q4X", "234 567 89 23 45"])
def test_what_is_far_from_a_reference_is_not_taken_for_one(typed: str) -> None:
    assert (mistyped(typed), nearest(typed)) == (False, [])


@pytest.mark.parametrize(
    "typed", ["", "K7M", "AAA-AAA-AAA", "234-567-89", "234-567-8902", "\N{FULLWIDTH LATIN CAPITAL LETTER C}" * 9]
)
def test_what_cannot_be_a_reference_is_not_one(typed: str) -> None:
    assert recognised(typed) is None


@pytest.mark.django_db
def test_database_gives_out_valid_references_each_once() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT ledger_new_reference() FROM generate_series(1, 5000)")
        given_out = [row[0] for row in cursor.fetchall()]
    assert [recognised(reference) for reference in given_out] == given_out
    assert len(set(given_out)) == 5000
