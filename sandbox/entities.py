"""Which entities a person sees in the sandbox: the console's grants, followed down the sandbox's own tree."""

from django.db import connections

from backoffice.databases import SANDBOX
from backoffice.grants import HOME
from backoffice.models import Entity, User

ROOTS = "SELECT backoffice_granted_to(%s)"


def granted(person: User) -> list[int]:
    """Return the ids of the entities that a person has grants on. One query of the console's database."""
    with connections[HOME].cursor() as cursor:
        cursor.execute(ROOTS, [person.pk])
        return [entity for (entity,) in cursor.fetchall()]


def branches(roots: list[int]) -> list[int]:
    """Return these entities and all below them, ascending. One query of the sandbox, none without roots."""
    return Entity.branches(roots, using=SANDBOX)
