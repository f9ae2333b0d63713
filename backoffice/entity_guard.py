"""A guard of what a request is about: every object that its URL, query and body name.

Invariants:
- The same parameter names the same rows wherever it is given, one row unless it is declared for several: else 400.
- Each named row is one that the person sees in the list of its model, on the site the request is on: else 404, whether
  it exists or not.
- Where a parameter names an entity, every other row named is of that entity or of one below it: else 400.

One query for each parameter that is given, one more for the branch of a named entity.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from django.apps import apps
from django.contrib import admin
from django.core.exceptions import BadRequest, PermissionDenied, ValidationError
from django.http import Http404, HttpRequest

from backoffice.guards import PersonGuard
from backoffice.models import Entity, User

Keys = frozenset[str]


@dataclass(frozen=True, slots=True)
class Named:
    """What a parameter names: rows of a model such as `ledger.account`, by a field; `many` of them between commas."""

    model: str = ""
    by: str = "pk"
    many: bool = False

    def keys(self, name: str, request: HttpRequest, kwargs: Mapping[str, object]) -> Keys:
        """Return the keys that are given. Raises BadRequest where URL, query and body name different rows."""
        said = [[str(kwargs[name])]] if name in kwargs else []
        said += [source.getlist(name) for source in (request.GET, request.POST)]
        found = {keys for values in said if (keys := frozenset(self._split(values)))}
        if len(found) > 1 or any(len(keys) > 1 and not self.many for keys in found):
            raise BadRequest(f"The request names different objects as {name}.")
        return found.pop() if found else frozenset()

    def _split(self, values: list[str]) -> Iterator[str]:
        for value in values:
            yield from filter(None, value.split(",") if self.many else [value])


@dataclass(frozen=True, repr=False)
class EntityGuard(PersonGuard):
    """Passes who sees every row that the request names, if all of them agree: `EntityGuard.of({"account": Named(…)})`."""

    names: tuple[tuple[str, Named], ...]
    site: Any

    @classmethod
    def of(cls, names: Mapping[str, Named], model_admin: Any = None) -> Self | None:
        """Return the guard of these parameters, or None where there is none.

        What names no model names the rows of `model_admin`; without one it names nothing.
        """
        own = model_admin.opts.label_lower if model_admin else ""
        known = ((name, replace(named, model=(named.model or own).lower())) for name, named in names.items())
        declared = tuple((name, named) for name, named in known if named.model)
        return cls(declared, model_admin.admin_site if model_admin else admin.site) if declared else None

    def passes(self, user: User, request: HttpRequest, /, **kwargs: object) -> bool:
        return self._problem(request, kwargs) is None

    def refusal(self, request: HttpRequest, /, **kwargs: object) -> Exception:
        return self._problem(request, kwargs) or PermissionDenied()

    def _problem(self, request: HttpRequest, kwargs: Mapping[str, object]) -> Exception | None:
        try:
            named = {
                name: self._entities(named, named.keys(name, request, kwargs), request) for name, named in self.names
            }
            self._agree(named)
        except (BadRequest, Http404) as problem:
            return problem
        return None

    def _entities(self, named: Named, keys: Keys, request: HttpRequest) -> set[Any]:
        """Return the entities of the rows. Raises Http404 where one of them is out of reach."""
        if not keys:
            return set()
        model_admin = self.site.get_model_admin(apps.get_model(named.model))
        opts = model_admin.opts
        field = opts.pk if named.by == "pk" else opts.get_field(named.by)
        while field.is_relation:
            field = field.target_field
        missing = f"There is no such {opts.verbose_name}, or it belongs to an entity that you do not work on."
        try:
            asked = {field.clean(key, None) for key in keys}
        except ValidationError:
            raise Http404(missing) from None
        path = getattr(model_admin, "entity_path", None) or "pk"
        rows = model_admin.get_queryset(request).filter(**{f"{named.by}__in": asked}).order_by()
        found = dict(rows.values_list(named.by, path))
        if len(found) < len(asked):
            raise Http404(missing)
        return set(found.values()) if model_admin.entity_path else set()

    def _agree(self, named: Mapping[str, set[Any]]) -> None:
        """Refuse rows beside the entity that the request names."""
        models = dict(self.names)
        roots = [pk for name, found in named.items() if models[name].model == Entity._meta.label_lower for pk in found]
        if not roots or not any(found - set(roots) for found in named.values()):
            return
        branch = set(Entity.branches(roots, using=self.site.using))
        if any(found - branch for found in named.values()):
            raise BadRequest("The request names an object that does not belong to the entity it names.")

    def __repr__(self) -> str:
        return f"EntityGuard({', '.join(f'{name}={named.model}.{named.by}' for name, named in self.names)})"
