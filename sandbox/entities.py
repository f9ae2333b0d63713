"""Which entities a person sees in the sandbox: the console's grants, followed down the sandbox's own tree."""

from django.db import connections

from backoffice.databases import SANDBOX
from backoffice.grants import HOME
from backoffice.models import Entity, User

ROOTS = """
    WITH work AS (
        SELECT p.id FROM auth_permission p JOIN django_content_type t ON t.id = p.content_type_id
        WHERE t.app_label = 'backoffice' AND p.codename = %(work)s
    )
    SELECT entity_id FROM backoffice_groupgrant
    WHERE permission_id IN (SELECT id FROM work)
      AND group_id IN (SELECT group_id FROM backoffice_user_groups WHERE user_id = %(user)s)
    UNION
    SELECT entity_id FROM backoffice_persongrant WHERE permission_id IN (SELECT id FROM work) AND user_id = %(user)s
"""


def granted(person: User) -> list[int]:
    """Return the ids of the entities that a person has grants on. One query of the console's database."""
    with connections[HOME].cursor() as cursor:
        cursor.execute(ROOTS, {"work": Entity.WORK, "user": person.pk})
        return [entity for (entity,) in cursor.fetchall()]


def branches(roots: list[int]) -> list[int]:
    """Return these entities and all below them, ascending. One query of the sandbox, none without roots."""
    return Entity.branches(roots, using=SANDBOX)
