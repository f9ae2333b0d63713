SELECT audit_release('auth_group_permissions', 'backoffice_historicalgroup_permissions');
SELECT audit_release('auth_group', 'backoffice_historicalgroup');
SELECT audit_release('backoffice_persongrant', 'backoffice_historicalpersongrant');
SELECT audit_release('backoffice_groupgrant', 'backoffice_historicalgroupgrant');
