-- An upload belongs to all entities whose accounts it speaks of, and is seen by those who see all of these; one that
-- speaks of none by whoever brought it and by those who see everything.
CALL backoffice_secure('imports_import');
CREATE POLICY entity ON imports_import TO {app} USING (
    entities <@ (SELECT backoffice_scope()) AND CASE WHEN entities = '{}'
        THEN by_id = nullif(current_setting('backoffice.actor', true), '')::bigint OR (SELECT backoffice_sees_everything())
        ELSE true END);
