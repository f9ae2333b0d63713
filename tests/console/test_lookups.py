"""What the address of a list can ask for: fields of its rows, by values that fit them, and nothing else."""

import pytest
from django.test import Client
from django.urls import reverse

from tests.cast import OpenAccount

pytestmark = pytest.mark.django_db(databases=["default", "sandbox", "audit"])
ACCOUNTS = "console:ledger_account_changelist"
RUNS = "console:bulk_run_changelist"


@pytest.mark.parametrize("asked", ["version=1", "version__exact=1", "version__gte=1", "id__exact=1", "created__lt=2999-01-01T00:00:00Z"])  # fmt: skip
def test_a_field_is_compared_with_what_fits_it(admin_client: Client, asked: str) -> None:
    assert admin_client.get(f"{reverse(ACCOUNTS)}?{asked}").status_code == 200


@pytest.mark.parametrize(
    "asked",
    [
        "uid__contains=1", "uid__regex=(a%2B)%2B$", "created__year=2026", "id__in=1,2", "pk__in=1", "version__range=1,2",
        "created__date=2026-01-01", "id__exact__gt=1", "user__password__startswith=a", "reference=%00",
    ],
)  # fmt: skip
def test_patterns_parts_sets_and_what_is_no_field_are_refused(admin_client: Client, asked: str) -> None:
    assert admin_client.get(f"{reverse(ACCOUNTS)}?{asked}").status_code == 400


@pytest.mark.parametrize("asked", ["version=x", "version__gte=1e400", "id__exact=99999999999999999999", "created__lt=2026-02-30", "uid__exact=1", "nothing=1"])  # fmt: skip
def test_a_value_that_does_not_fit_leads_back_to_the_plain_list(admin_client: Client, open_account: OpenAccount, asked: str) -> None:  # fmt: skip
    answer = admin_client.get(f"{reverse(ACCOUNTS)}?{asked}")
    assert (answer.status_code, answer.headers["Location"]) == (302, f"{reverse(ACCOUNTS)}?e=1")


def test_documents_of_a_row_are_never_looked_into(admin_client: Client) -> None:
    for asked in ("asked__exact={}", "asked__amount=1", "asked__isnull=1"):
        assert admin_client.get(f"{reverse(RUNS)}?{asked}").status_code == 400


@pytest.mark.parametrize("name", ["login_lockout", "audit_event", "ledger_account"])
@pytest.mark.parametrize("value", ["\t\n\r", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", " 10.0.0.1"])
def test_ends_of_the_calendar_and_blanks_are_no_values(admin_client: Client, name: str, value: str) -> None:
    for field in {"login_lockout": ("ip_address", "attempt_time"), "audit_event": ("ip", "created")}.get(
        name, ("created",)
    ):
        for how in ("exact", "gt"):
            answer = admin_client.get(reverse(f"console:{name}_changelist"), {f"{field}__{how}": value})
            assert answer.status_code in {302, 400}, (field, how)
