-- The event store only takes in, and only from the relay. The site reads; the triggers refuse the owner and the superuser
-- too. What gets around all that is found by audit_verify.

-- 1. Events, a partition a month (UTC). The table that Django made has no partitions and nothing in it.
ALTER TABLE audit_event RENAME TO audit_event_unpartitioned;
CREATE TABLE audit_event (LIKE audit_event_unpartitioned) PARTITION BY RANGE (created);
DROP TABLE audit_event_unpartitioned;
ALTER TABLE audit_event ADD CONSTRAINT audit_event_in_a_block CHECK (block > 0);  -- verified from the first block on
ALTER TABLE audit_event ADD CONSTRAINT audit_event_pkey PRIMARY KEY (id, created);
CREATE INDEX audit_event_created ON audit_event (created DESC, id DESC);
CREATE INDEX audit_event_object ON audit_event (object_type, object_id, created DESC);
CREATE INDEX audit_event_user ON audit_event (user_id, created DESC);
CREATE INDEX audit_event_username ON audit_event (username, created DESC);
CREATE INDEX audit_event_type ON audit_event (type, created DESC);
CREATE INDEX audit_event_request ON audit_event (request_id) WHERE NOT request_id = '';
CREATE INDEX audit_event_refused ON audit_event (created DESC) WHERE NOT success;
CREATE INDEX audit_event_block ON audit_event (block, position);

CREATE FUNCTION audit_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: what was recorded stays.', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_TABLE_NAME || '_immutable';
END $$;
-- The one change there is: what an event tells of a person goes, once; that it did is an event of its own.
CREATE FUNCTION audit_event_erased() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    personal CONSTANT text[] := '{path,ip,browser,reason,data,erased}';
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.erased IS NULL AND NEW.erased IS NOT NULL AND NEW.path = '' AND NEW.browser = ''
        AND NEW.reason = '' AND NEW.ip IS NULL AND NEW.data = '{}' AND to_jsonb(NEW) - personal = to_jsonb(OLD) - personal
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% of % is refused: what was recorded stays.', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'audit_event_immutable';
END $$;
CREATE TRIGGER audit_event_immutable BEFORE UPDATE OR DELETE ON audit_event
    FOR EACH ROW EXECUTE FUNCTION audit_event_erased();
CREATE TRIGGER audit_event_not_emptied BEFORE TRUNCATE ON audit_event
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();

-- Made ahead by audit_retention, and by the relay when an event has none to go to. A partition is reached through its parent
-- alone: neither role has a right on it.
CREATE FUNCTION audit_make_month(month date) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    first CONSTANT date := date_trunc('month', month)::date;
    name CONSTANT text := 'audit_event_' || to_char(first, 'YYYY_MM');
BEGIN
    IF to_regclass(name) IS NOT NULL THEN
        RETURN;
    END IF;
    -- Two may see that it is missing; whoever waited looks again, and not into what its session remembers of the catalogue.
    LOCK TABLE audit_key IN SHARE ROW EXCLUSIVE MODE;
    IF EXISTS (SELECT FROM pg_class WHERE relname = name AND relnamespace = 'public'::regnamespace) THEN
        RETURN;
    END IF;
    -- Attached, not made as a partition: that would wait for all who read, and have everybody wait meanwhile.
    EXECUTE format('CREATE TABLE public.%I (LIKE audit_event INCLUDING CONSTRAINTS)', name);
    EXECUTE format('ALTER TABLE audit_event ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', name,
        first || ' 00:00+00', (first + interval '1 month')::date || ' 00:00+00');
    EXECUTE format('CREATE TRIGGER audit_event_not_emptied BEFORE TRUNCATE ON %I FOR EACH STATEMENT
        EXECUTE FUNCTION audit_refuse_change()', name);
    EXECUTE format('REVOKE ALL ON %I FROM PUBLIC, {app}, {relay}', name);
END $$;
CREATE FUNCTION audit_erase(events uuid[]) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    WITH gone AS (
        UPDATE audit_event SET path = '', ip = NULL, browser = '', reason = '', data = '{}', erased = clock_timestamp()
        WHERE id = ANY (events) AND erased IS NULL RETURNING 1
    )
    SELECT count(*) FROM gone
$$;
SELECT audit_make_month((current_date + make_interval(months => n))::date) FROM generate_series(0, 2) n;

-- 2. Blocks and keys: added to, never changed. Leaves are hashes: they do not get smaller by compression.
ALTER TABLE audit_seal ALTER COLUMN ids SET STORAGE EXTERNAL, ALTER COLUMN leaves SET STORAGE EXTERNAL;
CREATE TRIGGER audit_seal_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_seal
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER audit_key_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_key
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER audit_verification_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_verification
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();

-- 3. Who may what.
REVOKE ALL ON audit_event, audit_seal, audit_key, audit_verification FROM {app};
GRANT SELECT ON audit_event, audit_seal, audit_key, audit_verification TO {app};
GRANT SELECT, INSERT ON audit_event, audit_seal, audit_key, audit_verification TO {relay};
GRANT MAINTAIN ON audit_key TO {relay};  -- the right to lock it, which whoever makes a block does
REVOKE ALL ON SEQUENCE audit_verification_id_seq FROM {app};
GRANT USAGE ON SEQUENCE audit_verification_id_seq TO {relay};
GRANT EXECUTE ON FUNCTION audit_make_month(date), audit_erase(uuid[]) TO {relay};
