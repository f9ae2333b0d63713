"""The six roles of the console and exactly what each may do: the one table that migrations and docs/roles.md follow.

Whoever runs `migrate` gets the groups: at its end each role's group is given the permissions that the table names and
relieved of those it does not. So an app that comes later needs a line here and nothing else, and what somebody gave a role
by hand is gone with the next migration. Groups of other names are left alone. Which rows a person sees is not said here but by grants on entities (`backoffice.grants`).

Separation of duties: who moves money changes neither people nor grants; who changes those moves no money; who reviews
changes nothing. `backoffice.duties` keeps the first two apart in one person, too.
"""

from collections.abc import Iterable

from django.contrib.auth.models import Group, Permission

from backoffice.models import User
from backoffice.scope import acting

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
    "backoffice.view_grantrequest",
)
SEE_RECORDS = (
    "audit.view_event",
    "audit.view_seal",
    "audit.view_verification",
    "audit.view_alert",
    "audit.view_deadletter",
    "login.view_lockout",
    "imports.view_import",
    "bulk.view_run",
)
SUPPORT = (
    *SEE_CUSTOMERS,
    *SEE_BOUNDS,
    "bulk.view_run",
    "bulk.stop_run",
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
        "backoffice.share_view",
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
        "backoffice.request_grant",
        "backoffice.decide_grant",
        "login.lift_lockout",
        "backoffice.share_view",
    ),
}


def keep_roles(using: str = "default") -> None:
    """Give each role's group exactly what the table says, and have the system's own row. `migrate` calls it at its end.

    Runs as the app role, in a scope that says so: what writes to captured tables as another role is written from outside.
    """
    with acting(actor=None, request_id="migrate", using=using):
        system = User.system()
        system.set_unusable_password()
        if not User._base_manager.using(using).filter(pk=system.pk).exists():
            system.save(using=using, force_insert=True)
        groups = {name: Group.objects.using(using).get_or_create(name=name)[0].pk for name in ROLES}
        rights = {f"{right.content_type.app_label}.{right.codename}": right.pk for right in _permissions(using)}
        wanted = {
            (groups[name], rights[codename])
            for name, names in ROLES.items()
            for codename in names
            if codename in rights
        }
        links = Group.permissions.through.objects.using(using).filter(group__in=groups.values())
        held = {(link.group_id, link.permission_id): link.pk for link in links}
        Group.permissions.through.objects.using(using).bulk_create(
            Group.permissions.through(group_id=group, permission_id=right)
            for group, right in sorted(wanted - held.keys())
        )
        links.filter(pk__in=[pk for pair, pk in held.items() if pair not in wanted]).delete()


def _permissions(using: str) -> Iterable[Permission]:
    return Permission.objects.using(using).select_related("content_type")
