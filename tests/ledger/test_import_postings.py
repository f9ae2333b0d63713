"""import_postings: a bank's file through the ledger, once, whatever happens in between."""

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management.base import CommandError
from django.db.models import Sum

from backoffice.models import Entity, User
from ledger import errors
from ledger.importing.pkdd99 import Pkdd99
from ledger.importing.runner import Import
from ledger.models import Account, Action, Limit, Refusal
from tests import scope
from tests.scope import call_command

pytestmark = pytest.mark.django_db

HEADER = '"trans_id";"account_id";"date";"type";"operation";"amount";"balance";"k_symbol";"bank";"account"'
ROWS = (
    '101;1;930105;"PRIJEM";"VKLAD";700.00;700.00;"";;',  # line 2
    '102;2;930106;"PRIJEM";"PREVOD Z UCTU";3679.50;3679.50;"DUCHOD";"AB";41403269',
    '103;1;930110;"VYDAJ";"VYBER";900.00;-200.00;" ";;',  # line 4: more than there is
    '104;1;930111;"PRIJEM";"";12.30;712.30;"UROK";;',
    '105;2;930112;"VYBER";"VYBER";79.50;3600.00;"";;',
)
FOLDER = {
    "account.asc": (
        '"account_id";"district_id";"frequency";"date"',
        '1;1;"X";930101',
        '2;2;"X";930102',
        '3;9;"X";930101',
    ),
    "disp.asc": ('"disp_id";"client_id";"account_id";"type"', '1;11;1;"OWNER"', '2;12;2;"OWNER"', '3;13;2;"DISPONENT"'),
    "client.asc": ('"client_id";"birth_number";"district_id"', '11;"706213";1', '12;"450204";2', '13;"450204";2'),
    "district.asc": ("A1;A2;A3;A4", '1;"Hl.m. Praha";"Prague";5', '2;"Benesov";"central Bohemia";5'),
}
OVERDRAFT = {"line": 4, "code": "insufficient_funds", "text": "CZK 900.00 is more than the available CZK 700.00."}
MakeFile = Callable[..., Path]


def written(path: Path, lines: tuple[str, ...]) -> Path:
    path.write_bytes("".join(f"{line}\r\n" for line in lines).encode())
    return path


@pytest.fixture
def make_file(tmp_path: Path) -> MakeFile:
    """Write rows with the files beside them: `make_file(*rows, header=...)`."""

    def _make(*rows: str, header: str = HEADER) -> Path:
        for name, lines in FOLDER.items():
            written(tmp_path / name, lines)
        return written(tmp_path / "trans.asc", (header, *rows))

    return _make


def imported(path: Path, **options: Any) -> dict[str, Any]:
    out = io.StringIO()
    call_command("import_postings", path, format="pkdd99", json=True, stdout=out, stderr=io.StringIO(), **options)
    return json.loads(out.getvalue())  # type: ignore[no-any-return]  # an object, as the command says


def misuse(path: Path, **options: Any) -> str:
    with pytest.raises(CommandError) as refusal:
        imported(path, **options)
    assert refusal.value.returncode == 2
    assert not Account.objects.exists()
    return str(refusal.value)


def test_rows_are_posted_and_an_overdraft_is_reported(make_file: MakeFile) -> None:
    assert imported(make_file(*ROWS)) == {"accepted": 4, "already_posted": 0, "refused": [OVERDRAFT]}
    assert list(Account.objects.order_by("user__username").values_list("user__username", "balance", "currency")) == [
        ("pkdd99-client-11", Decimal("712.30"), "CZK"),
        ("pkdd99-client-12", Decimal("3600.00"), "CZK"),
    ]


def test_a_row_becomes_an_action_with_its_own_day_key_and_words(make_file: MakeFile) -> None:
    imported(make_file(*ROWS))
    action = Action.objects.get(idempotency_key="pkdd99:102")
    assert (action.type, action.delta, action.created) == (
        "deposited", Decimal("3679.50"), datetime(1993, 1, 6, tzinfo=UTC)
    )  # fmt: skip
    assert (action.reference_type, action.external_reference, action.comment, action.by.username) == (
        "bank_transfer", "102", "Transfer from another bank, pension, account 41403269 at AB", "importer"
    )  # fmt: skip


def test_customers_stand_under_their_district_and_region_since_their_day(make_file: MakeFile) -> None:
    imported(make_file(*ROWS))
    account = Account.objects.get(user__username="pkdd99-client-12")
    names = [account.entity.name]
    entity: Entity | None = account.entity
    while entity := entity.parent if entity else None:
        names.append(entity.name)
    assert names == ["Benesov", "Central Bohemia", "PKDD'99 Bank"]
    assert (account.created, account.user.get_full_name()) == (datetime(1993, 1, 2, tzinfo=UTC), "Client 12")


def test_the_same_file_again_posts_nothing_new(make_file: MakeFile) -> None:
    path = make_file(*ROWS)
    imported(path)
    before = Action.objects.count()
    assert imported(path, batch=2) == {"accepted": 0, "already_posted": 4, "refused": [OVERDRAFT]}
    assert (Action.objects.count(), Refusal.objects.count(), Account.objects.count()) == (before, 1, 2)


def test_a_refused_row_is_not_tried_again_when_the_balance_would_allow_it(make_file: MakeFile) -> None:
    imported(make_file(*ROWS))
    more = '106;1;930120;"PRIJEM";"VKLAD";5000.00;0;"";;'
    assert imported(make_file(*ROWS, more)) == {"accepted": 1, "already_posted": 4, "refused": [OVERDRAFT]}


def test_a_refused_key_is_not_tried_again_later_in_the_same_file(make_file: MakeFile) -> None:
    again = (ROWS[0], ROWS[2], '107;1;930120;"PRIJEM";"VKLAD";5000.00;0;"";;', ROWS[2])
    assert [row["line"] for row in imported(make_file(*again))["refused"]] == [3, 5]


def test_a_number_used_for_two_different_rows_is_refused_the_second_time(make_file: MakeFile) -> None:
    path = make_file(ROWS[0], ROWS[0].replace("700.00", "800.00"))
    [refused] = imported(path)["refused"]
    assert (refused["line"], refused["code"]) == (3, "idempotency_conflict")
    assert imported(path)["already_posted"] == 1


@pytest.mark.parametrize("batch", [1, 2, 1000])
def test_an_interrupted_import_goes_on_where_it_stopped(make_file: MakeFile, agent: User, batch: int) -> None:
    source = Pkdd99(make_file(*ROWS))

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Import(source=source, by=agent, using="default", batch=batch, advance=interrupt).run(source.survey().customers)
    scope.widen("default")
    posted = Action.objects.exclude(type="created").count()
    report = imported(make_file(*ROWS))
    assert (report["accepted"], report["already_posted"], report["refused"]) == (4 - posted, posted, [OVERDRAFT])
    assert Account.objects.aggregate(total=Sum("balance")) == {"total": Decimal("4312.30")}


def test_a_broken_batch_leaves_neither_postings_nor_refusals(make_file: MakeFile, agent: User) -> None:
    source = Pkdd99(make_file(*ROWS))
    run = Import(source=source, by=agent, using="default", batch=1000, advance=lambda *_: None)
    run.run(source.survey().customers[:0])  # the accounts are not there
    assert (Action.objects.count(), Refusal.objects.count()) == (0, 0)


@pytest.mark.parametrize(
    ("row", "code", "text"),
    [
        ('1;1;930105;"PRIJEM";"VKLAD";7.00;7.00;""', "malformed_row", "The row has not the 10 columns of the header."),
        ('1;1;930105;"PRIJEM;"VKLAD";7.00;7.00;"";;', "malformed_row", "The row has not the 10 columns of the header."),
        ('x1;1;930105;"PRIJEM";"VKLAD";7.00;7.00;"";;', "malformed_row", "trans_id is 'x1', which is no number."),
        ('1;1;930231;"PRIJEM";"VKLAD";7.00;7.00;"";;', "invalid_moment", "The date is '930231', which is no day written YYMMDD."),
        ('1;1;930101 ;"PRIJEM";"VKLAD";7.00;7.00;"";;', "invalid_moment", "The date is '930101 ', which is no day written YYMMDD."),
        ('1;2;930101;"PRIJEM";"VKLAD";7.00;7.00;"";;', "invalid_moment", "The account exists since 1993-01-02 00:00 only."),
        ('1;1;930105;"PRIJEM";"VKLAD";7,00;7.00;"";;', "invalid_amount", "The amount is '7,00', which is no number."),
        ('1;1;930105;"PRIJEM";"VKLAD";NaN;7.00;"";;', "invalid_amount", "The amount is 'NaN', which is no number."),
        ('1;1;930105;"PRIJEM";"VKLAD";-7.00;7.00;"";;', "invalid_amount", "The amount is negative: it must be more than zero."),
        ('1;1;930105;"PRIJEM";"VKLAD";7.005;7.00;"";;', "invalid_amount", "CZK has 2 decimals, 7.005 has more."),
        ('1;1;930105;"DAR";"VKLAD";7.00;7.00;"";;', "unknown_type", "The type is 'DAR'; known are PRIJEM, VYDAJ, VYBER."),
        ('1;77;930105;"PRIJEM";"VKLAD";7.00;7.00;"";;', "unknown_account", "account.asc has no account 77."),
        ('1;3;930105;"PRIJEM";"VKLAD";7.00;7.00;"";;', "unknown_account", "disp.asc and client.asc name no owner of account 3."),
    ],
)  # fmt: skip
def test_a_faulty_row_is_reported_and_the_others_are_posted(
    make_file: MakeFile, row: str, code: str, text: str
) -> None:
    report = imported(make_file(ROWS[0], row, ROWS[3]))
    assert report == {"accepted": 2, "already_posted": 0, "refused": [{"line": 3, "code": code, "text": text}]}
    assert not Refusal.objects.exists()


def test_a_mended_row_is_posted(make_file: MakeFile) -> None:
    imported(make_file(ROWS[0], ROWS[3].replace("12.30", "-12.30")))
    assert imported(make_file(ROWS[0], ROWS[3])) == {"accepted": 1, "already_posted": 1, "refused": []}


def test_lines_are_counted_over_empty_ones_and_a_byte_order_mark(make_file: MakeFile) -> None:
    path = make_file(ROWS[0], "", ROWS[2])
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert imported(path) == {"accepted": 1, "already_posted": 0, "refused": [OVERDRAFT]}


def test_a_limit_refuses_a_row_like_any_posting(make_file: MakeFile) -> None:
    Limit.objects.filter(kind="max_deposit", currency="CZK").update(amount=Decimal(1000))
    refused = imported(make_file(*ROWS))["refused"]
    assert [(row["line"], row["code"]) for row in refused] == [
        (3, "exceeds_limit"), (4, "insufficient_funds"), (6, "insufficient_funds")
    ]  # fmt: skip


def test_a_row_over_the_threshold_is_refused_by_itself(make_file: MakeFile) -> None:
    Limit.objects.create(kind="approval", currency="CZK", amount=Decimal(1000))
    refused = imported(make_file(*ROWS))["refused"]
    assert [(row["line"], row["code"]) for row in refused if row["code"] == "approval_required"] == [
        (3, "approval_required")
    ]
    assert refused[0]["text"].endswith(
        "set for CZK: another person has to approve it. A file posts only what nobody has to approve: ask for this row on "
        "the page of its account."
    )


def test_a_missing_file_is_misuse(tmp_path: Path) -> None:
    assert misuse(tmp_path / "trans.asc") == f"{tmp_path}/district.asc cannot be read: No such file or directory."


@pytest.mark.parametrize("name", ["trans.asc", *FOLDER])
def test_each_file_must_be_there(make_file: MakeFile, name: str) -> None:
    path = make_file(*ROWS)
    (path.parent / name).unlink()
    assert misuse(path) == f"{path.parent / name} cannot be read: No such file or directory."


def test_a_missing_column_is_named(make_file: MakeFile) -> None:
    path = make_file(*ROWS, header=HEADER.replace('"amount"', '"sum"'))
    assert misuse(path).startswith(f"{path} lacks the column amount: ")


def test_an_empty_file_lacks_all_columns(make_file: MakeFile) -> None:
    path = make_file()
    path.write_bytes(b"")
    assert misuse(path).startswith(f"{path} lacks the column trans_id, account_id, ")


def test_a_file_without_rows_is_imported(make_file: MakeFile) -> None:
    assert imported(make_file()) == {"accepted": 0, "already_posted": 0, "refused": []}


def test_text_of_another_encoding_is_misuse_wherever_it_stands(make_file: MakeFile) -> None:
    path = make_file(*ROWS)
    path.write_bytes(path.read_bytes() + b'108;1;930120;"P\xd8IJEM";"VKLAD";1.00;1.00;"";;\r\n')
    assert misuse(path).startswith(f"{path} is not UTF-8 text: ")


def test_a_faulty_file_beside_it_is_misuse(make_file: MakeFile) -> None:
    path = make_file(*ROWS)
    account = written(path.parent / "account.asc", (*FOLDER["account.asc"], '4;1;"X";931301'))
    assert misuse(path) == f"{account}, account 4: The date is '931301', which is no day written YYMMDD."


@pytest.mark.parametrize("options", [{"batch": 0}, {"batch": 100_001}, {"by": "nobody"}])
def test_impossible_options_are_misuse(make_file: MakeFile, options: dict[str, Any]) -> None:
    misuse(make_file(*ROWS), **options)


def test_whoever_is_named_posts(make_file: MakeFile, agent: User) -> None:
    imported(make_file(*ROWS), by="agent")
    assert set(Action.objects.values_list("by__username", flat=True)) == {"agent"}
    assert not User.objects.filter(username="importer").exists()


def test_an_account_that_cannot_be_opened_stops_the_import(make_file: MakeFile, nord: Entity, agent: User) -> None:
    owner = User.objects.create(username="pkdd99-client-11")
    Account.create(user=owner, entity=nord, currency="CZK", by=agent, asof=datetime(1993, 1, 1, tzinfo=UTC))
    with pytest.raises(CommandError, match=r"^The import stopped: This customer has an account already\.") as refusal:
        imported(make_file(*ROWS))
    assert refusal.value.returncode == 1
    assert isinstance(refusal.value.__context__, errors.AlreadyHasAccount)


def test_people_read_a_line_for_each_refused_row(make_file: MakeFile) -> None:
    out, progress = io.StringIO(), io.StringIO()
    call_command("import_postings", make_file(*ROWS), format="pkdd99", stdout=out, stderr=progress)
    assert out.getvalue() == (
        "line 4: insufficient_funds: CZK 900.00 is more than the available CZK 700.00.\n4 posted, 0 posted before, 1 refused.\n"
    )
    assert progress.getvalue().startswith("5 of 5 rows, ")
