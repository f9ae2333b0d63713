-- People, what they belong to, and entities: every change becomes a historical row and an event.
SELECT audit_capture('backoffice_entity', 'backoffice_historicalentity', 'backoffice.entity', '{app}');
SELECT audit_capture('backoffice_user', 'backoffice_historicaluser', 'backoffice.user', '{app}', secrets => '{password}');
SELECT audit_capture('backoffice_user_groups', 'backoffice_historicaluser_groups', 'backoffice.user', '{app}',
    key => 'user_id', is_link => true);
SELECT audit_capture('backoffice_user_user_permissions', 'backoffice_historicaluser_user_permissions', 'backoffice.user',
    '{app}', key => 'user_id', is_link => true);
