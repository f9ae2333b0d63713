-- The site reads and acknowledges the alerts of the entities that were announced. Those of none are for who sees every entity,
-- which this database does not know: the console says that. The relay's role bypasses row-level security.
ALTER TABLE audit_alert ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_alert FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON audit_alert TO CURRENT_USER USING (true);
CREATE POLICY entity ON audit_alert TO {app} USING (CASE WHEN entity_id IS NULL
    THEN (SELECT nullif(current_setting('backoffice.entities', true), '')) IS NOT NULL
    ELSE entity_id = ANY ((SELECT nullif(current_setting('backoffice.entities', true), '')::bigint[])::bigint[]) END);
