"""The form of a person: nobody types a password for another, and who comes back to work here comes with empty hands.

The database holds to the second as well.
"""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib.auth.forms import UsernameField
from django.core.exceptions import ValidationError

from backoffice import duties
from backoffice.models import User

HELD = (
    "%(person)s still holds rights from before: %(held)s. Have them taken away first, by “Give or take rights”; what is needed "
    "again is asked for as for anybody new."
)
ADDRESS = "Staff set their password by a link, which is sent to their e-mail address: write it."
TAKEN = "Another member of staff has this e-mail address. Links for passwords are sent to it, so each needs one of their own."
NO_NUMBER = "This is no telephone number: write digits, no letters."


class PersonForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """A person's row; a new person has no password."""

    class Meta:
        model = User
        fields = ("username", "first_name", "last_name", "email", "phone", "is_staff")
        field_classes = {"username": UsernameField}
        labels = {
            "username": "User name",
            "email": "E-mail address",
            "is_staff": "Member of staff",
            "is_superuser": "Superuser",
            "user_permissions": "Permissions of their own",
        }
        help_texts = {
            "username": "Of a customer, the customer number. Letters, digits and @ . + - _, 150 at most.",
            "is_active": "Untick it when somebody leaves: they cannot log in any more, and what they did stays on record.",
            "is_staff": "Members of staff can log in to the console. What they may do there is for their groups to say.",
            "is_superuser": "May do everything, whatever the groups say.",
            "groups": "What their work is. Groups are given and taken by request.",
            "user_permissions": "Beside what their groups give them.",
        }

    def __init__(self, *args: Any, **how: Any) -> None:
        super().__init__(*args, **how)
        if rights := self.fields.get("user_permissions"):
            rights.queryset = rights.queryset.select_related("content_type")  # type: ignore[attr-defined]  # of a choice of rows

    def clean_phone(self) -> str:
        """Refuse what nobody could dial; one from before may stay."""
        phone: str = self.cleaned_data["phone"]
        dialled = any(sign.isdigit() for sign in phone) and not any(sign.isalpha() for sign in phone)
        if phone and not dialled and "phone" in self.changed_data:
            raise ValidationError(NO_NUMBER, code="no_number")
        return phone

    def clean(self) -> dict[str, Any]:
        """Refuse staff without an address of their own, and to switch on somebody whose rights would all be back by one's deed."""
        data = super().clean() or {}
        person: User = self.instance
        new = person._state.adding
        was = {name: getattr(person, name) and not new for name in ("is_active", "is_staff")}
        will = was | ({"is_active": True} if new else {}) | {name: data[name] for name in was if name in data}
        begins = all(will.values()) and not all(was.values())
        if begins or (all(will.values()) and "email" in self.changed_data):
            self._check_address(data.get("email", person.email), begins=begins)
        if begins and not new and (held := list(_held_by(person))):
            field = next(name for name in was if not was[name])
            told = {"person": person, "held": ", ".join(held)}
            self.add_error(field, ValidationError(HELD, code="comes_back", params=told))
        self._keep_duties_apart(data)
        return data

    def _check_address(self, address: str, *, begins: bool) -> None:
        """Refuse no address of who begins to work here, and another's who does. Customers may share theirs."""
        staff = User.objects.filter(is_staff=True, is_active=True).exclude(pk=self.instance.pk)
        field = "email" if "email" in self.fields else None
        if begins and not address:
            self.add_error(field, ValidationError(ADDRESS, code="no_address"))
        elif address and staff.filter(email__iexact=address).exists():
            self.add_error(field, ValidationError(TAKEN, code="address_taken"))

    def _keep_duties_apart(self, data: dict[str, Any]) -> None:
        """Refuse permissions that do not go with what the person has, as requests for groups are refused."""
        if "user_permissions" not in data or data.get("is_superuser", self.instance.is_superuser):
            return
        if why := duties.of_permissions(self.instance, data["user_permissions"]):
            self.add_error("user_permissions", ValidationError(why, code="two_duties"))

    def save(self, commit: bool = True) -> User:
        """Save a new person without a password that could be used."""
        if self.instance._state.adding:
            self.instance.set_unusable_password()
        person: User = super().save(commit)
        return person


def _held_by(person: User) -> Iterator[str]:
    """Name what somebody holds. Three queries."""
    yield from person.groups.order_by("name").values_list("name", flat=True)
    yield from person.grants.order_by("content_object__name").values_list("content_object__name", flat=True)
    yield from person.user_permissions.order_by("name").values_list("name", flat=True)
