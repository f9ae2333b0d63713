"""Voiding, restoring and purging, on a small library with every kind of dependence (tests/testapp)."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.db import connection, models, transaction
from django.db.models import Count, ProtectedError, RestrictedError
from django.db.models.signals import post_delete, pre_delete
from django.test.utils import CaptureQueriesContext

from backoffice.models.base import RestoreError
from tests.testapp.models import (
    Audiobook,
    Book,
    Card,
    Chapter,
    Entry,
    Loan,
    Node,
    Poster,
    Remark,
    Reservation,
    Seal,
    Shelf,
    Sticker,
    Tag,
)

pytestmark = pytest.mark.django_db

DELETING = 24  # queries in all, the savepoint included, over five models that depend on each other
RESTORING = 16


@pytest.fixture
def shelf() -> Shelf:
    return Shelf.objects.create(name="history")


@pytest.fixture
def book(shelf: Shelf) -> Book:
    return Book.objects.create(shelf=shelf, title="Ledgers", pages=640)


def fill(shelves: int, books: int = 1, chapters: int = 1) -> None:
    """Make shelves with books with chapters, remarks and posters, and nothing that protects."""
    made = Shelf.objects.bulk_create(Shelf(name=f"shelf {i}") for i in range(shelves))
    on_them = Book.objects.bulk_create(Book(shelf=s, title=f"b{i}") for s in made for i in range(books))
    Chapter.objects.bulk_create(Chapter(book=b, title=f"c{i}") for b in on_them for i in range(chapters))
    kind = ContentType.objects.get_for_model(Shelf)
    Remark.objects.bulk_create(Remark(content_type=kind, object_id=s.pk) for s in made)
    Poster.objects.bulk_create(Poster(wall=s, spare=s) for s in made)


# Voiding


def test_delete_of_an_instance_voids_it_and_what_cascades(shelf: Shelf, book: Book) -> None:
    Chapter.objects.create(book=book, title="One")
    assert shelf.delete() == (3, {"testapp.Shelf": 1, "testapp.Book": 1, "testapp.Chapter": 1})
    rows = [*Shelf.all_objects_including_void(), *Book.all_objects_including_void()]
    rows += Chapter.all_objects_including_void()
    assert [row.is_void for row in rows] == [True, True, True]
    assert {row.void_key for row in rows} == {shelf.void_key}
    assert (shelf.is_void, shelf.pk is not None) == (True, True)


def test_delete_of_a_queryset_voids_with_one_key(shelf: Shelf) -> None:
    Shelf.objects.create(name="law")
    chosen = Shelf.objects.order_by("name")
    assert len(chosen) == 2
    assert chosen.delete() == (2, {"testapp.Shelf": 2})
    assert list(chosen) == []
    assert len({row.void_key for row in Shelf.all_objects_including_void()}) == 1


def test_delete_of_a_related_manager_s_rows_voids_only_them(shelf: Shelf, book: Book) -> None:
    elsewhere = Book.objects.create(shelf=Shelf.objects.create(name="law"), title="Courts")
    assert shelf.books.all().delete() == (1, {"testapp.Book": 1})
    assert list(Book.objects.all()) == [elsewhere]
    assert book.is_void is False  # as with Django, only the instance that was asked knows


def test_delete_of_an_annotated_and_distinct_queryset_voids(shelf: Shelf, book: Book) -> None:
    chosen = Shelf.objects.annotate(n=Count("books")).filter(n=1).distinct().select_related(None)
    assert chosen.delete() == (2, {"testapp.Shelf": 1, "testapp.Book": 1})


@pytest.mark.parametrize(
    "spoil",
    [
        lambda rows: rows[:1],
        lambda rows: rows.values("name"),
        lambda rows: rows.distinct("name"),
        lambda rows: rows.union(rows),
    ],
)
@pytest.mark.parametrize("operation", ["delete", "purge_from_db"])
def test_delete_of_something_else_than_whole_rows_is_refused(
    spoil: Callable[[Any], Any], operation: str, shelf: Shelf
) -> None:
    with pytest.raises(TypeError, match="takes whole rows"):
        getattr(spoil(Shelf.objects.all()), operation)()
    assert Shelf.objects.get() == shelf


def test_delete_of_a_void_row_does_nothing(shelf: Shelf, book: Book) -> None:
    stale = Shelf.objects.get()
    shelf.delete()
    late = Chapter.objects.create(book=book, title="Late")
    assert stale.delete() == (0, {})
    assert Shelf.all_objects_including_void().delete() == (0, {})
    assert Shelf.all_objects_including_void().get().void_key == shelf.void_key
    assert Chapter.objects.get() == late


def test_delete_of_an_unsaved_row_is_refused() -> None:
    with pytest.raises(ValueError, match="A shelf that was never saved cannot be voided"):
        Shelf(name="new").delete()


def test_delete_with_keep_parents_is_refused(shelf: Shelf) -> None:
    with pytest.raises(ValueError, match="voided as a whole"):
        shelf.delete(keep_parents=True)


def test_delete_is_on_querysets_and_not_on_managers(shelf: Shelf) -> None:
    for name in ("delete", "restore", "purge_from_db"):
        assert not hasattr(Shelf.objects, name)
        assert not hasattr(shelf.books, name)


def test_delete_leaves_earlier_void_dependents_with_their_own_key(shelf: Shelf, book: Book) -> None:
    book.delete()
    assert shelf.delete() == (1, {"testapp.Shelf": 1})
    assert Book.all_objects_including_void().get().void_key == book.void_key != shelf.void_key


def test_delete_sends_no_deletion_signals_and_purging_does(book: Book) -> None:
    heard: list[Any] = []

    def hear(sender: type[models.Model], **kwargs: Any) -> None:
        heard.append(sender)

    for signal in (pre_delete, post_delete):
        signal.connect(hear)
    try:
        book.delete()
        assert heard == []
        book.purge_from_db()
        assert heard == [Book, Book]
    finally:
        for signal in (pre_delete, post_delete):
            signal.disconnect(hear)


@pytest.mark.django_db(databases=["default", "sandbox"])
def test_delete_with_using_acts_on_that_database_only(shelf: Shelf) -> None:
    there = Shelf.objects.using("sandbox").create(pk=shelf.pk, name="history")
    Book.objects.using("sandbox").create(shelf=there, title="Twin")
    assert shelf.delete(using="sandbox") == (2, {"testapp.Shelf": 1, "testapp.Book": 1})
    assert Shelf.objects.count() == 1
    assert Shelf.objects.using("sandbox").count() == 0
    there.refresh_from_db()
    assert there.restore() == (2, {"testapp.Shelf": 1, "testapp.Book": 1})
    assert Shelf.objects.using("sandbox").all().delete() == (2, {"testapp.Shelf": 1, "testapp.Book": 1})
    assert there.purge_from_db() == (2, {"testapp.Book": 1, "testapp.Shelf": 1})
    assert Shelf.objects.count() == 1


# on_delete


def test_protect_by_a_standing_row_refuses_and_changes_nothing(shelf: Shelf, book: Book) -> None:
    loan = Loan.objects.create(book=book)
    with pytest.raises(ProtectedError) as refusal:
        shelf.delete()
    assert refusal.value.protected_objects == {loan}
    assert (Shelf.objects.count(), Book.objects.count(), shelf.is_void) == (1, 1, False)


def test_protect_caught_inside_a_transaction_leaves_it_usable(book: Book) -> None:
    Loan.objects.create(book=book)
    with transaction.atomic():
        with pytest.raises(ProtectedError):
            book.delete()
        Tag.objects.create(name="after")
    assert Tag.objects.count() == 1


def test_protect_by_a_void_row_does_not_count(book: Book) -> None:
    Loan.objects.create(book=book).delete()
    assert book.delete() == (1, {"testapp.Book": 1})


def test_protect_by_a_plain_model_refuses(shelf: Shelf) -> None:
    seal = Seal.objects.create(shelf=shelf)
    with pytest.raises(ProtectedError) as refusal:
        Shelf.objects.all().delete()
    assert refusal.value.protected_objects == {seal}


def test_restrict_by_a_standing_row_refuses(book: Book) -> None:
    reservation = Reservation.objects.create(book=book)
    with pytest.raises(RestrictedError) as refusal:
        book.delete()
    assert refusal.value.restricted_objects == {reservation}
    assert Book.objects.get() == book


def test_restrict_by_a_row_that_is_voided_too_lets_it_pass(shelf: Shelf, book: Book) -> None:
    Reservation.objects.create(book=book, shelf=shelf)
    assert shelf.delete() == (3, {"testapp.Shelf": 1, "testapp.Book": 1, "testapp.Reservation": 1})


def test_restrict_by_a_void_row_does_not_count(book: Book) -> None:
    Reservation.objects.create(book=book).delete()
    assert book.delete() == (1, {"testapp.Book": 1})


def test_set_rules_of_standing_rows_set_and_void_rows_keep_theirs(shelf: Shelf) -> None:
    first = Shelf.objects.create(name="first")
    poster = Poster.objects.create(wall=shelf, spare=shelf, chosen=shelf, careless=shelf)
    void = Poster.objects.create(wall=shelf, spare=shelf, chosen=shelf, careless=shelf)
    void.delete()
    assert shelf.delete() == (1, {"testapp.Shelf": 1})
    poster.refresh_from_db()
    void.refresh_from_db()
    assert (poster.wall, poster.spare, poster.chosen, poster.careless) == (None, None, first, shelf)
    assert (void.wall, void.spare, void.chosen, void.careless) == (shelf, shelf, shelf, shelf)


def test_set_null_of_a_row_that_is_voided_too_keeps_its_pointer(shelf: Shelf, book: Book) -> None:
    chapter = Chapter.objects.create(book=book, title="One", copied_from=shelf)
    shelf.delete()
    shelf.restore()
    chapter.refresh_from_db()
    assert chapter.copied_from == shelf


def test_plain_dependents_of_a_void_row_stay_as_they_are(shelf: Shelf, book: Book) -> None:
    tag = Tag.objects.create(name="old")
    book.tags.add(tag)
    sticker = Sticker.objects.create(shelf=shelf)
    shelf.delete()
    assert list(Sticker.objects.all()) == [sticker]
    assert Book.tags.through.objects.count() == 1
    shelf.restore()
    assert list(book.tags.all()) == [tag]


def test_log_entries_of_a_void_user_stay() -> None:
    user = get_user_model().objects.create_user("left")
    LogEntry.objects.create(user=user, action_flag=1, object_repr="x")
    assert user.delete() == (1, {"backoffice.User": 1})
    assert LogEntry.objects.get().user == user


def test_permanent_dependent_under_cascade_refuses_voiding_and_purging(shelf: Shelf) -> None:
    entry = Entry.objects.create(shelf=shelf)
    for refused in (shelf.delete, shelf.purge_from_db, Shelf.objects.all().delete, Shelf.objects.all().purge_from_db):
        with pytest.raises(ProtectedError) as refusal:
            refused()
        assert refusal.value.protected_objects == {entry}
    assert (Shelf.objects.get(), Entry.objects.get()) == (shelf, entry)


def test_tree_of_itself_is_voided_and_restored_whole() -> None:
    root = Node.objects.create()
    child = Node.objects.create(parent=root)
    Node.objects.create(parent=child)
    assert root.delete() == (3, {"testapp.Node": 3})
    assert root.restore() == (3, {"testapp.Node": 3})
    assert Node.objects.count() == 3


def test_generic_relation_is_voided_and_restored_with_its_row(shelf: Shelf) -> None:
    Remark.objects.create(about=shelf).delete()
    kept = Remark.objects.create(about=shelf)
    assert shelf.delete() == (2, {"testapp.Shelf": 1, "testapp.Remark": 1})
    assert shelf.restore() == (2, {"testapp.Shelf": 1, "testapp.Remark": 1})
    assert list(shelf.remarks.all()) == [kept]
    assert shelf.remarks.all_objects_including_void().count() == 2


@pytest.mark.parametrize("model", [Book, Audiobook])
def test_multi_table_child_is_voided_and_restored_as_a_whole(model: type[Book], shelf: Shelf) -> None:
    audiobook = Audiobook.objects.create(shelf=shelf, title="Heard", minutes=90)
    Chapter.objects.create(book=audiobook, title="One")
    row = model.objects.get(pk=audiobook.pk)
    counts = {"testapp.Audiobook": 1, "testapp.Book": 1, "testapp.Chapter": 1}
    assert row.delete() == (3, counts)
    assert (Audiobook.objects.count(), Book.objects.count(), Chapter.objects.count()) == (0, 0, 0)
    assert row.restore() == (3, counts)
    assert (Audiobook.objects.count(), Book.objects.count(), Chapter.objects.count()) == (1, 1, 1)


# Restoring


def test_restore_of_an_instance_brings_back_exactly_its_delete(shelf: Shelf, book: Book) -> None:
    kept = Chapter.objects.create(book=book, title="One")
    Chapter.objects.create(book=book, title="Gone before").delete()
    other = Shelf.objects.create(name="law")
    other.delete()
    shelf.delete()
    assert shelf.restore() == (3, {"testapp.Shelf": 1, "testapp.Book": 1, "testapp.Chapter": 1})
    assert (shelf.is_void, shelf.void_key) == (False, None)
    assert (list(Shelf.objects.all()), list(Chapter.objects.all())) == ([shelf], [kept])
    assert Book.objects.get().void_key is None


def test_restore_of_a_standing_row_does_nothing(shelf: Shelf) -> None:
    assert shelf.restore() == (0, {})
    assert Shelf.objects.all().restore() == (0, {})


def test_restore_of_a_queryset_finds_void_rows_by_itself(shelf: Shelf) -> None:
    Shelf.objects.create(name="law").delete()
    shelf.delete()
    assert Shelf.objects.filter(name="law").restore() == (1, {"testapp.Shelf": 1})
    assert [row.name for row in Shelf.objects.all()] == ["law"]
    assert Shelf.all_objects_including_void().restore() == (1, {"testapp.Shelf": 1})


def test_restore_of_one_of_many_deleted_together_leaves_the_others_void(shelf: Shelf) -> None:
    Shelf.objects.create(name="law")
    Shelf.objects.all().delete()
    assert shelf.restore() == (1, {"testapp.Shelf": 1})
    assert list(Shelf.objects.all()) == [shelf]


def test_restore_while_the_parent_is_void_refuses(shelf: Shelf, book: Book) -> None:
    shelf.delete()
    with pytest.raises(RestoreError) as refusal:
        book.restore()
    assert str(refusal.value) == (
        "Book “Ledgers” cannot be restored while its shelf “history” is void: restore that first."
    )
    assert not Book.objects.exists()


def test_restore_while_the_protected_parent_is_void_refuses(book: Book) -> None:
    loan = Loan.objects.create(book=book)
    loan.delete()
    book.delete()
    with pytest.raises(RestoreError, match="restore that first"):
        loan.restore()


def test_restore_of_parent_and_child_in_one_queryset_is_allowed() -> None:
    root = Node.objects.create()
    child = Node.objects.create(parent=root)
    child.delete()
    root.delete()
    assert Node.objects.all().restore() == (2, {"testapp.Node": 2})


def test_restore_of_a_value_taken_meanwhile_refuses() -> None:
    card = Card.objects.create(number="1", desk="A")
    card.delete()
    Card.objects.create(number="2", place=1, desk="A")
    with pytest.raises(RestoreError, match="a value that only one row may hold is held by another now"):
        card.restore()
    assert Card.objects.get().number == "2"


# Purging


def test_purge_of_an_instance_deletes_void_dependents_too(shelf: Shelf, book: Book) -> None:
    Chapter.objects.create(book=book, title="One").delete()
    shelf.delete()
    counts = {"testapp.Chapter": 1, "testapp.Book": 1, "testapp.Shelf": 1}
    assert shelf.purge_from_db() == (3, counts)
    assert shelf.pk is None
    assert Book.all_objects_including_void().count() == 0


def test_purge_of_a_queryset_deletes_its_rows_only(shelf: Shelf) -> None:
    Shelf.objects.create(name="law").delete()
    assert Shelf.objects.all().purge_from_db() == (1, {"testapp.Shelf": 1})
    assert Shelf.all_objects_including_void().filter(is_void=True).purge_from_db() == (1, {"testapp.Shelf": 1})
    assert Shelf.all_objects_including_void().count() == 0
    assert shelf.pk is not None


def test_purge_of_what_a_void_row_protects_refuses(book: Book) -> None:
    Loan.objects.create(book=book).delete()
    with pytest.raises(ProtectedError):
        book.purge_from_db()


def test_delete_and_purge_count_as_django_s_delete_does() -> None:
    fill(3, books=2)
    with transaction.atomic():
        expected = models.QuerySet(Shelf).delete()
        transaction.set_rollback(True)
    assert expected[0] == 18
    assert Shelf.objects.all().delete() == expected
    assert Shelf.all_objects_including_void().purge_from_db() == expected


# How many queries


def queries_of(operation: Callable[[], tuple[int, dict[str, int]]]) -> tuple[int, int]:
    with CaptureQueriesContext(connection) as queries:
        total, _ = operation()
    return total, len(queries)


def test_delete_and_restore_of_300_rows_take_as_many_queries_as_of_3() -> None:
    ContentType.objects.get_for_model(Shelf)
    seen = {}
    for rows in (3, 300):
        fill(rows)
        for shelf in Shelf.objects.all():
            Audiobook.objects.create(shelf=shelf, title="Heard", minutes=1)
        seen[rows] = [queries_of(Shelf.objects.all().delete), queries_of(Shelf.objects.all().restore)]
        Shelf.all_objects_including_void().purge_from_db()
    assert seen == {3: [(18, DELETING), (18, RESTORING)], 300: [(1800, DELETING), (1800, RESTORING)]}


def test_delete_of_one_row_without_dependents_takes_two_queries_and_the_savepoint(
    django_assert_num_queries: Callable[..., Any],
) -> None:
    tag = Tag.objects.create(name="old")
    with django_assert_num_queries(4):
        tag.delete()


def test_delete_of_70_000_rows_passes_the_limit_of_parameters() -> None:
    Tag.objects.bulk_create((Tag(name="x") for _ in range(70_000)), batch_size=5000)
    assert Tag.objects.all().delete() == (70_000, {"testapp.Tag": 70_000})
