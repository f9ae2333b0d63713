"""The admin's delete pages over models that void: what they list, and that they void."""

import pytest
from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.admin.actions import delete_selected
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.contrib.messages.storage.fallback import FallbackStorage
from django.http import HttpRequest
from django.test import RequestFactory

from backoffice.voiding_preview import objects_to_void
from tests.testapp.models import Book, Chapter, Entry, Loan, Seal, Shelf, Sticker, Tag

pytestmark = pytest.mark.django_db


@pytest.fixture
def request_of_admin(rf: RequestFactory) -> HttpRequest:
    request = rf.post("/", {"post": "yes"})
    request.user = get_user_model().objects.create_superuser("boss", password="secret")
    request.session = {}  # type: ignore[assignment]  # messages only need a place
    request._messages = FallbackStorage(request)  # type: ignore[attr-defined]  # what the middleware sets
    return request


@pytest.fixture
def shelf() -> Shelf:
    """A shelf with a book with a chapter, a void chapter, a sticker and a tag."""
    shelf = Shelf.objects.create(name="history")
    book = Book.objects.create(shelf=shelf, title="Ledgers")
    Chapter.objects.create(book=book, title="One")
    Chapter.objects.create(book=book, title="Gone before").delete()
    Sticker.objects.create(shelf=shelf)
    book.tags.add(Tag.objects.create(name="old"))
    return shelf


def test_preview_of_a_delete_lists_what_will_be_voided(shelf: Shelf, request_of_admin: HttpRequest) -> None:
    tree, counts, lacking, protected = objects_to_void([shelf], request_of_admin, AdminSite())
    assert tree == ["Shelf: history", ["Book: Ledgers", ["Chapter: One"]]]
    assert counts == {"shelfs": 1, "books": 1, "chapters": 1}
    assert (lacking, protected) == (set(), [])


def test_preview_of_a_refused_delete_names_what_protects(shelf: Shelf, request_of_admin: HttpRequest) -> None:
    loan = Loan.objects.create(book=shelf.books.get())
    seal = Seal.objects.create(shelf=shelf)
    entry = Entry.objects.create(shelf=shelf)
    *_, protected = objects_to_void(Shelf.objects.all(), request_of_admin, AdminSite())
    assert sorted(protected) == sorted([f"Entry: {entry}", f"Loan: {loan}", f"Seal: {seal}"])


def test_preview_of_nothing_is_empty(request_of_admin: HttpRequest) -> None:
    assert objects_to_void(Shelf.objects.all(), request_of_admin, AdminSite()) == ([], {}, set(), [])


def test_preview_without_permission_on_a_dependent_says_so(shelf: Shelf, request_of_admin: HttpRequest) -> None:
    class ClosedAdmin(ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
        def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
            return False

    site = AdminSite()
    site.register(Chapter, ClosedAdmin)
    assert objects_to_void([shelf], request_of_admin, site)[2] == {"chapter"}


def test_delete_selected_of_the_stock_admin_voids(shelf: Shelf, request_of_admin: HttpRequest) -> None:
    ContentType.objects.get_for_model(Shelf)
    site = AdminSite()
    assert delete_selected(ModelAdmin(Shelf, site), request_of_admin, Shelf.objects.all()) is None
    assert (Shelf.objects.count(), Chapter.objects.count()) == (0, 0)
    assert (Shelf.all_objects_including_void().count(), Chapter.all_objects_including_void().count()) == (1, 2)
    assert Sticker.objects.count() == 1


def test_delete_model_of_the_stock_admin_voids(shelf: Shelf, request_of_admin: HttpRequest) -> None:
    admin = ModelAdmin(Shelf, AdminSite())
    assert admin.get_deleted_objects([shelf], request_of_admin)[3] == []
    admin.delete_model(request_of_admin, shelf)
    assert shelf.is_void is True
    assert Shelf.all_objects_including_void().get().is_void is True
