"""Finding accounts, actions and holds by what staff type: `look` makes the search of one request.

`reading` takes apart what was typed, with `operators` and `values`; `searching` looks it up; `going` leads to pages and
commands; `page` is the search box of every page.
"""

from typing import Any

from django.http import HttpRequest

from backoffice.models import Entity
from ledger.admin.finding.reading import read
from ledger.admin.finding.searching import Search
from ledger.models import Account, Action

HELP = (
    "A reference, a public id, a customer number, an e-mail address, a telephone number, how a name begins, a bank's or an invoice's reference, an "
    "amount, a date, or operators such as status:frozen balance:>1000."
)


def look(request: HttpRequest, site: Any, text: str) -> Search:
    """Return the search of what was typed for the person behind the request, on the site's database."""
    accounts, actions, entities = (
        site.get_model_admin(model).get_queryset(request) for model in (Account, Action, Entity)
    )
    return Search(read(text), accounts, actions, entities, request.user).settled()
