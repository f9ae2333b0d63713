"""Finding people by what is typed, through indexes: an e-mail address, a customer number (the user name), the words of a name.

A prefix is a range of the folded column (`~>=~`, `~<~`), which an index with `text_pattern_ops` serves however the
statement is prepared; `LIKE` with a parameter would lose it in a generic plan. Case is folded by PostgreSQL's own
`pg_c_utf8`, the same on every server whatever its locale; accents count as typed.
"""

from functools import reduce
from operator import or_
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Func, Q
from django.db.models.lookups import Lookup
from django.db.models.sql.compiler import SQLCompiler

COLLATION = "pg_c_utf8"


class Folded(Func):
    """A text column without its case: what the indexes hold. One expression, as Django nests no Collate in an index."""

    function = "lower"
    template = f'%(function)s(%(expressions)s COLLATE "{COLLATION}")'
    arity = 1


class BeginsWith(Lookup[bool]):
    """The folded column begins with the text, whatever the text's case."""

    prepare_rhs = False

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, Any]:
        """Write the prefix as a range: from the text itself to the text with the last of all characters behind it."""
        column, params = self.process_lhs(compiler, connection)
        text = f'lower(%s::text COLLATE "{COLLATION}")'
        last = "U&'\\+10FFFF'"
        return f"({column} ~>=~ {text} AND {column} ~<~ ({text} || {last}))", (*params, self.rhs, *params, self.rhs)


def begins_with(path: str, text: str) -> Q:
    """Return the condition that a column begins with `text`."""
    return Q(BeginsWith(Folded(path), text))


def matching(typed: str, path: str = "") -> Q:
    """Return the condition that a person at `path` is meant: the address, or each word begins a name or the number."""
    if "@" in typed:
        return begins_with(f"{path}email", typed.strip())
    condition = Q()
    for word in typed.split():
        names = (begins_with(f"{path}{name}", word) for name in ("last_name", "first_name", "username"))
        condition &= reduce(or_, names)
    return condition
