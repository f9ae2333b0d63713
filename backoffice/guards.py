"""Who may: small permission checks that compose with `&`, `|` and `~`.

Invariants:
- Nothing declared means `SuperUserGuard`.
- Only a person who is logged in, active and not void passes any guard; `AnyoneGuard` alone passes the anonymous too.
  That holds for `~` as well: `~StaffGuard()` passes the customers who are logged in, not the whole world.
- Guards are values: they compare by what they ask for, and their repr is the expression that makes them.

A guard of one's own subclasses `PersonGuard` and writes `passes()`.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import NoReturn

from django.http import HttpRequest

from backoffice.models import User


def _person(request: HttpRequest) -> User | None:
    """Who is behind the request: logged in, active and not void, or nobody."""
    user = request.user
    return user if user.is_authenticated and user.is_active and not user.is_void else None


class Guard(ABC):
    """One permission check."""

    @abstractmethod
    def allows(self, request: HttpRequest, /, **kwargs: object) -> bool:
        """Whether the person behind `request` may; `kwargs` are those of the URL."""

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


@dataclass(frozen=True, repr=False)
class GroupGuard(PersonGuard):
    """Passes members of the group, superusers only if they are members too. One query."""

    name: str

    def passes(self, user: User, request: HttpRequest, /, **kwargs: object) -> bool:
        return user.groups.filter(name=self.name).exists()

    def __repr__(self) -> str:
        return f"GroupGuard({self.name!r})"


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
