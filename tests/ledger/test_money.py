"""Amounts have the decimals of their currency and the separators of the language, and currencies are never added up."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils.formats import number_format
from django.utils.translation import deactivate_all, override

from backoffice.models import User
from ledger import errors
from ledger.models import Account, Action, Cap, Limit
from ledger.money import exponent, fits, locale_of, written
from tests.cast import OpenAccount

FINEST = [("JPY", "1", "0.5"), ("CZK", "0.01", "0.001"), ("KWD", "0.001", "0.0001")]
Verb = Callable[[Account, Decimal, dict[str, Any]], object]
VERBS: dict[str, Verb] = {
    "deposit": lambda a, amount, how: Account.deposit(uid=a.uid, amount=amount, **how),
    "withdraw": lambda a, amount, how: Account.withdraw(uid=a.uid, amount=amount, **how),
    "refund": lambda a, amount, how: Action.refund(
        uid=a.actions.get(type="deposited").uid, amount=amount, comment="A mistake", **how
    ),
}


@pytest.mark.parametrize(("currency", "places"), [("JPY", 0), ("CZK", 2), ("EUR", 2), ("KWD", 3)])
def test_currency_has_its_own_decimals(currency: str, places: int) -> None:
    assert exponent(currency) == places


@pytest.mark.parametrize(
    ("language", "amount", "currency", "text"),
    [
        ("en-gb", "1234567.5", "CZK", "CZK 1,234,567.50"),
        ("en-gb", "-1234", "JPY", "-JPY 1,234"),
        ("en-gb", "0", "KWD", "KWD 0.000"),
        ("de", "1234.5", "CZK", "CZK 1.234,50"),
        ("de-ch", "1234.5", "CHF", "CHF 1\N{RIGHT SINGLE QUOTATION MARK}234.50"),
        ("cs", "1234.5", "KWD", "KWD 1\N{NO-BREAK SPACE}234,500"),
        ("sv", "-1234", "JPY", "-JPY 1\N{NO-BREAK SPACE}234"),
    ],
)
def test_amount_is_written_with_the_separators_of_the_language(
    language: str, amount: str, currency: str, text: str
) -> None:
    with override(language):
        assert written(Decimal(amount), currency) == text


@pytest.mark.parametrize("language", ["en-gb", "de", "cs", "fr"])
def test_decimal_mark_of_an_amount_is_that_of_the_page_s_other_numbers(language: str) -> None:
    with override(language):
        assert written(Decimal("1.5"), "KWD").endswith(number_format(Decimal("1.500")))


def test_unknown_language_and_none_are_written_as_english() -> None:
    assert str(locale_of("xx-yy")) == "en_GB"
    with override(None):
        deactivate_all()
        assert written(Decimal("1234.5"), "CZK").endswith("1,234.50")


@pytest.mark.parametrize(("currency", "finest", "finer"), FINEST)
def test_amount_fits_when_the_currency_has_its_decimals(currency: str, finest: str, finer: str) -> None:
    assert fits(Decimal(finest), currency)
    assert not fits(Decimal(finer), currency)
    assert not fits(Decimal("NaN"), currency)
    assert not fits(Decimal("Infinity"), currency)
    assert not fits(Decimal(10) ** 15, currency)


@pytest.mark.django_db
@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(("currency", "finest", "finer"), FINEST)
def test_every_verb_takes_the_finest_amount_and_refuses_a_finer_one(  # noqa: PLR0917  fixtures and parameters
    open_account: OpenAccount, agent: User, now: datetime, verb: str, currency: str, finest: str, finer: str
) -> None:
    account = open_account("10", currency=currency)
    how = {"by": agent, "asof": now}
    with pytest.raises(errors.InvalidAmount, match=f"{currency} has {exponent(currency)} decimals"):
        VERBS[verb](account, Decimal(finer), how)
    VERBS[verb](account, Decimal(finest), how)
    account.refresh_from_db()
    assert abs(account.balance - 10) == Decimal(finest)


@pytest.mark.django_db
@pytest.mark.parametrize(("currency", "finest", "finer"), FINEST)
def test_limits_and_caps_have_the_decimals_of_their_currency(currency: str, finest: str, finer: str) -> None:
    with pytest.raises(errors.InvalidAmount):
        Cap.set(currency=currency, ceiling=1000 + Decimal(finer))
    assert Cap.set(currency=currency, ceiling=1000 + Decimal(finest)).ceiling == 1000 + Decimal(finest)
    Limit(kind="max_transfer", currency=currency, amount=Decimal(finest)).clean()
    with pytest.raises(ValidationError, match=f"{currency} has {exponent(currency)} decimals"):
        Limit(kind="max_transfer", currency=currency, amount=Decimal(finer)).clean()


@pytest.mark.django_db
def test_totals_are_never_added_up_over_currencies(open_account: OpenAccount, now: datetime) -> None:
    for currency in ("CZK", "CZK", "JPY", "KWD"):
        open_account("10", currency=currency)
    assert Account.totals_at(moment=now) == {"CZK": 20, "JPY": 10, "KWD": 10}
