"""The base model around voiding: uniqueness in forms, permanent records, the user's manager, checks."""

from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from django.contrib.auth import authenticate, get_user_model
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.db.models import ProtectedError
from django.forms import ModelForm, modelform_factory
from django.test import Client
from django.test.utils import isolate_apps

from backoffice.models.base import Model, PermanentRecordError, Record, RecordManager
from tests.testapp.models import Card, Entry, Member, Shelf

pytestmark = pytest.mark.django_db

CardForm: type[ModelForm[Card]] = modelform_factory(Card, fields=["number", "row", "place", "desk"])


def errors_of(**data: object) -> dict[str, list[str]]:
    form = CardForm({"row": 5, "place": 5, **data})
    return {field: [str(e) for e in errors] for field, errors in form.errors.items()}


# Uniqueness


def test_form_with_a_value_of_a_void_row_shows_it_at_the_field() -> None:
    Card.objects.create(number="1").delete()
    expected = "A void card holds this number: restore it, purge it or choose another value."
    assert errors_of(number="1") == {"number": [expected]}


def test_form_with_a_value_of_a_standing_row_speaks_django_s_words() -> None:
    Card.objects.create(number="1")
    assert errors_of(number="1") == {"number": ["Card with this Number already exists."]}


def test_form_with_a_pair_of_a_void_row_shows_it() -> None:
    Card.objects.create(number="1", row=2, place=3).delete()
    expected = "A void card holds this row and place: restore it, purge it or choose another value."
    assert errors_of(number="2", row=2, place=3) == {"__all__": [expected]}


def test_form_with_a_released_value_of_a_void_row_is_valid_and_saves() -> None:
    Card.objects.create(number="1", desk="A").delete()
    form = CardForm({"number": "2", "row": 1, "place": 1, "desk": "A"})
    assert form.is_valid()
    assert form.save().desk == "A"


def test_form_with_a_released_value_of_a_standing_row_shows_it() -> None:
    Card.objects.create(number="1", desk="A")
    assert errors_of(number="2", desk="A") == {"desk": ["Another card is at this desk."]}


def test_form_of_the_row_that_holds_the_value_is_valid() -> None:
    card = Card.objects.create(number="1", desk="A")
    assert CardForm({"number": "1", "row": 0, "place": 0, "desk": "A"}, instance=card).is_valid()


def test_full_clean_with_a_value_of_a_void_row_refuses_and_queries_stay_as_they_were() -> None:
    Card.objects.create(number="1").delete()
    with pytest.raises(ValidationError):
        Card(number="1", row=1, place=1).full_clean()
    assert not Card.objects.exists()


def test_database_refuses_a_value_of_a_void_row_too() -> None:
    Card.objects.create(number="1").delete()
    with pytest.raises(IntegrityError), transaction.atomic():
        Card.objects.create(number="1", row=1, place=1)


# Permanent records


@pytest.mark.parametrize(
    "operation",
    [
        lambda entry: entry.delete(),
        lambda entry: entry.restore(),
        lambda entry: entry.purge_from_db(),
        lambda entry: Entry.objects.all().delete(),
        lambda entry: Entry.objects.filter(pk=entry.pk).restore(),
        lambda entry: Entry.all_objects_including_void().purge_from_db(),
        lambda entry: entry.shelf.entries.all().delete(),
        lambda entry: Entry(shelf=entry.shelf).delete(),
    ],
)
def test_permanent_record_refuses_to_go(operation: Callable[[Entry], Any]) -> None:
    entry = Entry.objects.create(shelf=Shelf.objects.create(name="history"))
    with pytest.raises(PermanentRecordError) as refusal:
        operation(entry)
    assert str(refusal.value) == "Entries are permanent records: they can be neither voided nor restored nor purged."
    assert isinstance(refusal.value, ProtectedError)
    assert list(Entry.objects.all()) == [entry]


def test_permanent_record_is_never_void() -> None:
    entry = Entry.objects.create(shelf=Shelf.objects.create(name="history"))
    assert entry.is_void is False
    assert list(Entry.all_objects_including_void()) == list(Entry.objects.all_objects_including_void()) == [entry]
    assert isinstance(Entry.objects, RecordManager)


# Users


def test_user_manager_of_two_bases_makes_users_and_leaves_void_ones_out() -> None:
    member = Member.objects.create_user("ann", "ann@EXAMPLE.org", "secret")
    assert (member.email, member.check_password("secret")) == ("ann@example.org", True)
    assert Member.objects.create_superuser("root", password="secret").is_superuser
    assert Member.objects.get_by_natural_key("ann") == member
    member.delete()
    assert [m.username for m in Member.objects.all()] == ["root"]
    assert Member.objects.all_objects_including_void().count() == 2
    assert Member.objects.use_in_migrations is False


def test_void_user_can_neither_log_in_nor_stay_logged_in(client: Client) -> None:
    user = get_user_model().objects.create_user("ann", password="secret")
    client.force_login(user)
    assert authenticate(username="ann", password="secret") == user
    user.delete()
    assert authenticate(username="ann", password="secret") is None
    user_id = client.session["_auth_user_id"]
    assert not get_user_model().objects.filter(pk=user_id).exists()


# Checks


@isolate_apps("tests.testapp")
def test_check_of_a_default_manager_that_shows_void_rows_fails() -> None:
    class Leaky(Model):
        objects: ClassVar[models.Manager["Leaky"]] = models.Manager()  # type: ignore[assignment]  # the mistake

        class Meta:
            app_label = "testapp"

    class Loose(Record):
        objects: ClassVar[models.Manager["Loose"]] = models.Manager()  # type: ignore[assignment]  # the mistake

        class Meta:
            app_label = "testapp"

    assert [error.id for error in Leaky.check()] == ["backoffice.B001"]
    assert [error.id for error in Loose.check()] == ["backoffice.B002"]
    assert [*Shelf.check(), *Entry.check(), *Member.check()] == []
