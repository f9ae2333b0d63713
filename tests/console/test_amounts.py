"""Amounts as people type them: separators of the language that is active, and no guess where two readings are possible."""

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from django.utils.translation import override

from backoffice.models import User
from ledger.admin.amounts import AmountField, amount_of
from ledger.models import Account
from tests.console.test_commands import hidden, permit


@pytest.mark.parametrize(
    ("language", "typed", "amount"),
    [
        ("en-gb", "1000", "1000"),
        ("en-gb", " 1,000.00 ", "1000.00"),
        ("en-gb", "1'000.00", "1000.00"),
        ("en-gb", "1\N{RIGHT SINGLE QUOTATION MARK}000", "1000"),
        ("en-gb", "1 000.5", "1000.5"),
        (
            "en-gb",
            "1\N{NARROW NO-BREAK SPACE}000\N{NO-BREAK SPACE}000".replace(
                "\N{NO-BREAK SPACE}", "\N{NARROW NO-BREAK SPACE}"
            ),
            "1000000",
        ),
        ("en-gb", "1,000", "1000"),  # no currency of two decimals has three
        ("en-gb", "1,234,567", "1234567"),
        ("en-gb", "0.500", "0.500"),
        ("en-gb", "-5", "-5"),
        ("cs", "1 000,00", "1000.00"),
        ("cs", "1.000,00", "1000.00"),
        ("cs", "1,5", "1.5"),
        ("cs", "1.000", "1000"),
        ("de-ch", "1'000.00", "1000.00"),
        ("en-gb", "12,5", "12.5"),  # what only the other way of writing reads, and in one way
        ("en-gb", "12,50", "12.50"),
        ("en-gb", "1.000,00", "1000.00"),
        ("en-gb", "1 000,00", "1000.00"),
        ("en-gb", "1.234.567", "1234567"),
        ("cs", "1,000.00", "1000.00"),
    ],
)
def test_amounts_are_understood_as_the_language_writes_them(language: str, typed: str, amount: str) -> None:
    with override(language):
        assert str(amount_of(typed, 2)) == amount


@pytest.mark.parametrize(
    ("language", "typed", "places", "sentence"),
    [
        ("en-gb", "1.000", 2, "1.000 can be read as two amounts: write 1000, or 1.00."),
        ("en-gb", "1.000", 0, "1.000 can be read as two amounts: write 1000, or 1."),
        ("en-gb", "1,000", 3, "1,000 can be read as two amounts: write 1000, or 1.000."),
        ("en-gb", "1,234", 3, "1,234 can be read as two amounts: write 1234, or 1.234."),
        ("cs", "1.234", 3, "1.234 can be read as two amounts: write 1234, or 1,234."),
        ("en-gb", "x", 0, "Write the amount as a number, such as 1234."),
        ("en-gb", "x", 3, "Write the amount as a number, such as 1234.500."),
        ("en-gb", "x", None, "Write the amount as a number, such as 1234.50."),
        ("en-gb", "1,234", None, "1,234 can be read as two amounts: write 1234, or 1.2340."),
        ("en-gb", "10.001", 2, "10.001 has more decimals than the currency, or means 10001: write that without separators."),
        ("en-gb", "12,5000", 2, "Write the amount as a number, such as 1234.50."),
        ("en-gb", "1.000,000", 2, "Write the amount as a number, such as 1234.50."),
        ("en-gb", "1 00", 2, "Write the amount as a number, such as 1234.50."),
        ("en-gb", "1 000'000", 2, "Write the amount as a number, such as 1234.50."),
        ("en-gb", "1e5", 2, "Write the amount as a number, such as 1234.50."),
        ("en-gb", "NaN", 2, "Write the amount as a number, such as 1234.50."),
        ("en-gb", "9" * 41, 2, "Write the amount as a number, such as 1234.50."),
        ("cs", "0.500", 2, "Write the amount as a number, such as 1234,50."),
        ("cs", "1,000", 2, "1,000 can be read as two amounts: write 1000, or 1,00."),
        ("cs", "1,000.000", 2, "Write the amount as a number, such as 1234,50."),
    ],
)  # fmt: skip
def test_what_can_be_read_as_two_amounts_is_refused(
    language: str, typed: str, places: int | None, sentence: str
) -> None:
    with override(language), pytest.raises(ValidationError) as caught:
        amount_of(typed, places)
    assert caught.value.messages == [sentence]


@pytest.mark.parametrize(("language", "typed"), [("en-gb", "1.234"), ("cs", "1,234")])
def test_three_decimals_are_read_where_the_currency_has_them(language: str, typed: str) -> None:
    with override(language):
        assert amount_of(typed, 3) == Decimal("1.234")


def field(currency: str) -> AmountField:
    made = AmountField()
    made.currency = currency
    return made


@pytest.mark.parametrize(
    ("language", "currency", "typed", "amount"),
    [
        ("en-gb", "JPY", "JPY 500", "500"),
        ("en-gb", "JPY", "jpy500", "500"),
        ("en-gb", "JPY", "500 JPY", "500"),
        ("en-gb", "JPY", "JPY\N{NO-BREAK SPACE}1,000", "1000"),
        ("en-gb", "CZK", "CZK 1500", "1500"),
        ("en-gb", "KWD", "KWD 3.5", "3.5"),
        ("cs", "CZK", "1\N{NO-BREAK SPACE}234,50\N{NO-BREAK SPACE}CZK", "1234.50"),
        ("en-gb", "", "500", "500"),
        ("en-gb", "CZK", "1000 Kč", "1000"),
        ("cs", "CZK", "1\N{NO-BREAK SPACE}234,50\N{NO-BREAK SPACE}Kč", "1234.50"),
        ("en-gb", "EUR", "€50", "50"),
        ("en-gb", "EUR", "50 €", "50"),
        ("en-gb", "GBP", "£1,000.50", "1000.50"),
        ("en-gb", "PLN", "50 ZŁ", "50"),
        ("en-gb", "HUF", "5 000 Ft", "5000"),
        ("en-gb", "CHF", "Fr. 1'000.00", "1000.00"),
        ("en-gb", "JPY", "¥500", "500"),
        ("en-gb", "JPY", "￥500", "500"),
        ("en-gb", "USD", "$50", "50"),
    ],
)
def test_code_or_symbol_of_its_own_currency_may_stand_beside_an_amount(
    language: str, currency: str, typed: str, amount: str
) -> None:
    with override(language):
        assert str(field(currency).clean(typed)) == amount


@pytest.mark.parametrize(
    ("currency", "typed", "sentence"),
    [
        ("JPY", "EUR 500", "The amount is in JPY, not in EUR: write it in JPY, such as 1234."),
        ("KWD", "3.5usd", "The amount is in KWD, not in USD: write it in KWD, such as 1234.500."),
        ("CZK", "€50", "The amount is in CZK, not in EUR: write it in CZK, such as 1234.50."),
        ("EUR", "1000 Kč", "The amount is in EUR, not in CZK: write it in EUR, such as 1234.50."),
        ("CAD", "$50", "The amount is in CAD, not in USD: write it in CAD, such as 1234.50."),
        ("EUR", "€50 €", "Write the amount as a number, such as 1234.50."),
        ("EUR", "€", "Write the amount as a number, such as 1234.50."),
        ("", "€50", "Write the amount as a number, such as 1234.50."),
        ("CZK", "abc 500", "Write the amount as a number, such as 1234.50."),
        ("CZK", "CZK 500 CZK", "Write the amount as a number, such as 1234.50."),
        ("CZK", "CZK", "Write the amount as a number, such as 1234.50."),
        ("KWD", "KWD 1,234", "1,234 can be read as two amounts: write 1234, or 1.234."),
        ("", "CZK 500", "Write the amount as a number, such as 1234.50."),
    ],
)
def test_other_words_beside_an_amount_are_refused(currency: str, typed: str, sentence: str) -> None:
    with override("en-gb"), pytest.raises(ValidationError) as caught:
        field(currency).clean(typed)
    assert caught.value.messages == [sentence]


@pytest.mark.django_db
def test_a_form_takes_thousands_separators_and_the_preview_shows_what_was_meant(
    client: Client, agent: User, account: Account
) -> None:
    permit(agent, "deposit")
    client.force_login(agent)
    url = reverse("console:ledger_account_deposit", args=[account.pk])
    form = hidden(client.get(url).content.decode())
    fields = {**form, "reference_type": "none", "reference": "", "comment": "Cash"}
    refused = client.post(url, {**fields, "amount": "1.000"})
    assert refused.context["form"].errors["amount"] == ["1.000 can be read as two amounts: write 1000, or 1.00."]
    preview = client.post(url, {**fields, "amount": "1,000.00"}).content.decode()
    assert "CZK 1,100.00" in preview
    client.post(url, hidden(preview))
    account.refresh_from_db()
    assert account.balance == 1100
