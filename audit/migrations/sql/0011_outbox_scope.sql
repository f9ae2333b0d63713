-- The site reads of events on their way those of the entities that were announced, and those of none; what is about several
-- at once, and so bears none, who sees them all, and whose deed it was (0012 is the same for the event store). The relay's role bypasses row-level security: it takes what is there.
CALL backoffice_secure('audit_outbox');
CREATE POLICY entity ON audit_outbox FOR SELECT TO {app} USING (CASE
    WHEN entity_id IS NULL AND type LIKE ANY ('{import.%,bulk.%,command.%}')
    THEN (SELECT backoffice_sees_everything()) OR user_id = (SELECT nullif(current_setting('backoffice.actor', true), '')::bigint)
    WHEN entity_id IS NULL THEN (SELECT backoffice_scope()) IS NOT NULL ELSE entity_id = ANY ((SELECT backoffice_scope())::bigint[]) END);

-- How long the relay has been waited for, whoever asks.
CREATE FUNCTION audit_waiting_since() RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT created FROM audit_outbox ORDER BY id LIMIT 1
$$;
GRANT EXECUTE ON FUNCTION audit_waiting_since() TO {app}, {relay};
