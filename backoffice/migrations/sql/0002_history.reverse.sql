SELECT audit_release('backoffice_user_user_permissions', 'backoffice_historicaluser_user_permissions');
SELECT audit_release('backoffice_user_groups', 'backoffice_historicaluser_groups');
SELECT audit_release('backoffice_user', 'backoffice_historicaluser');
SELECT audit_release('backoffice_entity', 'backoffice_historicalentity');
