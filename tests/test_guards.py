"""Guards by themselves, and the views behind them."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, Group, Permission
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import include, path, reverse

from backoffice.guards import (
    AnyoneGuard,
    GroupGuard,
    Guard,
    PermissionGuard,
    PersonGuard,
    StaffGuard,
    SuperUserGuard,
)
from backoffice.models import User
from backoffice.views import BaseView, guarded

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


class Seen(BaseView):
    """Answers; the guard is not declared."""

    ran: list[str] = []

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        self.ran.append("setup")
        super().setup(request, *args, **kwargs)

    def get(self, request: HttpRequest, **kwargs: object) -> HttpResponse:
        return HttpResponse("seen")

    post = get

    def put(self, request: HttpRequest, **kwargs: object) -> HttpResponse:
        raise AssertionError("PUT must never get here")


class SeenByStaff(Seen):
    guard = StaffGuard()

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Forgets to call super(): the guard stands before it all the same."""
        return HttpResponse("own dispatch")


class OwnNumberGuard(PersonGuard):
    """Passes the person whose number is in the URL."""

    def passes(self, user: User, request: HttpRequest, /, **kwargs: object) -> bool:
        return user.pk == kwargs["number"]


@guarded(StaffGuard())
def staff_page(request: HttpRequest) -> HttpResponse:
    """Answer staff."""
    return HttpResponse("staff")


urlpatterns: list[Any] = [
    path("seen/", Seen.as_view(), name="seen"),
    path("staff/", SeenByStaff.as_view()),
    path("public/", Seen.as_view(guard=AnyoneGuard())),
    path("own/<int:number>/", Seen.as_view(guard=OwnNumberGuard())),
    path("function/", staff_page),
    path("", include("backoffice.urls")),  # the login that the anonymous are sent to, and what a 403 page links to
]


@pytest.fixture(autouse=True)
def nothing_ran() -> Iterator[None]:
    Seen.ran.clear()
    yield
    Seen.ran.clear()


@pytest.fixture
def people() -> dict[str, User | AnonymousUser]:
    """One of each kind, by name."""
    make = User.objects.create_user
    void = make("void", is_staff=True, is_superuser=True)
    void.delete()
    lead = make("lead", is_staff=True)
    lead.groups.add(Group.objects.create(name="support lead"))
    permitted = make("permitted")
    permitted.user_permissions.add(Permission.objects.get(codename="view_entity"))
    return {
        "anonymous": AnonymousUser(),
        "customer": make("customer"),
        "permitted": permitted,
        "staff": make("staff", is_staff=True),
        "lead": lead,
        "superuser": make("superuser", is_superuser=True),
        "inactive": make("inactive", is_staff=True, is_superuser=True, is_active=False),
        "void": void,
    }


@pytest.mark.parametrize(
    ("guard", "passing"),
    [
        (SuperUserGuard(), {"superuser"}),
        (StaffGuard(), {"staff", "lead"}),
        (PermissionGuard("backoffice.view_entity"), {"permitted", "superuser"}),
        (GroupGuard("support lead"), {"lead"}),
        (AnyoneGuard(), {"anonymous", "customer", "permitted", "staff", "lead", "superuser"}),
        (StaffGuard() | SuperUserGuard(), {"staff", "lead", "superuser"}),
        (StaffGuard() & GroupGuard("support lead"), {"lead"}),
        (StaffGuard() & ~GroupGuard("support lead"), {"staff"}),
        (~StaffGuard(), {"customer", "permitted", "superuser"}),
        (~(StaffGuard() | SuperUserGuard()), {"customer", "permitted"}),
        (~~StaffGuard(), {"staff", "lead"}),
        (~AnyoneGuard(), set()),
        (AnyoneGuard() & StaffGuard(), {"staff", "lead"}),
    ],
)
def test_guard_of_each_kind_passes_whom_it_names(
    guard: Guard, passing: set[str], people: dict[str, User | AnonymousUser], rf: RequestFactory
) -> None:
    passed = set()
    for name, person in people.items():
        request = rf.get("/")
        request.user = person
        if guard.allows(request):
            passed.add(name)
    assert passed == passing


@pytest.mark.parametrize(
    ("guard", "text"),
    [
        (StaffGuard() & PermissionGuard("ledger.deposit"), "StaffGuard() & PermissionGuard('ledger.deposit')"),
        (~(StaffGuard() | GroupGuard("x")), "~(StaffGuard() | GroupGuard('x'))"),
        ((StaffGuard() | AnyoneGuard()) & SuperUserGuard(), "(StaffGuard() | AnyoneGuard()) & SuperUserGuard()"),
        (StaffGuard() | AnyoneGuard() & ~SuperUserGuard(), "StaffGuard() | AnyoneGuard() & ~SuperUserGuard()"),
    ],
)
def test_guard_s_repr_is_the_expression_that_makes_it(guard: Guard, text: str) -> None:
    assert repr(guard) == text


def test_guards_that_ask_for_the_same_are_equal() -> None:
    assert PermissionGuard("a.b") & StaffGuard() == PermissionGuard("a.b") & StaffGuard()
    assert PermissionGuard("a.b") != PermissionGuard("a.c")
    assert len({StaffGuard(), StaffGuard(), ~StaffGuard()}) == 2


def test_guards_joined_by_and_or_not_are_refused() -> None:
    with pytest.raises(TypeError, match="Compose guards with"):
        StaffGuard() and SuperUserGuard()
    with pytest.raises(TypeError, match="Compose guards with"):
        not StaffGuard()


@pytest.mark.parametrize("codename", ["deposit", "ledger.", ".deposit", ""])
def test_permission_guard_without_an_app_is_refused(codename: str) -> None:
    with pytest.raises(ValueError, match="is named app"):
        PermissionGuard(codename)


# Views


@pytest.mark.parametrize("method", ["get", "head", "options", "post", "put", "patch", "delete", "trace"])
def test_view_without_a_guard_sends_the_anonymous_to_the_login(method: str, client: Client) -> None:
    response = getattr(client, method)("/seen/?page=2")
    assert (response.status_code, response.url) == (302, f"{reverse('console:login')}?next=/seen/%3Fpage%3D2")
    assert Seen.ran == []


@pytest.mark.parametrize("method", ["get", "head", "options", "post", "put"])
def test_view_without_a_guard_forbids_staff(method: str, client: Client) -> None:
    client.force_login(User.objects.create_user("staff", is_staff=True))
    assert getattr(client, method)("/seen/").status_code == 403
    assert Seen.ran == []


@pytest.mark.parametrize(
    ("method", "status"),
    [("get", 200), ("head", 200), ("options", 200), ("post", 200), ("put", 405), ("patch", 405), ("delete", 405)],
)
def test_view_without_a_guard_lets_superusers_use_known_methods(method: str, status: int, client: Client) -> None:
    client.force_login(User.objects.create_user("boss", is_superuser=True))
    assert getattr(client, method)("/seen/").status_code == status


def test_view_with_a_dispatch_of_its_own_is_guarded_too(client: Client) -> None:
    assert client.get("/staff/").status_code == 302
    client.force_login(User.objects.create_user("staff", is_staff=True))
    assert client.get("/staff/").content == b"own dispatch"


def test_view_for_anyone_lets_the_anonymous_in(client: Client) -> None:
    assert client.get("/public/").content == b"seen"


def test_view_s_guard_gets_the_url_s_arguments(client: Client) -> None:
    user = User.objects.create_user("ann")
    client.force_login(user)
    assert client.get(f"/own/{user.pk}/").status_code == 200
    assert client.get(f"/own/{user.pk + 1}/").status_code == 403


def test_function_view_behind_a_guard_refuses_and_answers(client: Client, rf: RequestFactory) -> None:
    assert client.get("/function/").status_code == 302
    request = rf.get("/function/")
    request.user = User.objects.create_user("customer")
    with pytest.raises(PermissionDenied):
        staff_page(request)
    client.force_login(User.objects.create_user("staff", is_staff=True))
    assert client.get("/function/").content == b"staff"


def test_view_functions_tell_their_guard() -> None:
    assert [repr(pattern.callback.guard) for pattern in urlpatterns[:5]] == [
        "SuperUserGuard()",
        "StaffGuard()",
        "AnyoneGuard()",
        "OwnNumberGuard()",
        "StaffGuard()",
    ]
    assert staff_page.__doc__ == "Answer staff."
    assert vars(Seen.as_view())["view_class"] is Seen
    assert reverse("seen") == "/seen/"


def test_view_guarded_by_a_class_or_made_async_is_refused() -> None:
    with pytest.raises(TypeError, match="by a guard such as"):
        Seen.as_view(guard=StaffGuard)

    async def later(request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    with pytest.raises(TypeError, match="is async"):
        guarded(StaffGuard())(later)  # type: ignore[arg-type]  # the mistake
