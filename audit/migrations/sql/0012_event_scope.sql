-- The site reads the events of the entities that were announced, and those of none. Partitions are reached through their
-- parent alone. The relay's role bypasses row-level security: it adds, follows and verifies all there is.
ALTER TABLE audit_event ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_event FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON audit_event TO CURRENT_USER USING (true);
CREATE POLICY entity ON audit_event FOR SELECT TO {app} USING (CASE WHEN entity_id IS NULL
    THEN (SELECT nullif(current_setting('backoffice.entities', true), '')) IS NOT NULL
    ELSE entity_id = ANY ((SELECT nullif(current_setting('backoffice.entities', true), '')::bigint[])::bigint[]) END);
