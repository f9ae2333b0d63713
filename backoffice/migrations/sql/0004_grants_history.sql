-- Who works where, and what groups may do: every change becomes a historical row and an event.
SELECT audit_capture('backoffice_groupgrant', 'backoffice_historicalgroupgrant', 'backoffice.groupgrant', '{app}');
SELECT audit_capture('backoffice_persongrant', 'backoffice_historicalpersongrant', 'backoffice.persongrant', '{app}');
SELECT audit_capture('auth_group', 'backoffice_historicalgroup', 'auth.group', '{app}');
SELECT audit_capture('auth_group_permissions', 'backoffice_historicalgroup_permissions', 'auth.group', '{app}',
    key => 'group_id', is_link => true);
