"""The preview: all that a row would post, what the rows come to, and a button that is not far away."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from imports.models import Import
from imports.results import Result, digest_of
from ledger.models import Account
from tests.cast import OpenAccount
from tests.imports.conftest import Desk
from tests.imports.files import csv_of

pytestmark = pytest.mark.django_db


def html_of(page: Any) -> str:
    return re.sub(r"\s+", " ", page.content.decode())


def test_preview_shows_date_reference_and_comment_of_each_row(desk: Desk, account: Account) -> None:
    preview = desk.upload(
        csv_of(
            (account.uid, "deposit", "1", "2024-03-01", "bank_transfer", "B-1", "Refund", ""),
            (account.uid, "deposit", "2", "2024-03-01T10:30:05+01:00", "cash", "", "Tips <b>", ""),
            (account.uid, "withdrawal", "900", "2024-03-02", "", "", "Rent", ""),
            (account.uid, "deposit", "3", "", "", "", "", ""),
        )
    )
    told = [(line.asof, line.referred, line.comment) for line, _ in preview.context["lines"]]
    assert told == [
        ("1 Mar 2024", "Bank transfer B-1", "Refund"),
        ("1 Mar 2024, 10:30:05 CET", "Cash desk", "Tips <b>"),
        ("2 Mar 2024", "", "Rent"),
        ("", "", "Imported from a file"),
    ]
    html = html_of(preview)
    cells = '<td>1 Mar 2024</td> <td>Bank transfer B-1</td> <td>Refund</td> <td class="amount">CZK 100.00</td>'
    assert cells in html
    assert "<td>Tips &lt;b&gt;</td>" in html
    assert '<td>Rent</td> <td colspan="3"><strong>Refused:</strong>' in html


@pytest.mark.parametrize("moment", ["0001-01-01T00:00+14:00", "9999-12-31T23:59-14:00"])
def test_first_and_last_moment_that_there_is_are_refused_and_shown(desk: Desk, account: Account, moment: str) -> None:
    [(line, _)] = desk.upload(csv_of((account.uid, "deposit", "1", moment, "", "", "", ""))).context["lines"]
    assert (line.code, line.asof[:10]) == ("invalid_moment", moment[:10])


def test_totals_are_told_by_currency_with_what_is_refused(
    desk: Desk, account: Account, open_account: OpenAccount
) -> None:
    other = open_account("50", currency="EUR")
    desk.post(csv_of((account.uid, "deposit", "5", "", "", "", "", "known")))
    preview = desk.upload(
        csv_of(
            (account.uid, "deposit", "1000.50", "", "", "", "", ""),
            (account.uid, "deposit", "1", "", "", "", "", ""),
            (account.uid, "withdrawal", "7", "", "", "", "", ""),
            (account.uid, "deposit", "5", "", "", "", "", "known"),
            (other.uid, "withdrawal", "2", "", "", "", "", ""),
            (other.uid, "withdrawal", "2000", "", "", "", "", ""),
            ("x", "deposit", "2", "", "", "", "", ""),
        )
    )
    assert [tuple(total) for total in preview.context["totals"]] == [
        ("CZK", 2, "CZK 1,001.50", 1, "CZK 7.00", 0),
        ("EUR", 0, "EUR 0.00", 1, "EUR 2.00", 1),
        ("", 0, "", 0, "", 1),
    ]
    html = html_of(preview)
    assert '<th scope="row">CZK</th> <td class="amount">2</td> <td class="amount">CZK 1,001.50</td>' in html
    assert '<th scope="row">not known</th>' in html


@pytest.mark.parametrize("fact", ["asof", "referred", "comment"])
def test_what_was_shown_binds_date_reference_and_comment(fact: str) -> None:
    facts: dict[str, Any] = {fact: "other"}
    assert digest_of([Result(line=2)]) != digest_of([Result(line=2, **facts)])


def test_note_has_its_column_where_a_row_was_posted_before(desk: Desk, account: Account) -> None:
    known, bad = (account.uid, "deposit", "5", "", "", "", "", "known"), ("x", "deposit", "2", "", "", "", "", "")
    before = html_of(desk.upload(csv_of(known, bad)))
    assert (">Note</th>" in before, '<td colspan="3"><strong>Refused' in before) == (False, True)
    desk.post(csv_of(known))
    after = html_of(desk.upload(csv_of(known, bad)))
    assert (">Note</th>" in after, '<td colspan="4"><strong>Refused' in after) == (True, True)


def test_what_only_the_preview_shows_is_not_kept_a_second_time(desk: Desk, account: Account) -> None:
    done = desk.post(csv_of((account.uid, "deposit", "1", "2024-03-01", "", "", "Refund", "")))
    assert set(done.results[0]) == {
        "line", "account", "before", "change", "after", "code", "error", "replayed", "reference", "action"
    }  # fmt: skip
    assert Import.objects.get().posted == 1


def test_long_file_has_its_button_above_the_rows_too(desk: Desk, account: Account) -> None:
    for number, buttons in ((20, 1), (1200, 2)):
        rows = [(account.uid, "deposit", "1", "", "", "", "", "")] * number
        html = html_of(desk.upload(csv_of(*rows)))
        found = re.findall(r"<button[^>]*>Post ([0-9,]+) rows</button>", html)
        assert found == [f"{number:,}"] * buttons
        assert f"Post {number:,} of {number:,} rows." in html
    assert html.index('form="confirm"') < html.index(">Line<") < html.index('id="confirm"')


def test_preview_needs_no_more_queries_for_more_rows(desk: Desk, account: Account) -> None:
    counts = []
    for number in (2, 2, 40):
        rows = [(account.uid, "deposit", "1", "2024-05-01", "cash", f"C-{n}", f"Row {n}", "") for n in range(number)]
        preview = desk.upload(csv_of(*rows, ("x", "deposit", "1", "", "", "", "", "")))
        with CaptureQueriesContext(connection) as asked:
            desk.console.get(desk.page(preview))
        counts.append(len(asked))
    assert counts[1] == counts[2]
