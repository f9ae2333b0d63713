"""Asking that a right be given or taken, or an entity moved: from the page of an entity and from that of a person.

Form, preview and confirmation are those of every command; what is confirmed is a request that somebody else decides.
"""

from collections.abc import Sequence
from typing import Any, ClassVar, cast

from django import forms
from django.contrib import messages
from django.contrib.admin.widgets import AutocompleteSelect
from django.contrib.auth.models import Group
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html

from backoffice import grant_requests
from backoffice.command import CommandForm, CommandPage, Line
from backoffice.guards import PermissionGuard, StaffGuard
from backoffice.models import Entity, GrantRequest, User
from backoffice.reason import ReasonField
from backoffice.rights import ONE_S_OWN, GrantRefused, would

ASK = StaffGuard() & PermissionGuard("backoffice.request_grant")
GIVE, TAKE = "give", "take"


class WhyForm(CommandForm):
    """Why; and a field that is searched."""

    why = "reason"
    reason = ReasonField(help_text="For whoever decides on it. Kept with everything that comes of it.")

    def search(self, name: str, rows: Any, site: Any) -> None:
        """Let a field choose one of these rows, searched as their list is."""
        field: Any = self.fields[name]
        field.queryset = rows
        field.widget = AutocompleteSelect(GrantRequest._meta.get_field(name), site, choices=field.choices)


class AskForm(WhyForm):
    """Give or take, to or from one of two, and why; subclasses have the two, the first of them by name in `one_of`."""

    one_of: ClassVar[tuple[str, str]]
    deed = forms.ChoiceField(choices=[(GIVE, "Give"), (TAKE, "Take away")], label="Ask to")
    group = forms.ModelChoiceField(Group.objects.order_by("name"), required=False)

    def clean(self) -> dict[str, Any]:
        """Ask for exactly one of the two."""
        data = self.cleaned_data
        chosen = [name for name in self.one_of if data.get(name)]
        if len(chosen) != 1 and not self.errors.keys() & set(self.one_of):
            first, second = self.one_of
            self.add_error(
                first, f"Choose a {first} or {'an' if second == 'entity' else 'a'} {second}: one of the two."
            )
        return data


class EntityForm(AskForm):
    """Who is to work, or to stop working, on an entity."""

    one_of = ("group", "person")
    person = forms.ModelChoiceField(User.objects.none(), required=False, help_text="Or one person alone.")
    field_order = ("key", "deed", "group", "person", "reason")


class PersonForm(AskForm):
    """Which group a person is to be in, or which entity to work on."""

    one_of = ("group", "entity")
    entity = forms.ModelChoiceField(
        Entity.objects.none(), required=False, help_text="Or an entity, with all below it, for this person alone."
    )
    field_order = ("key", "deed", "group", "entity", "reason")


class MoveForm(WhyForm):
    """Where an entity is to stand."""

    parent = forms.ModelChoiceField(
        Entity.objects.none(),
        required=False,
        label="Entity above",
        help_text="Who works on it, or above it, will work here too, and its limits will bind. Empty for the top.",
    )
    field_order = ("key", "parent", "reason")


class Ask(CommandPage):
    """A request about the rights on, or of, the object of the URL; `?deed=take&group=3` fills the form."""

    name = "rights"
    verb = "Ask for a change of rights"
    help_text = (
        "Another person decides. Until then everything stays as it is; the request waits in the list of requests."
    )
    guard = ASK
    asks_again = True
    form_class: ClassVar[type[WhyForm]]
    form_template = "console/grant_form.html"
    preview_template = "console/proposal_preview.html"
    searched: ClassVar[str]  # the field that is searched
    subject: ClassVar[str]  # what the object of the URL is to the request
    model_admin: Any = None  # of the entities or people, given to as_view()

    def get_objects(self) -> Sequence[Any]:
        """Return the object that the rights are on, or whose they are."""
        found = self.model_admin.get_queryset(self.request).filter(pk=self.kwargs["object_id"]).first()
        if found is None:
            raise Http404("There is none that you may see.")
        return (found,)

    def make_form(self, data: Any = None) -> CommandForm:
        """Offer what the person sees."""
        form, site = cast("WhyForm", super().make_form(data)), self.model_admin.admin_site
        model: Any = GrantRequest._meta.get_field(self.searched).related_model
        rows = site.get_model_admin(model).get_queryset(self.request)
        form.search(self.searched, rows.filter(is_staff=True) if model is User else rows, site)
        if data is None:
            form.initial = {name: self.request.GET[name] for name in form.fields if name in self.request.GET}
        return form

    def asked(self, data: dict[str, Any]) -> dict[str, Any]:
        """Return the keywords of the request."""
        right = {name: value for name, value in data.items() if name in {"group", "person", "entity", "parent"}}
        give = data.get("deed", GIVE) == GIVE
        return {**right, self.subject: self.objects[0], "give": give, "by": cast("User", self.request.user)}

    def preview(self, data: dict[str, Any]) -> list[Line]:
        """Tell what approval would do."""
        seen = would(grant_requests.drawn_up(**self.asked(data)))
        if seen.text:
            return [self._refused(seen.code, seen.text)]
        return [Line(label=effect.what, before=effect.before, after=effect.after) for effect in seen.effects]

    def execute(self, data: dict[str, Any]) -> list[Line]:
        """File the request."""
        try:
            made = grant_requests.ask(reason=data["reason"], **self.asked(data))
        except GrantRefused as refusal:
            return [self._refused(refusal.code, str(refusal))]
        return [Line(label=str(made), url=reverse("console:backoffice_grantrequest_change", args=[made.pk]))]

    @staticmethod
    def _refused(code: str, text: str) -> Line:
        return Line(label="", error=text, error_field="reason" if code == "reason_required" else None, code=code)

    def answer(self, lines: list[Line]) -> HttpResponse:
        """Go to the request."""
        [line] = lines
        messages.success(self.request, format_html("{} waits until another person decides.", line.label))
        return HttpResponseRedirect(line.url)

    def page_context(self) -> dict[str, Any]:
        """Return what the admin's templates want: the page belongs to the entity or the person."""
        [row] = self.objects
        return {
            **self.model_admin.admin_site.each_context(self.request),
            "opts": self.model_admin.opts,
            "original": row,
            "title": f"{self.verb}: {row}",
            "standing": self.standing(row),
        }

    def standing(self, row: Any) -> list[tuple[str, list[str]]]:
        """Return what stands today, by kind."""
        raise NotImplementedError


class AskForEntity(Ask):
    """Who works on an entity."""

    subject, searched = "entity", "person"
    form_class = EntityForm

    def standing(self, row: Entity) -> list[tuple[str, list[str]]]:
        """Return who works here by a grant on this very entity. Two queries."""
        groups = row.group_grants.select_related("group").order_by("group__name")
        people = row.person_grants.select_related("user").order_by("user__last_name", "user__first_name")
        return [
            ("Groups that work here", [str(one.group) for one in groups]),
            ("People", [str(one.user) for one in people]),
        ]


class MoveEntity(Ask):
    """Where an entity stands in the tree."""

    name = "move"
    verb = "Ask to move it"
    subject, searched = "entity", "parent"
    form_class = MoveForm

    def standing(self, row: Entity) -> list[tuple[str, list[str]]]:
        """Return what is directly above and below. Two queries."""
        below = [str(one) for one in row.children.order_by("name")]
        return [("Entity above", [str(row.parent)] if row.parent else []), ("Entities below", below)]


class AskForPerson(Ask):
    """What a person belongs to."""

    subject, searched = "person", "entity"
    form_class = PersonForm

    def obstacle(self) -> str:
        """Say at once what would be refused whatever is chosen."""
        return ONE_S_OWN if self.objects[0].pk == self.request.user.pk else ""

    def standing(self, row: User) -> list[tuple[str, list[str]]]:
        """Return the person's groups and own grants. Two queries."""
        own = row.grants.select_related("content_object").order_by("content_object__name")
        groups = [str(group) for group in row.groups.order_by("name")]
        return [("Groups", groups), ("Entities granted to the person", [str(one.content_object) for one in own])]
