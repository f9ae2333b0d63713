"""Guards by themselves, and the views behind them."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin as django_admin
from django.contrib.auth.models import AnonymousUser, Group, Permission
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import include, path, reverse

from backoffice.entity_guard import EntityGuard, Named
from backoffice.guards import (
    AnyoneGuard,
    Guard,
    ModelGuard,
    PermissionGuard,
    PersonGuard,
    RoleGuard,
    StaffGuard,
    SuperUserGuard,
)
from backoffice.models import Entity, User
from backoffice.roles import AGENT, LEAD, REVIEWER
from backoffice.views import BaseView, guarded
from ledger.models import Account
from tests.cast import LONG_AGO

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
    model_admin: Any = None

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


class AccountPage(Seen):
    """A page of an account within an entity, which can speak of others."""

    guard = StaffGuard()
    names = {
        "entity": Named("backoffice.Entity"),
        "account": Named("ledger.Account"),
        "to": Named("ledger.Account", by="uid"),
        "ids": Named("ledger.Account", many=True),
    }


def bare_page(request: HttpRequest) -> HttpResponse:
    """Answer whoever gets here."""
    return HttpResponse("bare")


urlpatterns: list[Any] = [
    path("seen/", Seen.as_view(), name="seen"),
    path("staff/", SeenByStaff.as_view()),
    path("public/", Seen.as_view(guard=AnyoneGuard())),
    path("own/<int:number>/", Seen.as_view(guard=OwnNumberGuard())),
    path("function/", staff_page),
    path("bare/", bare_page),
    path("<int:entity>/<int:account>/", AccountPage.as_view()),
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
    lead.groups.add(Group.objects.get(name=LEAD))
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
        (PermissionGuard("backoffice.view_entity"), {"permitted", "lead", "superuser"}),
        (RoleGuard(LEAD), {"lead"}),
        (RoleGuard(AGENT, LEAD), {"lead"}),
        (RoleGuard(AGENT, REVIEWER), set()),
        (ModelGuard(django_admin.site.get_model_admin(Account)), {"lead"}),
        (ModelGuard(django_admin.site.get_model_admin(Account), "change"), {"lead"}),
        (ModelGuard(django_admin.site.get_model_admin(Account), "add"), set()),
        (AnyoneGuard(), {"anonymous", "customer", "permitted", "staff", "lead", "superuser"}),
        (StaffGuard() | SuperUserGuard(), {"staff", "lead", "superuser"}),
        (StaffGuard() & RoleGuard(LEAD), {"lead"}),
        (StaffGuard() & ~RoleGuard(LEAD), {"staff"}),
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
        (~(StaffGuard() | RoleGuard(LEAD)), "~(StaffGuard() | RoleGuard('Support lead'))"),
        (ModelGuard(django_admin.site.get_model_admin(Account), "add"), "ModelGuard(AccountAdmin, 'add')"),
        (EntityGuard.of({"to": Named("ledger.Account", by="uid")}), "EntityGuard(to=ledger.account.uid)"),
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


def test_role_guard_of_what_is_no_role_is_refused() -> None:
    with pytest.raises(ValueError, match="There is no role Support leader"):
        RoleGuard(LEAD, "Support leader")


# Views


@pytest.mark.parametrize("method", ["get", "head", "options", "post", "put", "patch", "delete", "trace"])
def test_view_without_a_guard_sends_the_anonymous_to_the_login(method: str, client: Client) -> None:
    response = getattr(client, method)("/seen/?page=2")
    ended = "ended=sent&" if method == "post" else ""
    assert (response.status_code, response.url) == (302, f"{reverse('console:login')}?{ended}next=/seen/%3Fpage%3D2")
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


# What no guard stands before


def test_view_that_declares_nothing_is_refused_at_run_time(client: Client) -> None:
    assert client.get("/bare/").headers["Location"] == f"{reverse('console:login')}?next=/bare/"
    client.force_login(User.objects.create_user("staff", is_staff=True))
    assert client.get("/bare/").status_code == client.post("/bare/").status_code == 403
    client.force_login(User.objects.create_user("boss", is_superuser=True))
    assert client.get("/bare/").content == b"bare"


# Objects


@pytest.fixture
def accounts(nord: Entity, agent: User, client: Client) -> dict[str, Account]:
    """An account on nord, which the agent works on, on praha below it, and on sud, which is out of reach."""
    client.force_login(agent)
    agent.groups.add(Group.objects.get(name=AGENT))
    praha = Entity.objects.create(code="praha", name="Praha", parent=nord)
    entities = {"nord": nord, "praha": praha, "sud": Entity.objects.create(code="sud", name="Sudbank")}
    made = {}
    for code, entity in entities.items():
        customer = User.objects.create(username=f"of_{code}")
        made[code], _ = Account.create(user=customer, entity=entity, currency="CZK", by=agent, asof=LONG_AGO)
    return made


def status(client: Client, entity: Entity | int, account: Account | int, /, **named: Any) -> set[int]:
    """Ask with parameters in the query and in the body."""
    page = f"/{getattr(entity, 'pk', entity)}/{getattr(account, 'pk', account)}/"
    return {client.get(page, named).status_code, client.post(page, named).status_code}


def test_objects_of_the_named_entity_and_below_are_let_through(
    client: Client, accounts: dict[str, Account], nord: Entity
) -> None:
    assert status(client, nord, accounts["nord"]) == {200}
    assert status(client, nord, accounts["praha"]) == {200}
    assert status(client, nord, accounts["praha"], to=accounts["nord"].uid) == {200}
    both = f"{accounts['nord'].pk},{accounts['praha'].pk}"
    assert status(client, nord, accounts["nord"], ids=both, account=accounts["nord"].pk) == {200}
    assert status(client, nord, accounts["nord"], ids="", to="") == {200}


def test_object_out_of_reach_is_not_there_as_one_that_does_not_exist(
    client: Client, accounts: dict[str, Account], nord: Entity
) -> None:
    sud = accounts["sud"]
    for entity, account in (
        (nord, sud),
        (nord, 999_999),
        (sud.entity, sud),
        (sud.entity, accounts["nord"]),
        (999, sud),
    ):
        assert status(client, entity, account) == {404}
    for wrong in (
        {"to": sud.uid},
        {"to": "no-uid"},
        {"ids": f"{accounts['nord'].pk},{sud.pk}"},
        {"ids": f"{accounts['nord'].pk},x"},
        {"ids": "9" * 30},
    ):
        assert status(client, nord, accounts["nord"], **wrong) == {404}


def test_object_beside_the_named_entity_is_refused(client: Client, accounts: dict[str, Account], nord: Entity) -> None:
    praha = accounts["praha"]
    assert status(client, praha.entity, praha) == {200}
    assert status(client, praha.entity, accounts["nord"]) == {400}
    assert status(client, praha.entity, praha, to=accounts["nord"].uid) == {400}


def test_parameter_that_names_different_objects_is_refused(
    client: Client, accounts: dict[str, Account], nord: Entity
) -> None:
    mine, other = accounts["nord"], accounts["praha"]
    assert status(client, nord, mine, account=other.pk) == {400}
    assert status(client, nord, mine, entity=other.entity.pk) == {400}
    assert status(client, nord, mine, to=[mine.uid, other.uid]) == {400}
    page = f"/{nord.pk}/{mine.pk}/"
    assert client.post(f"{page}?ids={mine.pk},{other.pk}", {"ids": mine.pk}).status_code == 400
    assert client.post(f"{page}?ids={mine.pk},{other.pk}", {"ids": f"{other.pk},{mine.pk}"}).status_code == 200


def test_objects_do_not_matter_to_whom_the_view_refuses(client: Client, accounts: dict[str, Account]) -> None:
    client.force_login(User.objects.create_user("customer"))
    assert status(client, 1, accounts["sud"]) == {403}
    client.logout()
    assert status(client, 1, accounts["sud"]) == {302}


def test_guard_of_objects_composes(rf: RequestFactory, accounts: dict[str, Account], agent: User, admin: User) -> None:
    objects = EntityGuard.of({"account": Named("ledger.Account")})
    assert objects is not None
    request = rf.get("/", {"account": accounts["sud"].pk})
    passed = {}
    for person in (agent, admin):
        request.user = person
        guards = (objects, ~objects, objects | RoleGuard(AGENT), objects & RoleGuard(AGENT))
        passed[person] = [guard.allows(request) for guard in guards]
    assert passed == {agent: [False, True, True, False], admin: [True, False, True, False]}


def test_view_that_names_objects_and_declares_no_guard_is_refused() -> None:
    class Forgetful(BaseView):
        names = {"account": Named("ledger.Account")}

    with pytest.raises(TypeError, match="declares no guard"):
        Forgetful.as_view()


def test_what_names_no_model_names_the_rows_of_the_view_s_model_admin(
    rf: RequestFactory, accounts: dict[str, Account], agent: User
) -> None:
    page = SeenByStaff.as_view(model_admin=django_admin.site.get_model_admin(Account))
    assert repr(page.guard) == "StaffGuard() & EntityGuard(object_id=ledger.account.pk)"
    assert EntityGuard.of({"object_id": Named()}) is None
