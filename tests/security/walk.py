"""Every address of the site, with what it takes from its path and whose page it is."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern

GROUP = re.compile(r"\(\?P<(\w+)>[^)]*\)|<(?:\w+:)?(\w+)>")


class Address(NamedTuple):
    """One pattern of the resolver."""

    route: str  # with <name> for each thing that it takes
    takes: tuple[str, ...]
    name: str
    place: str  # console or sandbox
    model: str  # the label of the model whose pages it belongs to, if any
    guard: Any  # what stands before it

    def filled(self, values: Mapping[str, object]) -> str:
        """Return the address with these values."""
        return re.sub(r"<(\w+)>", lambda found: str(values[found[1]]), self.route)

    def __str__(self) -> str:
        return f"{self.place} {self.name or self.route}"


def addresses() -> list[Address]:
    """Return all of them."""
    return list(_walk(get_resolver(), "/", ""))


def objects() -> list[Address]:
    """Return those that name something in their path."""
    return [address for address in addresses() if address.takes]


def _walk(resolver: URLResolver, prefix: str, place: str) -> Iterator[Address]:
    for pattern in resolver.url_patterns:
        route = prefix + _plain(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern, route, pattern.namespace or place)
        elif isinstance(pattern, URLPattern):
            takes = tuple(re.findall(r"<(\w+)>", route))
            yield Address(
                route,
                takes,
                pattern.name or "",
                place,
                _model(pattern.callback),
                getattr(pattern.callback, "guard", None),
            )


def _plain(pattern: Any) -> str:
    text = str(pattern)
    plain = GROUP.sub(lambda found: f"<{found[1] or found[2]}>", text)
    return plain if isinstance(pattern, RoutePattern) else plain.removeprefix("^").removesuffix("$").replace("\\Z", "")


def _model(view: Any) -> str:
    """Return the label of the model of a page: the admin's own views carry their ModelAdmin, ours are given it."""
    owner = getattr(view, "model_admin", None) or getattr(view, "view_initkwargs", {}).get("model_admin")
    return str(owner.opts.label_lower) if owner else ""
