-- The site reads the events of the entities that were announced, and those of none. What is about several entities at once
-- bears none and may hold accounts and balances of whatever entity: it is for who sees them all, which the announcement says as
-- this database knows no entities, and for whose deed it was. Partitions are reached through their
-- parent alone. The relay's role bypasses row-level security: it adds, follows and verifies all there is.
ALTER TABLE audit_event ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_event FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON audit_event TO CURRENT_USER USING (true);
CREATE POLICY entity ON audit_event FOR SELECT TO {app} USING (CASE
    WHEN entity_id IS NULL AND type LIKE ANY ('{import.%,bulk.%,command.%}')
    THEN (SELECT current_setting('backoffice.everything', true)) = 'yes'
        OR user_id = (SELECT nullif(current_setting('backoffice.actor', true), '')::bigint)
    WHEN entity_id IS NULL THEN (SELECT nullif(current_setting('backoffice.entities', true), '')) IS NOT NULL
    ELSE entity_id = ANY ((SELECT nullif(current_setting('backoffice.entities', true), '')::bigint[])::bigint[]) END);
