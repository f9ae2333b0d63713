"""Finding accounts, actions and holds by what staff type: `look` makes the search of one request.

`reading` takes apart what was typed, with `operators` and `values`; `searching` looks it up; `going` leads to pages and
commands; `page` is the search box of every page.
"""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest

from backoffice.models import Entity
from ledger.admin.finding.reading import read
from ledger.admin.finding.searching import Search
from ledger.models import Account, Action

HELP = (
    "A reference, a public id, a customer number, an e-mail address, a telephone number, how a name begins, a bank's or an invoice's reference, an "
    "amount, a date, or operators such as status:frozen balance:>1000."
)


def look(request: HttpRequest, site: Any, text: str, among: QuerySet[Any] | None = None) -> Search:
    """Return the search of what was typed for the person behind the request, on the site's database.

    `among` are the rows that a list's filters leave: candidates are taken of these, or of what happened on them, so that a
    filter does not take away from the candidates that there are without it.
    """
    rows: dict[Any, Any] = {
        model: site.get_model_admin(model).get_queryset(request) for model in (Account, Action, Entity)
    }
    if among is not None and among.model in rows and among.query.where != rows[among.model].query.where:
        rows[among.model] = among
        if among.model is Account:
            rows[Action] = rows[Action].filter(account__in=among.order_by().values("pk"))
    return Search(read(text), rows[Account], rows[Action], rows[Entity], request.user).settled()
