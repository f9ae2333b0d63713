-- An event an action, and still next to nothing to pay for it: the statement that posts leaves one row in the outbox with
-- the ids of what it posted, and the relay has them written out. Actions never change, so that can be done later; an
-- event takes the action's own id, so that it can be done twice. What does not come from a request of the site says from where.
CREATE FUNCTION ledger_record_actions() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    source CONSTANT text := audit_source();
BEGIN
    INSERT INTO audit_outbox (type, object_type, data)
    SELECT 'ledger.posted', 'ledger.account',
           jsonb_build_object('written_out_by', 'ledger_events', 'actions', to_jsonb(array_agg(p.id)))
           || CASE WHEN source = '' THEN '{}' ELSE jsonb_build_object('source', source) END
    FROM posted p HAVING count(*) > 0;
    RETURN NULL;
END $$;

CREATE TRIGGER ledger_action_recorded AFTER INSERT ON ledger_action REFERENCING NEW TABLE AS posted
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_record_actions();

-- What the system did by itself (a hold that expired) is told of it, and not of the person in whose transaction it was found.
CREATE FUNCTION ledger_events(o audit_outbox) RETURNS SETOF audit_outbox
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT (jsonb_populate_record(o, jsonb_build_object(
        'id', a.uid, 'created', a.recorded, 'entity_id', a.entity_id, 'object_id', a.account_id,
        'data', jsonb_build_object('reference', a.reference, 'what', a.type, 'delta', a.delta::text,
                                   'held_delta', a.held_delta::text, 'balance', a.balance::text, 'currency', a.currency, 'version', a.version)
                || (o.data - '{written_out_by,actions}'::text[]))
        || CASE WHEN a.by_id = 0 THEN jsonb_build_object('user_id', 0, 'username', '', 'reason', a.comment)
           ELSE jsonb_build_object('user_id', coalesce(o.user_id, a.by_id), 'reason', coalesce(nullif(o.reason, ''), a.comment)) END)).*
    FROM ledger_action a WHERE a.id = ANY (ARRAY(SELECT jsonb_array_elements_text(o.data -> 'actions')::bigint))
$$;
GRANT EXECUTE ON FUNCTION ledger_events(audit_outbox) TO {relay};
