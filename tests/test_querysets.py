"""What default queries, related managers and `all_objects_including_void()` see of void rows."""

import pytest
from django.db import NotSupportedError, connection, models
from django.db.models import Exists, OuterRef, Prefetch

from tests.testapp.models import Book, Shelf, Tag

pytestmark = pytest.mark.django_db


@pytest.fixture
def shelf() -> Shelf:
    return Shelf.objects.create(name="history")


@pytest.fixture
def book(shelf: Shelf) -> Book:
    return Book.objects.create(shelf=shelf, title="Ledgers", pages=640)


def test_default_queries_of_a_void_row_leave_it_out(book: Book) -> None:
    other = Book.objects.create(shelf=book.shelf, title="Seals", pages=10)
    book.delete()
    assert list(Book.objects.all()) == [other]
    assert Book.objects.count() == 1
    assert Book.objects.aggregate(models.Sum("pages")) == {"pages__sum": 10}
    assert Book.objects.in_bulk([book.pk, other.pk]) == {other.pk: other}
    assert not Book.objects.filter(pk=book.pk).exists()
    assert Book.objects.filter(pk=book.pk).update(pages=1) == 0
    with pytest.raises(Book.DoesNotExist):
        Book.objects.get(pk=book.pk)


def test_own_queryset_methods_of_a_manager_leave_void_rows_out(book: Book) -> None:
    assert list(Book.objects.thick()) == [book]
    book.delete()
    assert list(Book.objects.thick()) == []
    assert list(Book.objects.thick().all_objects_including_void()) == [book]


def test_related_managers_of_a_void_row_leave_it_out(shelf: Shelf, book: Book) -> None:
    tag = Tag.objects.create(name="old")
    book.tags.add(tag)
    book.delete()
    assert list(shelf.books.all()) == []
    assert list(tag.books.all()) == []
    assert list(shelf.books.all_objects_including_void()) == [book]
    assert list(tag.books.all_objects_including_void()) == [book]
    assert [list(s.books.all()) for s in Shelf.objects.prefetch_related("books")] == [[]]


def test_prefetch_with_void_rows_shows_them(shelf: Shelf, book: Book) -> None:
    book.delete()
    prefetch = Prefetch("books", queryset=Book.all_objects_including_void())
    assert [list(s.books.all()) for s in Shelf.objects.prefetch_related(prefetch)] == [[book]]


def test_all_objects_of_a_prefetched_manager_asks_the_database(shelf: Shelf, book: Book) -> None:
    book.delete()
    (prefetched,) = Shelf.objects.prefetch_related("books")
    assert list(prefetched.books.all()) == []
    assert list(prefetched.books.all_objects_including_void()) == [book]
    assert prefetched.pk == shelf.pk


def test_all_objects_of_a_filtered_query_keep_the_filter(shelf: Shelf, book: Book) -> None:
    Book.objects.create(shelf=shelf, title="Seals")
    book.delete()
    assert list(Book.objects.filter(title="Ledgers").all_objects_including_void()) == [book]
    assert list(shelf.books.filter(title="Seals").all_objects_including_void().values_list("title")) == [("Seals",)]


def test_all_objects_of_a_union_by_or_hold_on_both_sides(book: Book) -> None:
    other = Book.objects.create(shelf=book.shelf, title="Seals")
    Book.objects.all().delete()
    either = Book.objects.filter(title="Ledgers") | Book.objects.filter(title="Seals")
    assert list(either) == []
    assert list(either.all_objects_including_void().order_by("pk")) == [book, other]
    everything = Book.objects.filter(pages=1) | Book.objects.filter(pages=2) | Book.objects.all()
    assert everything.all_objects_including_void().count() == 2


def test_all_objects_then_a_filter_on_is_void_is_respected(book: Book) -> None:
    other = Book.objects.create(shelf=book.shelf, title="Seals")
    book.delete()
    assert list(Book.all_objects_including_void().filter(is_void=True)) == [book]
    assert list(Book.all_objects_including_void().filter(is_void=False)) == [other]
    assert list(Book.objects.filter(is_void=False).all_objects_including_void()) == [other]


def test_all_objects_leave_the_query_they_come_from_as_it_is(book: Book) -> None:
    book.delete()
    standing = Book.objects.filter(title="Ledgers")
    standing.all_objects_including_void()
    assert list(standing) == []


def test_all_objects_after_union_are_refused(book: Book) -> None:
    with pytest.raises(NotSupportedError, match="before union"):
        Book.objects.all().union(Book.objects.all()).all_objects_including_void()


def test_subqueries_of_the_default_manager_leave_void_rows_out(shelf: Shelf, book: Book) -> None:
    with_books = Shelf.objects.filter(Exists(Book.objects.filter(shelf=OuterRef("pk"))))
    assert list(with_books) == [shelf]
    book.delete()
    assert list(with_books.all()) == []


def test_exclusion_in_sql_has_no_parameter(book: Book) -> None:
    sql, params = Book.objects.all().query.sql_with_params()
    assert sql.endswith('WHERE NOT "testapp_book"."is_void"')
    assert params == ()
    assert book in Book.objects.all()


def test_foreign_key_to_a_void_row_reaches_it(shelf: Shelf, book: Book) -> None:
    Book._base_manager.filter(pk=book.pk).update(title="Kept")
    shelf.delete()
    fresh = Book.all_objects_including_void().get()
    assert fresh.shelf == shelf
    fresh.refresh_from_db()
    assert fresh.title == "Kept"
    fresh.pages = 7
    fresh.save()
    assert Book.all_objects_including_void().get().pages == 7


def test_get_or_create_beside_a_void_row_makes_a_new_one(book: Book) -> None:
    book.delete()
    again, created = Book.objects.get_or_create(shelf=book.shelf, title="Ledgers")
    assert (created, again.pk != book.pk) == (True, True)
    same, created = Book.objects.update_or_create(shelf=book.shelf, title="Ledgers", defaults={"pages": 3})
    assert (created, same.pk, same.pages) == (False, again.pk, 3)


def test_create_of_a_void_row_is_allowed() -> None:
    tag = Tag.objects.create(name="draft", is_void=True)
    assert not Tag.objects.exists()
    assert tag.restore() == (1, {"testapp.Tag": 1})
    assert Tag.objects.get() == tag


def test_insert_that_does_not_name_is_void_makes_a_standing_row() -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO testapp_tag (name) VALUES ('raw')")
    assert Tag.objects.get().is_void is False
