"""The catalogue holds what guards rights, and no more: triggers, and what the app role may write."""

import pytest

from tests.database.test_catalogue import columns, rows

pytestmark = pytest.mark.django_db(databases=["default", "sandbox"])


@pytest.mark.parametrize("alias", ["default", "sandbox"])
def test_catalogue_holds_the_guards_of_rights(alias: str) -> None:
    guards = rows(
        alias,
        "SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal"
        " AND t.tgenabled = 'O' AND t.tgname ~ '^backoffice_(grantrequest|right)_'",
    )
    names = ("begins_pending", "carried_out", "dated", "decided_once", "own_group", "permanent", "two_hands")
    guarded = ("backoffice_groupgrant", "backoffice_persongrant", "backoffice_user_groups")
    assert set(guards) == {("backoffice_grantrequest", f"backoffice_grantrequest_{name}") for name in names} | {
        (table, "backoffice_right_was_approved") for table in guarded
    } | {
        ("backoffice_entity", "backoffice_right_to_move"),
        ("backoffice_user", "backoffice_right_comes_back"),
    }
    may = {
        right: {name for _, name in columns(alias, right, "backoffice_grantrequest")} for right in ("UPDATE", "INSERT")
    }
    assert may["UPDATE"] == {"state", "checker_id", "comment"}
    assert may["INSERT"] >= {"give", "maker_id"}
