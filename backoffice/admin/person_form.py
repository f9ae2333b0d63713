"""The form of a person: who comes back to work here comes with empty hands, which the database holds to as well."""

from collections.abc import Iterator
from typing import Any

from django.contrib.auth.forms import UserChangeForm
from django.core.exceptions import ValidationError

from backoffice.models import User

HELD = (
    "%(person)s still holds rights from before: %(held)s. Have them taken away first, by “Give or take rights”; what is needed "
    "again is asked for as for anybody new."
)


class PersonForm(UserChangeForm):  # type: ignore[type-arg]  # generic in the stubs only
    """A person's row."""

    def clean(self) -> dict[str, Any]:
        """Refuse to switch on somebody whose rights would all be back by the deed of one person."""
        data = super().clean() or {}
        person: User = self.instance
        was = {name: getattr(person, name) for name in ("is_active", "is_staff")}
        will = was | {name: data[name] for name in was if name in data}
        if all(will.values()) and not all(was.values()) and (held := list(_held_by(person))):
            field = next(name for name in was if not was[name])
            told = {"person": person, "held": ", ".join(held)}
            self.add_error(field, ValidationError(HELD, code="comes_back", params=told))
        return data


def _held_by(person: User) -> Iterator[str]:
    """Name what somebody holds. Three queries."""
    yield from person.groups.order_by("name").values_list("name", flat=True)
    yield from person.grants.order_by("content_object__name").values_list("content_object__name", flat=True)
    yield from person.user_permissions.order_by("name").values_list("name", flat=True)
