"""The catalogue holds what is expected and no more: triggers, rights of the app role, functions it may call."""

import pytest
from django.conf import settings
from django.db import connections

pytestmark = pytest.mark.django_db(databases=["default", "sandbox"])

RIGHTS = {  # of the app role on the ledger's tables; a table that is not here fails the test
    "ledger_account": {"SELECT", "INSERT", "UPDATE"},
    "ledger_action": {"SELECT", "INSERT"},
    "ledger_approval": {"SELECT", "INSERT", "UPDATE"},
    "ledger_cap": {"SELECT"},
    "ledger_headroom": {"SELECT"},
    "ledger_hold": {"SELECT"},
    "ledger_limit": {"SELECT", "INSERT", "UPDATE", "DELETE"},
    "ledger_mention": {"SELECT", "INSERT", "UPDATE"},
    "ledger_note": {"SELECT", "INSERT"},
    "ledger_refusal": {"SELECT", "INSERT"},
}
CHANGEABLE = {  # the columns that the app role may UPDATE, where it may not update a whole table
    "ledger_account": {"note"},
    "ledger_mention": {"done"},
    "ledger_approval": {"state", "checker_id", "decided", "comment", "error_code", "error_text"},
}
GIVEN = {"id", "uid", "reference", "recorded"}  # the columns of an action that the database alone gives
TRIGGERS = {
    ("backoffice_entity", "ledger_branches_alone"),
    ("backoffice_entity", "ledger_limits_follow"),
    ("ledger_account", "ledger_account_begins_empty"),
    ("ledger_account", "ledger_account_moves_with_actions"),
    ("ledger_account", "ledger_account_permanent"),
    ("ledger_account", "ledger_account_places"),
    ("ledger_action", "ledger_action_follows"),
    ("ledger_action", "ledger_action_immutable"),
    ("ledger_action", "ledger_action_posted"),
    ("ledger_action", "ledger_action_recorded"),
    ("ledger_approval", "ledger_approval_begins_pending"),
    ("ledger_approval", "ledger_approval_carried_out"),
    ("ledger_approval", "ledger_approval_decided_once"),
    ("ledger_approval", "ledger_approval_permanent"),
    ("ledger_approval", "ledger_approval_two_hands"),
    ("ledger_hold", "ledger_hold_follows_actions"),
    ("ledger_hold", "ledger_hold_permanent"),
    ("ledger_limit", "ledger_limit_alone"),
    ("ledger_limit", "ledger_limit_branch"),
    ("ledger_mention", "ledger_mention_of_note"),
    ("ledger_mention", "ledger_mention_permanent"),
    ("ledger_note", "ledger_note_immutable"),
    ("ledger_note", "ledger_note_signed"),
    ("ledger_refusal", "ledger_refusal_immutable"),
}
FUNCTIONS = {
    "ledger_balance_at",
    "ledger_limit_subject",
    "ledger_lock_headroom",
    "ledger_new_reference",
    "ledger_recorded_between",
    "ledger_set_cap",
    "ledger_statement",
    "ledger_statement_after",
    "ledger_turnover_at",
    "ledger_version_at",
}


def rows(alias: str, query: str, *params: str) -> list[tuple[str, ...]]:
    with connections[alias].cursor() as cursor:
        cursor.execute(query, params)
        return [tuple(row) for row in cursor.fetchall()]


@pytest.mark.parametrize("alias", ["default", "sandbox"])
def test_app_role_has_these_rights_on_the_ledger_and_no_others(alias: str) -> None:
    found: dict[str, set[str]] = {}
    for table, right in rows(
        alias,
        "SELECT c.relname, p.name FROM pg_class c CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE',"
        " 'TRUNCATE', 'REFERENCES', 'TRIGGER', 'MAINTAIN']) p (name) WHERE c.relkind = 'r' AND c.relname LIKE 'ledger\\_%%'"
        " AND c.relname NOT LIKE 'ledger\\_historical%%' AND CASE WHEN p.name IN ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES')"
        " THEN has_any_column_privilege(current_user, c.oid, p.name) ELSE has_table_privilege(current_user, c.oid, p.name) END",
    ):
        found.setdefault(table, set()).add(right)
    assert found == RIGHTS


@pytest.mark.parametrize("alias", ["default", "sandbox"])
def test_app_role_may_update_these_columns_and_no_others(alias: str) -> None:
    assert columns(alias, "UPDATE", *CHANGEABLE) == {(t, name) for t, names in CHANGEABLE.items() for name in names}


@pytest.mark.parametrize("alias", ["default", "sandbox"])
def test_app_role_gives_no_action_what_identifies_it(alias: str) -> None:
    every = columns(alias, "SELECT", "ledger_action")
    assert every - columns(alias, "INSERT", "ledger_action") == {("ledger_action", name) for name in GIVEN}


def columns(alias: str, right: str, *tables: str) -> set[tuple[str, ...]]:
    """Return table and column wherever the app role has this right."""
    found = rows(
        alias,
        "SELECT c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE a.attnum > 0"
        " AND NOT a.attisdropped AND has_column_privilege(current_user, c.oid, a.attnum, %s) AND c.relname = ANY"
        " (string_to_array(%s, ','))",
        right,
        ",".join(tables),
    )
    return set(found)


@pytest.mark.parametrize("alias", ["default", "sandbox"])
def test_guards_of_the_ledger_stand_enabled(alias: str) -> None:
    found = rows(
        alias,
        "SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal"
        " AND t.tgenabled = 'O' AND t.tgname LIKE 'ledger\\_%%'",
    )
    assert set(found) == TRIGGERS


@pytest.mark.parametrize("alias", ["default", "sandbox"])
def test_app_role_calls_these_functions_of_the_ledger_and_no_others(alias: str) -> None:
    found = rows(
        alias,
        "SELECT p.proname FROM pg_proc p WHERE p.proname LIKE 'ledger\\_%%' AND has_function_privilege(p.oid, 'EXECUTE')",
    )
    assert {name for (name,) in found} == FUNCTIONS


@pytest.mark.parametrize("alias", ["default", "sandbox"])
def test_functions_that_run_as_their_owner_fix_their_search_path(alias: str) -> None:
    found = rows(
        alias,
        "SELECT proname FROM pg_proc WHERE prosecdef AND NOT coalesce(proconfig::text, '') LIKE '%%search_path=%%'",
    )
    assert found == []


@pytest.mark.parametrize("alias", settings.DATABASES)
@pytest.mark.django_db(databases=["default", "sandbox", "audit"])
def test_tests_and_site_run_as_a_restricted_role(alias: str) -> None:
    facts = rows(
        alias, "SELECT rolsuper, rolbypassrls, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = current_user"
    )
    owned = rows(alias, "SELECT relname FROM pg_class WHERE pg_has_role(current_user, relowner, 'MEMBER')")
    assert (facts, owned) == ([(False, False, False, False)], [])


FOLLOW_UP = {  # of the app role on the event store's tables that are not the record itself
    "app": {
        "audit_alert": {"SELECT", "UPDATE"},
        "audit_cursor": {"SELECT"},
        "audit_deadletter": {"SELECT", "UPDATE"},
    },
    "relay": {
        "audit_alert": {"SELECT", "INSERT", "UPDATE"},
        "audit_cursor": {"SELECT", "INSERT", "UPDATE"},
        "audit_deadletter": {"SELECT", "INSERT", "UPDATE"},
    },
}
FOLLOWED = {  # the columns of those that each may update, where that is not all of them
    "app": {
        "audit_alert": {"state", "acknowledged", "acknowledged_by", "reason"},
        "audit_deadletter": {"state", "modified"},
    },
    "relay": {"audit_alert": {"told"}},
}


def role_of(who: str) -> str:
    return str({"app": settings.DATABASES, "relay": settings.RELAY_DATABASES}[who]["audit"]["USER"])


@pytest.mark.django_db(databases=["audit"])
@pytest.mark.parametrize("who", ["app", "relay"])
def test_what_follows_from_events_is_kept_by_the_relay_and_truncated_by_nobody(who: str) -> None:
    found: dict[str, set[str]] = {}
    for table, right in rows(
        "audit",
        "SELECT c.relname, p.name FROM pg_class c CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE',"
        " 'TRUNCATE', 'REFERENCES', 'TRIGGER', 'MAINTAIN']) p (name)"
        " WHERE c.relkind = 'r' AND c.relname IN ('audit_alert', 'audit_cursor', 'audit_deadletter')"
        " AND CASE WHEN p.name IN ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES')"
        " THEN has_any_column_privilege(%s, c.oid, p.name) ELSE has_table_privilege(%s, c.oid, p.name) END",
        role_of(who),
        role_of(who),
    ):
        found.setdefault(table, set()).add(right)
    assert found == FOLLOW_UP[who]


@pytest.mark.django_db(databases=["audit"])
@pytest.mark.parametrize("who", ["app", "relay"])
def test_of_what_follows_these_columns_are_updated_and_no_others(who: str) -> None:
    found = rows(
        "audit",
        "SELECT c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE a.attnum > 0"
        " AND NOT a.attisdropped AND has_column_privilege(%s, c.oid, a.attnum, 'UPDATE') AND c.relname = ANY"
        " (string_to_array(%s, ','))",
        role_of(who),
        ",".join(FOLLOWED[who]),
    )
    assert set(found) == {(table, name) for table, names in FOLLOWED[who].items() for name in names}
