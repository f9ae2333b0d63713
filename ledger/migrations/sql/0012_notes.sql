-- Notes are added and never changed, each on an account that its author sees and under nobody else's name. Of a call it can be
-- said once that it waits no more, by who was called.
CREATE TRIGGER ledger_note_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_note
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER ledger_mention_permanent BEFORE DELETE OR TRUNCATE ON ledger_mention
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();

CREATE FUNCTION ledger_note_signed() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    IF NEW.by_id IS DISTINCT FROM coalesce(nullif(current_setting('backoffice.actor', true), '')::bigint, NEW.by_id)
        OR NOT EXISTS (SELECT FROM ledger_account a WHERE a.id = NEW.account_id AND a.entity_id = NEW.entity_id) THEN
        RAISE EXCEPTION 'A note is signed by who writes it, on an account of its entity.'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_note_signed';
    END IF;
    NEW.created := statement_timestamp();
    RETURN NEW;
END $$;
CREATE TRIGGER ledger_note_signed BEFORE INSERT ON ledger_note FOR EACH ROW EXECUTE FUNCTION ledger_note_signed();

CREATE FUNCTION ledger_mention_of_note() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.done IS NULL
            AND EXISTS (SELECT FROM ledger_note n WHERE n.id = NEW.note_id AND n.entity_id = NEW.entity_id) THEN
            RETURN NEW;
        END IF;
    ELSIF OLD.done IS NULL
        AND NEW.person_id = coalesce(nullif(current_setting('backoffice.actor', true), '')::bigint, NEW.person_id) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'Who is called says once that it waits no more.'
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_mention_of_note';
END $$;
CREATE TRIGGER ledger_mention_of_note BEFORE INSERT OR UPDATE ON ledger_mention
    FOR EACH ROW EXECUTE FUNCTION ledger_mention_of_note();

REVOKE ALL ON ledger_note, ledger_mention FROM {app};
GRANT SELECT, INSERT ON ledger_note TO {app};
GRANT SELECT, INSERT, UPDATE (done) ON ledger_mention TO {app};

SELECT audit_capture('ledger_note', 'ledger_historicalnote', 'ledger.note', '{app}');

DO $$
DECLARE
    source regclass;
BEGIN
    FOREACH source IN ARRAY ARRAY['ledger_note', 'ledger_mention', 'ledger_historicalnote']::regclass[] LOOP
        CALL backoffice_secure_by_entity(source);
    END LOOP;
END $$;
