"""How people have their lists: views that they or their teams keep, the columns they chose, and the view they begin with.

They belong to a person or to a team and to no entity: a view is an address with a name, and shows each reader what that
reader may see. Keeping and deleting one are events.
"""

from django.contrib.auth.models import Group
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from backoffice.models.user import User

NAME = 80
COLUMN = 100
QUERY = 2_000


class SavedView(models.Model):
    """A search of a list with its filters, order and columns, under a name: a person's own, or a team's."""

    label = models.CharField(max_length=100, help_text="The model of the list: ledger.account.")
    person = models.ForeignKey(User, models.CASCADE, null=True, related_name="+")
    team = models.ForeignKey(Group, models.CASCADE, null=True, related_name="+")
    name = models.CharField(max_length=NAME)
    query = models.CharField(max_length=QUERY, blank=True)
    columns = ArrayField(models.CharField(max_length=COLUMN), default=list, help_text="Empty: those of the reader.")

    class Meta:
        ordering = ["name", "id"]
        default_permissions = []
        permissions = [("share_view", "Can keep views of lists for a team")]
        constraints = [
            models.CheckConstraint(condition=Q(person=None) ^ Q(team=None), name="backoffice_savedview_one_s_own"),
            models.UniqueConstraint(
                fields=["person", "label", "name"], condition=Q(team=None), name="backoffice_savedview_of_person"
            ),
            models.UniqueConstraint(
                fields=["team", "label", "name"], condition=Q(person=None), name="backoffice_savedview_of_team"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ListChoice(models.Model):
    """What a person chose for a list."""

    person = models.ForeignKey(User, models.CASCADE, related_name="+")
    label = models.CharField(max_length=100)
    columns = ArrayField(models.CharField(max_length=COLUMN), default=list, help_text="Empty: those of the list.")
    opens = models.ForeignKey(SavedView, models.SET_NULL, null=True, related_name="+", help_text="Shown first of all.")

    class Meta:
        default_permissions = []
        constraints = [models.UniqueConstraint(fields=["person", "label"], name="backoffice_listchoice_once")]

    def __str__(self) -> str:
        return self.label
