-- Of a customer's row the entity is known by now (0007): what changes there is an event of that entity.
SELECT audit_capture('backoffice_user', 'backoffice_historicaluser', 'backoffice.user', '{app}', secrets => '{password}');
