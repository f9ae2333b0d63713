"""A legal entity: the company whose books an account is on. Entities form a tree."""

from django.core.exceptions import ValidationError
from django.db import connections, models

from audit.capture import captured
from backoffice.models.base import Model

BRANCHES = """
    WITH RECURSIVE branch(id) AS (
        SELECT unnest(%s::bigint[])
        UNION
        SELECT entity.id FROM backoffice_entity entity JOIN branch ON entity.parent_id = branch.id
    )
    SELECT coalesce(array_agg(id ORDER BY id), '{}') FROM branch
"""


class Entity(Model):
    """A legal entity of the group.

    Grants on a node cover its branch. Nothing that has accounts can be voided: `Account.entity` protects it.
    """

    admin_help_text = (
        "A legal entity whose books accounts are on. What is granted on an entity covers all entities below it."
    )

    WORK = "work_on_entity"

    code = models.SlugField(
        max_length=32, unique=True, help_text="Short name for searches and files, such as nord; never reused."
    )
    name = models.CharField(max_length=120)
    parent = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="children",
        help_text="The entity above; empty for the top of a group.",
    )
    created = models.DateTimeField(auto_now_add=True, editable=False)

    history = captured()

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "entities"
        permissions = [("work_on_entity", "Works on the entity and those below it; granted entity by entity")]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(parent=models.F("id")),
                name="backoffice_entity_not_its_own_parent",
                violation_error_message="An entity cannot be above itself.",
            )
        ]

    told_by = ("name",)

    def __str__(self) -> str:
        return self.name

    @staticmethod
    def branches(roots: list[int], *, using: str = "default") -> list[int]:
        """Return the ids of these entities and all below them, ascending. One query, none without roots."""
        if not roots:
            return []
        with connections[using].cursor() as cursor:
            cursor.execute(BRANCHES, [roots])
            [(ids,)] = cursor.fetchall()
        return list(ids)

    def clean(self) -> None:
        """Refuse a parent from below: a grant on one of them would then cover them all."""
        above, passed = self.parent, set[int]()
        while above is not None and above.pk not in passed:
            if above.pk == self.pk:
                raise ValidationError({"parent": "This entity is below the one you edit: choose another one."})
            passed.add(above.pk)
            above = above.parent
