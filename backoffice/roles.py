"""The six roles of the console and exactly what each may do: the one table that migrations and docs/roles.md follow.

Whoever runs `migrate` gets the groups: after each app's migrations its permissions are made, and each role's group is
given those of the app that the table names and relieved of those it does not. So an app that comes later needs a line
here and nothing else, and what somebody gave a role by hand is gone with the next migration. Groups of other names are
left alone. Which rows a person sees is not said here but by grants on entities (`backoffice.grants`).

Separation of duties: who moves money changes neither people nor grants; who changes those moves no money; who reviews
changes nothing.
"""

from typing import Any

from django.apps import AppConfig
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission
from django.db import router

SEE_CUSTOMERS = (
    "backoffice.view_user",
    "backoffice.view_entity",
    "ledger.view_account",
    "ledger.view_action",
    "ledger.view_hold",
)
SEE_BOUNDS = ("ledger.view_limit", "ledger.view_cap", "ledger.view_approval")
SEE_STAFF = (
    "auth.view_group",
    "backoffice.view_staff",
    "backoffice.view_groupgrant",
    "backoffice.view_persongrant",
)
SEE_RECORDS = (
    "audit.view_event",
    "audit.view_seal",
    "audit.view_verification",
    "audit.view_alert",
    "audit.view_deadletter",
    "imports.view_import",
)
SUPPORT = (
    *SEE_CUSTOMERS,
    *SEE_BOUNDS,
    "ledger.change_account",
    "ledger.deposit",
    "ledger.withdraw",
    "ledger.transfer",
    "ledger.hold",
    "ledger.freeze",
    "ledger.unfreeze",
)
AGENT, LEAD, REVIEWER = "Support agent", "Support lead", "Compliance reviewer"
ANALYST, IMPORTER, ADMINISTRATOR = "Analyst", "Importer", "Administrator"

ROLES: dict[str, tuple[str, ...]] = {
    AGENT: SUPPORT,
    LEAD: (
        *SUPPORT,
        "ledger.reverse",
        "ledger.refund",
        "ledger.close",
        "ledger.propose_limit",
        "ledger.propose_cap",
        "ledger.decide_approval",
    ),
    REVIEWER: (
        *SEE_CUSTOMERS,
        *SEE_BOUNDS,
        *SEE_STAFF,
        *SEE_RECORDS,
        "audit.view_personal",
        "audit.acknowledge_alert",
    ),
    ANALYST: ("sandbox.use_sandbox",),
    IMPORTER: ("ledger.view_account", "ledger.view_action", "imports.view_import", "imports.add_import"),
    ADMINISTRATOR: (
        *SEE_CUSTOMERS,
        *SEE_BOUNDS,
        *SEE_STAFF,
        *SEE_RECORDS,
        "audit.retry_delivery",
        "backoffice.add_user",
        "backoffice.change_user",
        "backoffice.assign_roles",
        "backoffice.add_entity",
        "backoffice.change_entity",
        "backoffice.add_groupgrant",
        "backoffice.delete_groupgrant",
        "backoffice.add_persongrant",
        "backoffice.delete_persongrant",
    ),
}


def keep_roles(app_config: AppConfig, using: str = "default", **signal: Any) -> None:
    """Give each role's group exactly what the table says of this app; called after the app's migrations."""
    if app_config.models_module is None or not router.allow_migrate_model(using, Group):
        return
    create_permissions(app_config, using=using, verbosity=0, apps=signal["apps"])
    label = app_config.label
    of_app = Permission.objects.using(using).filter(content_type__app_label=label)
    for name, codenames in ROLES.items():
        group, _ = Group.objects.using(using).get_or_create(name=name)
        ours = [codename.partition(".")[2] for codename in codenames if codename.startswith(f"{label}.")]
        others = group.permissions.exclude(content_type__app_label=label)
        group.permissions.set([*others, *of_app.filter(codename__in=ours)])
