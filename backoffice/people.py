"""Finding people by what is typed: how a name, an address or a customer number begins, or how a telephone number ends.

In the database (`migrations/sql/0015_people_by_phone.sql`), because conditions on how a text begins have no index under
row-level security unless the owner of the tables asks. Neither case nor accents matter, nor the order of a name's parts.
"""

from django.db import connections

CANDIDATES = 1_001  # of whom a search that finds more shows some


def matching(typed: str, *, using: str, others: bool = False) -> list[int]:
    """Return the keys of CANDIDATES people at most whom the scope shows, void ones too; staff too with `others`. One query."""
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT backoffice_people_found(%s, %s, %s)", [typed, others, CANDIDATES])
        return [person for (person,) in cursor.fetchall()]
