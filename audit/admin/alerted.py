"""Alerts in words: who it was, by name, and whom or what it is about, as the reader may see it, looked up together for a page."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.contrib.admin import AdminSite
from django.http import HttpRequest

from audit.alerts import KINDS, kind_of
from audit.models import Alert, Event
from audit.names import called, look_up, people_of
from audit.sentences import is_live
from backoffice.admin import ConsoleList


def tell(request: HttpRequest, site: AdminSite, alerts: Sequence[Any]) -> None:
    """Leave with each alert its event, who it was and what it is about. Two queries, and one a type of object."""
    keys = [alert.event_id for alert in alerts if alert.event_id]
    events: Any = site.get_model_admin(Event).get_queryset(request).filter(pk__in=keys).order_by() if keys else ()
    found = {event.pk: event for event in events}
    about = {
        alert.pk: (event.object_type, event.object_id)
        for alert in alerts
        if (event := found.get(alert.event_id)) and is_live(event) and kind_of(alert.rule).of_object
    }
    names, people = look_up(request, site, about.values()), people_of(alert.user_id for alert in alerts)
    for alert in alerts:
        alert.event = found.get(alert.event_id)
        alert.who = called(people.get(alert.user_id or 0, ""), alert.username)
        alert.about = names.get(about[alert.pk]) if alert.pk in about else None


def in_words(alert: Any) -> str:
    """Return what the rule said, with the name of who it was in the place of the user name that it begins with."""
    said = alert.text.removeprefix(f"{alert.username} ")
    return f"{alert.who} {said}" if said != alert.text else alert.text


class AlertList(ConsoleList):
    """A page of alerts with what they are about."""

    def get_results(self, request: HttpRequest) -> None:
        """Read one page, then what it speaks of, together."""
        super().get_results(request)
        tell(request, self.model_admin.admin_site, self.result_list)


class KindFilter(admin.SimpleListFilter):
    """By the kind of alert, in words."""

    title = "kind"
    parameter_name = "rule"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer every kind."""
        return [(name, kind.called) for name, kind in KINDS.items()]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Narrow the list."""
        return queryset.filter(rule=self.value()) if self.value() else queryset


class AlertColumns:
    """What lists and pages of alerts show that was looked up."""

    @admin.display(description="What")
    def what(self, alert: Alert) -> str:
        """Show what the rule said."""
        return in_words(alert)

    @admin.display(description="About")
    def about(self, alert: Any) -> str:
        """Show whom or what it is about, with the way there."""
        return alert.about.html if alert.about else "\N{EN DASH}"

    @admin.display(description="Kind")
    def kind(self, alert: Alert) -> str:
        """Show the kind in words."""
        return kind_of(alert.rule).called

    @admin.display(description="Who")
    def who(self, alert: Any) -> str:
        """Show who it was."""
        return alert.who or "\N{EN DASH}"
