"""What the form of a person refuses: an address that another member of staff has, and a telephone number that is none."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from backoffice.models import User
from tests.login.door import staff

pytestmark = pytest.mark.django_db(databases=["default", "audit"])
ADD = "console:backoffice_user_add"


@pytest.fixture
def boss(client: Client, admin: User) -> Client:
    client.force_login(admin)
    return client


def page(person: User) -> str:
    return reverse("console:backoffice_user_change", args=[person.pk])


def refused(answer: Any) -> dict[str, str]:
    """Return what a form refuses, by field; nothing where it was saved."""
    if answer.status_code == 302:
        return {}
    return {name: str(errors) for name, errors in answer.context["adminform"].form.errors.items()}


def make(boss: Client, name: str, **more: str) -> dict[str, str]:
    return refused(boss.post(reverse(ADD), {"username": name, "reason": "New here", **more}))


def test_address_of_another_member_of_staff_is_refused_in_whatever_case(boss: Client) -> None:
    staff("eva", email="Eva@example.com")
    told = make(boss, "new", email="eva@EXAMPLE.com", is_staff="on")
    assert list(told) == ["email"]
    assert "Another member of staff has this e-mail address." in told["email"]
    other = staff("other", email="other@example.com")
    form = {"username": "other", "is_staff": "on", "is_active": "on", "reason": "Asked to"}
    assert list(refused(boss.post(page(other), {**form, "email": "eva@example.com"}))) == ["email"]
    assert refused(boss.post(page(other), {**form, "email": "OTHER@example.com"})) == {}


def test_customer_who_is_made_staff_needs_an_address_of_their_own(boss: Client) -> None:
    staff("eva", email="eva@example.com")
    assert make(boss, "customer", email="eva@example.com") == {}
    form = {"username": "customer", "email": "eva@example.com", "is_active": "on", "reason": "Asked to"}
    customer = User.objects.get(username="customer")
    assert list(refused(boss.post(page(customer), {**form, "is_staff": "on"}))) == ["email"]
    assert refused(boss.post(page(customer), {**form, "is_staff": "on", "email": "own@example.com"})) == {}


def test_address_of_customers_and_of_who_has_left_is_free(boss: Client) -> None:
    User.objects.create(username="one", email="home@example.com")
    User.objects.create(username="gone", email="gone@example.com", is_staff=True, is_active=False)
    assert make(boss, "two", email="home@example.com") == {}
    assert make(boss, "three", email="home@example.com", is_staff="on") == {}
    assert make(boss, "four", email="gone@example.com", is_staff="on") == {}


def test_address_that_two_have_from_before_keeps_neither_from_being_changed(boss: Client) -> None:
    staff("eva", email="eva@example.com")
    other = staff("other", email="eva@example.com", phone="call me")
    form = {"username": "other", "email": other.email, "phone": "call me", "is_staff": "on", "is_active": "on"}
    assert refused(boss.post(page(other), {**form, "first_name": "Olga", "reason": "Asked to"})) == {}


@pytest.mark.parametrize("phone", ["call me", "+420 777 CALL", "+", "-", "7x"])
def test_telephone_number_without_digits_or_with_letters_is_refused(boss: Client, phone: str) -> None:
    told = make(boss, "new", phone=phone)
    assert list(told) == ["phone"]
    assert "This is no telephone number: write digits, no letters." in told["phone"]


@pytest.mark.parametrize("phone", ["", "+420 777 123 456", "(02) 123-456/7", "112"])
def test_telephone_number_that_can_be_dialled_is_taken(boss: Client, phone: str) -> None:
    assert make(boss, "new", phone=phone) == {}
