-- What follows from events is kept by the relay's role, which brings them to subscribers. The site reads it, and does the two
-- things that people do in the console. What has happened once is not taken back, whoever writes.

-- 1. A cursor stands on an event, and moves forward.
CREATE FUNCTION audit_cursor_forward() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND (NEW.subscriber <> OLD.subscriber OR (NEW.block, NEW.position) < (OLD.block, OLD.position)) THEN
        RAISE EXCEPTION 'The cursor of a subscriber only moves forward.'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'audit_cursor_forward';
    END IF;
    IF (TG_OP = 'INSERT' OR (NEW.block, NEW.position) <> (OLD.block, OLD.position)) AND (NEW.block, NEW.position) <> (-1, -1)
        AND NOT EXISTS (SELECT FROM audit_event e WHERE e.block = NEW.block AND e.position = NEW.position) THEN
        RAISE EXCEPTION 'The cursor of a subscriber stands on an event that there is.'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'audit_cursor_on_event';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER audit_cursor_forward BEFORE INSERT OR UPDATE ON audit_cursor FOR EACH ROW EXECUTE FUNCTION audit_cursor_forward();

-- 2. An alert is acknowledged once, by somebody who says what it was; what it says stays.
CREATE FUNCTION audit_alert_once() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
DECLARE
    said CONSTANT text[] := '{state,acknowledged,acknowledged_by,reason}';
    told CONSTANT text[] := '{told}';
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'open' OR NEW.told IS NOT NULL THEN
            RAISE EXCEPTION 'An alert begins open.'
                USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'audit_alert_once';
        END IF;
        RETURN NEW;
    END IF;
    IF to_jsonb(NEW) - said - told <> to_jsonb(OLD) - said - told OR NEW.told IS DISTINCT FROM OLD.told AND OLD.told IS NOT NULL
        OR to_jsonb(NEW) - told <> to_jsonb(OLD) - told AND (OLD.state <> 'open' OR NEW.state <> 'acknowledged'
            OR NEW.acknowledged IS NULL OR NEW.acknowledged_by = '' OR NEW.reason = '')
    THEN
        RAISE EXCEPTION 'An alert is acknowledged once, with a name and a reason, and never changed.'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'audit_alert_once';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER audit_alert_once BEFORE INSERT OR UPDATE ON audit_alert FOR EACH ROW EXECUTE FUNCTION audit_alert_once();

-- 3. A dead letter that was given up can be put back; what becomes of it then is the relay's to say.
CREATE FUNCTION audit_deadletter_retried() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    IF (NEW.id, NEW.subscriber, NEW.event_id, NEW.type, NEW.created) IS DISTINCT FROM
        (OLD.id, OLD.subscriber, OLD.event_id, OLD.type, OLD.created) OR OLD.state = 'delivered'
        OR '"' || current_user || '"' = '{app}' AND (OLD.state <> 'given_up' OR NEW.state <> 'waiting')
    THEN
        RAISE EXCEPTION 'A dead letter is put back, and then delivered or given up again; nothing else of it changes.'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'audit_deadletter_retried';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER audit_deadletter_retried BEFORE UPDATE ON audit_deadletter
    FOR EACH ROW EXECUTE FUNCTION audit_deadletter_retried();

-- 4. None of it goes away. (Retention ends with months of events, not with what a person has found out.)
CREATE TRIGGER audit_cursor_permanent BEFORE DELETE OR TRUNCATE ON audit_cursor
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER audit_alert_permanent BEFORE DELETE OR TRUNCATE ON audit_alert
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER audit_deadletter_permanent BEFORE DELETE OR TRUNCATE ON audit_deadletter
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();

-- 5. Who may what.
REVOKE ALL ON audit_cursor, audit_alert, audit_deadletter FROM {app};
REVOKE ALL ON SEQUENCE audit_alert_id_seq, audit_deadletter_id_seq FROM {app};
GRANT SELECT ON audit_cursor, audit_alert, audit_deadletter TO {app};
GRANT UPDATE (state, acknowledged, acknowledged_by, reason) ON audit_alert TO {app};
GRANT UPDATE (state, modified) ON audit_deadletter TO {app};
GRANT SELECT, INSERT, UPDATE ON audit_cursor, audit_deadletter TO {relay};
GRANT SELECT, INSERT, UPDATE (told) ON audit_alert TO {relay};
GRANT USAGE ON SEQUENCE audit_alert_id_seq, audit_deadletter_id_seq TO {relay};
