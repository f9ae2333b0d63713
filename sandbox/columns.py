"""What a refresh copies: every column of every table it takes along is named here, kept or replaced.

A column that nobody decided about stops the refresh, so that a new field with personal data cannot slip into the
sandbox. Tables that are not named are left empty there: histories, refusals, approvals, log entries, grants,
sessions.
"""

from django.db.models import Model

from backoffice.models import Entity, User
from ledger.models import Account, Action, Approval, Cap, Headroom, Hold, Limit

KEPT = None
# The same external reference always becomes the same one: SHA-256 twice under the key of this session.
EXTERNAL = """
    CASE WHEN external_reference = '' THEN '' ELSE 'X-' || upper(left(encode(
        sha256(current_setting('backoffice.mask_key')::bytea || sha256(
            current_setting('backoffice.mask_key')::bytea || convert_to(external_reference, 'UTF8'))), 'hex'), 16)) END
"""


def _kept(names: str) -> dict[str, str | None]:
    return dict.fromkeys(names.split(), KEPT)


# In the order of their foreign keys. KEPT, or SQL over the row of live; people are masked in Python (`sandbox.masking`).
COLUMNS: dict[type[Model], dict[str, str | None]] = {
    Entity: _kept("id is_void void_key code name parent_id created"),
    User: _kept(
        "id is_void void_key username first_name last_name email phone entity_id is_staff is_active date_joined"
    )
    | {"password": "'!'", "password_by": "NULL::bigint", "last_login": "NULL::timestamptz", "is_superuser": "false"},
    Account: _kept("id uid user_id entity_id currency status balance held turnover version created modified latest")
    | {"note": "''"},
    Limit: _kept("id is_void void_key kind currency entity_id account_id amount valid branch"),
    Cap: _kept("currency ceiling"),
    Headroom: _kept("id currency slot remaining"),
    Approval: _kept(
        "id uid kind entity_id account_id currency amount maker_id requested expires state checker_id decided error_code"
    )
    | {
        "asked": "asked - ARRAY['comment', 'reference', 'reference_type', 'idempotency_key']",
        "shown": KEPT,  # amounts in words
        "fingerprint": "sha256(uid::text::bytea)",
        "reason": "''",
        "comment": "''",
        "error_text": "''",
    },
    Action: _kept(
        "id uid reference account_id entity_id currency type delta balance held_delta held turnover status version "
        "created latest recorded reference_type by_id counterparty_id transfer reverses_id hold_id expires"
    )
    | {
        "external_reference": EXTERNAL,
        "comment": "''",
        "idempotency_key": "NULL::varchar",
        "approval_id": "NULL::bigint",
    },
    Hold: _kept("placed_id uid account_id entity_id currency amount captured state created expires resolved_id"),
}
