"""The console: an admin site of its own, whose every page works on one database."""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, ClassVar, NamedTuple, cast

from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.forms import PasswordChangeForm
from django.core.cache import caches
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, get_script_prefix, reverse
from django.utils.cache import patch_cache_control
from django.utils.functional import SimpleLazyObject
from django.utils.translation import get_language

from audit.away import broken_notice, delay_notice
from backoffice.databases import working_on
from backoffice.guards import UNDECLARED, AnyoneGuard, Guard, ModelGuard, PermissionGuard, StaffGuard
from backoffice.reason import PasswordReason
from backoffice.views import ENDED, guarded

TEXTS_KEPT = 3600  # seconds
LAST = ("backoffice", "auth")  # people and their rights are looked after less often than their accounts
SANDBOX_GUARD = StaffGuard() & PermissionGuard("sandbox.use_sandbox")
# Who gets to Django's own pages: the site's by their names, a ModelAdmin's by what they are for. Ours declare it themselves.
SITE_GUARDS: dict[str, Guard] = {
    "login": AnyoneGuard(),
    "logout": AnyoneGuard(),
    "index": StaffGuard(),
    "app_list": StaffGuard(),
    "autocomplete": StaffGuard(),
    "jsi18n": StaffGuard(),
    "password_change": StaffGuard(),
    "password_change_done": StaffGuard(),
    "catch_all_view": StaffGuard(),
}
MODEL_PAGES = {
    "changelist": "view",
    "change": "view",
    "history": "view",
    "view": "view",  # without a name: it leads to the change page
    "add": "add",
    "delete": "delete",
}
View = Callable[..., HttpResponseBase]
Page = URLPattern | URLResolver


class Autocomplete(AutocompleteJsonView):
    """The search behind a field: objects are called what their ModelAdmin calls them.

    With `?beside=` it offers what can go with that object: its ModelAdmin says by which words. Beside what the reader does not
    see, or what is none, nothing is offered.
    """

    def get_queryset(self) -> QuerySet[Any]:
        """Return what is offered, of what the reader sees."""
        key = self.request.GET.get("beside")
        if key is None:
            return super().get_queryset()
        from audit.names import fits  # noqa: PLC0415  as below

        rows, words = self.model_admin.get_queryset(self.request), getattr(self.model_admin, "goes_with", None)
        found = rows.filter(pk=key).first() if fits(rows.model, key) else None
        if words is None or found is None:
            return rows.none()
        self.term = f"{self.term} {words(found)}"
        return super().get_queryset().exclude(pk=found.pk)

    def serialize_result(self, obj: Model, to_field_name: str) -> dict[str, str]:
        """Return one choice."""
        name = getattr(self.model_admin, "autocomplete_text", str)
        return {**super().serialize_result(obj, to_field_name), "text": name(obj)}


class OwnPasswordForm(PasswordReason, PasswordChangeForm):
    """One's own new password, and why."""


class HeaderLink(NamedTuple):
    """A link in the header; `calls` for attention or not."""

    label: str
    url: str
    calls: bool = False


class ConsoleSite(AdminSite):
    """The back office."""

    site_header = "Back office"
    site_title = "Back office"
    index_title = "Console"
    site_url = None
    empty_value_display = "\N{EN DASH}"
    enable_nav_sidebar = True
    using = "default"
    keeps_views = True  # whether people keep views of its lists, and choose their columns
    # Apps add pages of no model: each is asked by each site.
    more_pages: ClassVar[list[Callable[["ConsoleSite"], Sequence["Page"]]]] = []

    def __init__(self, name: str = "console") -> None:
        super().__init__(name=name)
        # Apps add theirs: called for each page, answered with None where there is nothing for the reader.
        self.header_links: list[Callable[[HttpRequest], HeaderLink | None]] = []

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Add which environment this is, the way to the sandbox for those who may, and what is said of the event log.

        The last are asked only by the pages that show it. `drawn_for` is the same for all whom the pieces of a page that stand
        on every page say the same, so that templates keep these under it; `here` is the list in the sidebar that one is on.
        """
        sandbox = reverse("sandbox:index") if SANDBOX_GUARD.allows(request) else ""
        links = [link for made in self.header_links if (link := made(request))]
        said = {"delay_notice": SimpleLazyObject(delay_notice), "broken_notice": SimpleLazyObject(broken_notice)}
        ours = {"environment": settings.ENVIRONMENT, "sandbox_url": sandbox, "header_links": links, **said}
        context = {**super().each_context(request), **ours}
        lists = [model["admin_url"] for app in context["available_apps"] for model in app["models"]]
        here = next((page for page in lists if page and request.path.startswith(page)), "")
        return {**context, "here": here, "drawn_for": self.drawn_for(request)}

    def drawn_for(self, request: HttpRequest) -> str:
        """Return what decides what is on every page, but for what is asked of the database: the site, the language, the rights."""
        rights = getattr(request.user, "rights", "")  # nobody has none
        return f"{self.drawn_on()}:{rights}"

    def drawn_on(self) -> str:
        """Return what of that is the same for everybody: the site, where it lies, the language."""
        return f"{self.name}:{get_script_prefix()}:{get_language()}"

    def stand_in(self, person: Any) -> Any:
        """Return who somebody who is logged in is on this site's database."""
        return person

    def reach(self, person: Any) -> Sequence[int]:
        """Return the entities that somebody who is no superuser works on here."""
        from backoffice.grants import entities_of  # noqa: PLC0415  the site is made before models are loaded

        return entities_of(person)

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[dict[str, Any]]:
        """Return the apps by name, the daily work first: worked out once for all who may do the same."""
        key = f"apps:{app_label}:{self.drawn_for(request)}"
        return cast("list[dict[str, Any]]", caches["pieces"].get_or_set(key, lambda: self._apps(request, app_label)))

    def _apps(self, request: HttpRequest, app_label: str | None) -> list[dict[str, Any]]:
        apps = super().get_app_list(request, app_label)
        for told in [*apps, *(model for app in apps for model in app["models"])]:
            told["name"] = str(told["name"])  # in the language of the key
        return sorted(apps, key=lambda app: LAST.index(app["app_label"]) if app["app_label"] in LAST else -1)

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """Show what waits for the reader and how things stand, and the lists: `backoffice.dashboard`."""
        from backoffice import dashboard  # noqa: PLC0415  the site is made before models are loaded

        return super().index(request, {"told": dashboard.told(request, self), **(extra_context or {})})

    def i18n_javascript(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Let a browser keep the texts of the admin's scripts for an hour: every list and every form asks for them."""
        response = super().i18n_javascript(request, extra_context)
        patch_cache_control(response, private=True, max_age=TEXTS_KEPT)
        return response

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the login form, and lead on to the second factor."""
        from django.contrib.admin.forms import AdminAuthenticationForm  # noqa: PLC0415  as below

        from backoffice.login.pages import Door  # noqa: PLC0415  the site is made before models are loaded

        index = reverse("admin:index", current_app=self.name)
        if request.method == "GET" and self.has_permission(request):
            return HttpResponseRedirect(index)
        following = {} if {REDIRECT_FIELD_NAME} & {*request.GET, *request.POST} else {REDIRECT_FIELD_NAME: index}
        about = {"title": "Log in", "app_path": request.get_full_path(), "username": request.user.get_username()}
        about["ended"] = ENDED.get(request.GET.get("ended", ""), "")
        context = {**self.each_context(request), **about, **following, **(extra_context or {})}
        request.current_app = self.name  # for {% url "admin:…" %}
        view = Door.as_view(
            extra_context=context, authentication_form=AdminAuthenticationForm, template_name="admin/login.html"
        )
        return cast("HttpResponse", view(request))

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """Let people change their own password, with a reason as for every change."""
        from backoffice.login.pages import OwnPassword  # noqa: PLC0415  the site is made before models are loaded

        view = OwnPassword.as_view(
            form_class=OwnPasswordForm,
            template_name="console/password.html",
            success_url=reverse("admin:password_change_done", current_app=self.name),
            extra_context={**self.each_context(request), **(extra_context or {})},
        )
        return cast("TemplateResponse", view(request))

    def autocomplete_view(self, request: HttpRequest) -> HttpResponse:
        """Answer the search behind a field."""
        return cast("HttpResponse", Autocomplete.as_view(admin_site=self)(request))

    def get_urls(self) -> list[Page]:
        """Return the pages, every one of them, command pages too, wrapped by `placed`.

        `view_on_site` is left out: it would look up any row of any table, and no model has a page elsewhere.
        """
        from backoffice import list_pages  # noqa: PLC0415  as below

        pages = [page for page in super().get_urls() if getattr(page, "name", "") != "view_on_site"]
        ours = [page for made in self.more_pages for page in made(self)]
        views = list_pages.pages() if self.keeps_views else ()
        return _each_view([*ours, *views, *pages], self.placed)

    def placed(self, view: View, name: str | None) -> View:
        """Wrap the view of that name so that it, and the template of its answer, work on the site's database.

        One that declares no guard gets the one that its name stands for, or the default.
        """
        if not hasattr(view, "guard"):
            view = guarded(guard_of(view, name))(view)

        @wraps(view)
        def on_our_database(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            with working_on(self.using):
                return rendered(view(request, *args, **kwargs))

        return on_our_database


def guard_of(view: Any, name: str | None) -> Guard:
    """Return who gets to one of Django's own pages; superusers to what is not known here."""
    called = name or view.__name__
    model_admin = getattr(view, "model_admin", None)
    if model_admin is None:
        return SITE_GUARDS.get(called, UNDECLARED)
    opts = model_admin.opts
    what = MODEL_PAGES.get(called.removeprefix(f"{opts.app_label}_{opts.model_name}_"))
    return ModelGuard(model_admin, what) if what else UNDECLARED


def rendered(response: HttpResponseBase) -> HttpResponseBase:
    """Render a template response now, so that its queries belong to the view."""
    render = getattr(response, "render", None)
    return render() if callable(render) else response


def _each_view(pages: Sequence[Page], wrap: Callable[[View, str | None], View]) -> list[Page]:
    result: list[Page] = []
    for page in pages:
        if isinstance(page, URLPattern):
            result.append(URLPattern(page.pattern, wrap(page.callback, page.name), page.default_args, page.name))
        else:
            inner = _each_view(page.url_patterns, wrap)
            result.append(URLResolver(page.pattern, inner, page.default_kwargs, page.app_name, page.namespace))
    return result
