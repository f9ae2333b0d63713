-- The site reads and acknowledges the alerts of the entities that were announced. Those of none or several are for who
-- sees every entity; what no event raised is about the record itself, and for every reader. The relay's role bypasses row-level security.
ALTER TABLE audit_alert ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_alert FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON audit_alert TO CURRENT_USER USING (true);
CREATE POLICY entity ON audit_alert TO {app} USING (CASE WHEN entity_id IS NULL
    THEN (SELECT current_setting('backoffice.everything', true)) = 'yes'
        OR event_id IS NULL AND (SELECT nullif(current_setting('backoffice.entities', true), '')) IS NOT NULL
    ELSE entity_id = ANY ((SELECT nullif(current_setting('backoffice.entities', true), '')::bigint[])::bigint[]) END);
