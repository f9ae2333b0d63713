"""Who may: small permission checks that compose with `&`, `|` and `~`.

Invariants:
- Nothing declared means `SuperUserGuard`.
- Only a person who is logged in, active and not void passes any guard; `AnyoneGuard` alone passes the anonymous too.
  That holds for `~` as well: `~StaffGuard()` passes the customers who are logged in, not the whole world.
- Guards are values: they compare by what they ask for, and their repr is the expression that makes them.
- A refusal is a 403, unless the guard that refuses says otherwise: `EntityGuard` (`backoffice.entity_guard`) answers 404
  or 400.

A guard of one's own subclasses `PersonGuard` and writes `passes()`.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from backoffice.models import User
from backoffice.roles import ROLES


def _person(request: HttpRequest) -> User | None:
    """Who is behind the request: logged in, active and not void, or nobody."""
    user = request.user
    return user if user.is_authenticated and user.is_active and not user.is_void else None


class Guard(ABC):
    """One permission check."""

    @abstractmethod
    def allows(self, request: HttpRequest, /, **kwargs: object) -> bool:
        """Whether the person behind `request` may; `kwargs` are those of the URL."""

    def refusal(self, request: HttpRequest, /, **kwargs: object) -> Exception:
        """Return what is raised where it refuses."""
        return PermissionDenied()

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def __and__(self, other: "Guard") -> "Guard":
        return AllGuard(self, other)

    def __or__(self, other: "Guard") -> "Guard":
        return AnyGuard(self, other)

    def __invert__(self) -> "Guard":
        return NotGuard(self)

    def __bool__(self) -> NoReturn:
        raise TypeError("Compose guards with &, | and ~: and, or, not would drop one of them.")


class PersonGuard(Guard):
    """A check of who is logged in; refuses the anonymous, the inactive and the void by itself."""

    def allows(self, request: HttpRequest, /, **kwargs: object) -> bool:
        person = _person(request)
        return person is not None and self.passes(person, request, **kwargs)

    @abstractmethod
    def passes(self, user: User, request: HttpRequest, /, **kwargs: object) -> bool:
        """Whether `user`, who is in good standing, may."""


@dataclass(frozen=True, repr=False)
class SuperUserGuard(PersonGuard):
    """Passes superusers: the default where nothing is declared."""

    def passes(self, user: User, request: HttpRequest, /, **kwargs: object) -> bool:
        return user.is_superuser


UNDECLARED: Final = SuperUserGuard()  # this very one stands where nobody has declared any; a test finds it


@dataclass(frozen=True, repr=False)
class StaffGuard(PersonGuard):
    """Passes staff."""

    def passes(self, user: User, request: HttpRequest, /, **kwargs: object) -> bool:
        return user.is_staff


@dataclass(frozen=True, repr=False)
class PermissionGuard(PersonGuard):
    """Passes who has the permission, such as `ledger.deposit`; superusers have all.

    Raises ValueError when the codename lacks its app: such a permission exists for nobody.
    """

    codename: str

    def __post_init__(self) -> None:
        if not all(self.codename.partition(".")):
            raise ValueError(f"A permission is named app.codename, not {self.codename!r}.")

    def passes(self, user: User, request: HttpRequest, /, **kwargs: object) -> bool:
        return user.has_perm(self.codename)

    def __repr__(self) -> str:
        return f"PermissionGuard({self.codename!r})"


@dataclass(frozen=True, repr=False, init=False)
class RoleGuard(PersonGuard):
    """Passes who has one of these roles (`backoffice.roles`), superusers only if they have one too. One query.

    Raises ValueError for what is no role: nobody would have it.
    """

    roles: frozenset[str]

    def __init__(self, *roles: str) -> None:
        if unknown := sorted(set(roles) - ROLES.keys()):
            raise ValueError(f"There is no role {', '.join(unknown)}: the roles are {', '.join(ROLES)}.")
        object.__setattr__(self, "roles", frozenset(roles))

    def passes(self, user: User, request: HttpRequest, /, **kwargs: object) -> bool:
        return user.groups.filter(name__in=self.roles).exists()

    def __repr__(self) -> str:
        return f"RoleGuard({', '.join(map(repr, sorted(self.roles)))})"


@dataclass(frozen=True, repr=False)
class ModelGuard(PersonGuard):
    """Passes staff who may do something with a ModelAdmin's rows: `view`, `add`, `change` or `delete`.

    Which rows, and whether this very one, is the ModelAdmin's to say.
    """

    model_admin: Any
    what: str = "view"

    def passes(self, user: User, request: HttpRequest, /, **kwargs: object) -> bool:
        asked = "view_or_change" if self.what == "view" else self.what
        return user.is_staff and bool(getattr(self.model_admin, f"has_{asked}_permission")(request))

    def __repr__(self) -> str:
        return f"ModelGuard({type(self.model_admin).__name__}, {self.what!r})"


@dataclass(frozen=True, repr=False)
class AnyoneGuard(Guard):
    """Declares a view public: passes everybody, the anonymous too, except the inactive and the void."""

    def allows(self, request: HttpRequest, /, **kwargs: object) -> bool:
        return not request.user.is_authenticated or _person(request) is not None


@dataclass(frozen=True, repr=False)
class AllGuard(Guard):
    """Made by `&`: both must allow."""

    first: Guard
    second: Guard

    def allows(self, request: HttpRequest, /, **kwargs: object) -> bool:
        return self.first.allows(request, **kwargs) and self.second.allows(request, **kwargs)

    def refusal(self, request: HttpRequest, /, **kwargs: object) -> Exception:
        refusing = self.second if self.first.allows(request, **kwargs) else self.first
        return refusing.refusal(request, **kwargs)

    def __repr__(self) -> str:
        parts = (f"({part})" if isinstance(part, AnyGuard) else repr(part) for part in (self.first, self.second))
        return " & ".join(parts)


@dataclass(frozen=True, repr=False)
class AnyGuard(Guard):
    """Made by `|`: one must allow."""

    first: Guard
    second: Guard

    def allows(self, request: HttpRequest, /, **kwargs: object) -> bool:
        return self.first.allows(request, **kwargs) or self.second.allows(request, **kwargs)

    def __repr__(self) -> str:
        return f"{self.first!r} | {self.second!r}"


@dataclass(frozen=True, repr=False)
class NotGuard(PersonGuard):
    """Made by `~`: passes people in good standing whom the other refuses."""

    inner: Guard

    def passes(self, user: User, request: HttpRequest, /, **kwargs: object) -> bool:
        return not self.inner.allows(request, **kwargs)

    def __repr__(self) -> str:
        return f"~({self.inner!r})" if isinstance(self.inner, AllGuard | AnyGuard) else f"~{self.inner!r}"
