-- The guards of the ledger. Rules are decided in ledger/rules.py; what must never break, whoever writes, is held here.

-- 1. The record is written once.
CREATE FUNCTION ledger_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: the record of the ledger is never changed.', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_TABLE_NAME || '_immutable';
END $$;

CREATE TRIGGER ledger_action_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_action
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER ledger_account_permanent BEFORE DELETE OR TRUNCATE ON ledger_account
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER ledger_refusal_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_refusal
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();

-- NaN is larger than every number to PostgreSQL, so an upper bound keeps it out where `>= 0` would let it in.
ALTER TABLE ledger_account ADD CONSTRAINT ledger_account_balance_is_a_number CHECK (balance < 1e15);
ALTER TABLE ledger_action ADD CONSTRAINT ledger_action_amounts_are_numbers
    CHECK (delta > -1e15 AND delta < 1e15 AND balance < 1e15);
ALTER TABLE ledger_action ADD CONSTRAINT ledger_action_sign
    CHECK (CASE type WHEN 'deposited' THEN delta > 0 WHEN 'withdrawn' THEN delta < 0 ELSE delta = 0 END);
ALTER TABLE ledger_cap ADD CONSTRAINT ledger_cap_is_a_number CHECK (ceiling < 1e15);
ALTER TABLE ledger_headroom ADD CONSTRAINT ledger_headroom_is_a_number CHECK (remaining < 1e15);
ALTER TABLE ledger_limit ADD CONSTRAINT ledger_limit_is_a_number CHECK (amount < 1e15);

-- 2. An account begins empty and open, and moves only with its actions: a trigger stands at depth 1, a session at 0.
CREATE FUNCTION ledger_refuse_account_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The balance, status and identity of an account change only with its actions.'
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_account_moves_with_actions';
END $$;

CREATE TRIGGER ledger_account_begins_empty BEFORE INSERT ON ledger_account FOR EACH ROW
    WHEN (NEW.balance <> 0 OR NEW.version <> 0 OR NEW.status <> 'open')
    EXECUTE FUNCTION ledger_refuse_account_change();
CREATE TRIGGER ledger_account_moves_with_actions BEFORE UPDATE ON ledger_account FOR EACH ROW
    WHEN (pg_trigger_depth() = 0 AND (OLD.id, OLD.uid, OLD.user_id, OLD.entity_id, OLD.currency, OLD.status, OLD.balance, OLD.version, OLD.created, OLD.modified)
        IS DISTINCT FROM (NEW.id, NEW.uid, NEW.user_id, NEW.entity_id, NEW.currency, NEW.status, NEW.balance, NEW.version, NEW.created, NEW.modified))
    EXECUTE FUNCTION ledger_refuse_account_change();

-- 3. The cap: sum of balances + sum of remaining = ceiling, per currency.
CREATE FUNCTION ledger_lock_headroom(currencies text[]) RETURNS TABLE (currency varchar, remaining numeric)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT locked.currency, sum(locked.remaining)
    FROM (SELECT h.currency, h.remaining FROM ledger_headroom h WHERE h.currency = ANY (currencies)
          ORDER BY h.currency, h.slot FOR NO KEY UPDATE) locked
    GROUP BY locked.currency
$$;

CREATE FUNCTION ledger_deal_headroom(wanted text, total numeric) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    -- Even parts in the smallest unit stored; the first slot takes what does not divide.
    UPDATE ledger_headroom h
    SET remaining = trunc(total / n.slots, 4) + CASE WHEN h.slot = 0 THEN total - n.slots * trunc(total / n.slots, 4) ELSE 0 END
    FROM (SELECT count(*) AS slots FROM ledger_headroom WHERE currency = wanted) n
    WHERE h.currency = wanted
$$;

CREATE FUNCTION ledger_take_headroom(wanted text, net numeric) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    slots CONSTANT int := 64;
    total numeric;
BEGIN
    BEGIN
        UPDATE ledger_headroom SET remaining = remaining - net
        WHERE currency = wanted AND slot = pg_backend_pid() % slots;
        IF FOUND THEN
            RETURN;
        END IF;
    EXCEPTION WHEN check_violation THEN
        NULL;  -- the slot ran dry; its lock went with the subtransaction, so the order of the next lock holds
    END;
    SELECT l.remaining INTO total FROM ledger_lock_headroom(ARRAY[wanted]) l;
    IF total IS NULL OR total < net THEN
        RAISE EXCEPTION 'The balances in % would pass its cap.', wanted
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_cap', DETAIL = wanted;
    END IF;
    PERFORM ledger_deal_headroom(wanted, total - net);
END $$;

CREATE FUNCTION ledger_set_cap(wanted text, ceiling numeric) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    total numeric;
    before numeric;
BEGIN
    IF ceiling IS NULL OR ceiling < 0 OR ceiling >= 1e15 OR ceiling <> round(ceiling, 4) OR wanted !~ '^[A-Z]{3}$' THEN
        RAISE EXCEPTION 'A cap needs a currency of three letters and a ceiling that can be stored.'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_cap_invalid';
    END IF;
    INSERT INTO ledger_cap (currency, ceiling) VALUES (wanted, 0) ON CONFLICT DO NOTHING;
    INSERT INTO ledger_headroom (currency, slot, remaining) SELECT wanted, n, 0 FROM generate_series(0, 63) n
        ON CONFLICT DO NOTHING;
    SELECT c.ceiling INTO before FROM ledger_cap c WHERE c.currency = wanted FOR NO KEY UPDATE;
    SELECT l.remaining INTO total FROM ledger_lock_headroom(ARRAY[wanted]) l;
    IF total + ledger_set_cap.ceiling - before < 0 THEN
        RAISE EXCEPTION 'The balances in % are higher than this cap.', wanted
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_cap', DETAIL = wanted;
    END IF;
    UPDATE ledger_cap c SET ceiling = ledger_set_cap.ceiling WHERE c.currency = wanted;
    PERFORM ledger_deal_headroom(wanted, total + ledger_set_cap.ceiling - before);
END $$;

-- What must hold of rules.ALLOWED whoever writes: nothing moves on a closed account, and no money on a frozen one.
CREATE FUNCTION ledger_allows(status text, type text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT status = 'open' OR status = 'frozen' AND type IN ('unfrozen', 'closed')
$$;

CREATE FUNCTION ledger_refuse_step(account bigint, version int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'Action % of account % does not continue the account.', version, account
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_action_out_of_step';
END $$;

-- 4. What an action does: it continues its account, moves it along, and takes from the cap, in its own statement.
-- A loop and not a join, because a plan that was cached for a batch would scan all accounts for a single posting.
CREATE FUNCTION ledger_action_posted() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    step record;
    earlier record;  -- the action before, of the same account and statement
    started_version int;
    started_balance numeric;
    started_type text;
    net record;
BEGIN
    FOR step IN
        SELECT account_id, entity_id, currency, type, status, version, balance, delta, created,
               lag(account_id) OVER in_order IS DISTINCT FROM account_id AS first,
               lead(account_id) OVER in_order IS DISTINCT FROM account_id AS last
        FROM posted WINDOW in_order AS (ORDER BY account_id, version) ORDER BY account_id, version
    LOOP
        IF step.first THEN
            started_version := step.version - 1;
            started_balance := step.balance - step.delta;
            started_type := step.type;
        ELSIF step.version <> earlier.version + 1 OR step.balance <> earlier.balance + step.delta
            OR NOT ledger_allows(earlier.status, step.type) OR step.currency <> earlier.currency OR step.entity_id <> earlier.entity_id THEN
            PERFORM ledger_refuse_step(step.account_id, step.version);
        END IF;
        IF step.last THEN
            UPDATE ledger_account a
            SET balance = step.balance, version = step.version, status = step.status, modified = step.created
            WHERE a.id = step.account_id AND a.version = started_version AND a.balance = started_balance
              AND a.currency = step.currency AND a.entity_id = step.entity_id
              AND ledger_allows(a.status, started_type);
            IF NOT FOUND THEN
                PERFORM ledger_refuse_step(step.account_id, step.version);
            END IF;
        END IF;
        earlier := step;
    END LOOP;
    FOR net IN SELECT currency, sum(delta) AS delta FROM posted GROUP BY currency HAVING sum(delta) <> 0 ORDER BY currency LOOP
        PERFORM ledger_take_headroom(net.currency, net.delta);
    END LOOP;
    RETURN NULL;
END $$;

CREATE TRIGGER ledger_action_posted AFTER INSERT ON ledger_action REFERENCING NEW TABLE AS posted
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_action_posted();

-- 5. Who may what. The app role adds to the record and reads it; it has no way to a balance but an action.
REVOKE ALL ON ledger_account, ledger_action, ledger_cap, ledger_headroom, ledger_refusal FROM {app};
GRANT SELECT, INSERT, UPDATE ON ledger_account TO {app};
GRANT SELECT, INSERT ON ledger_refusal TO {app};
-- id, uid, reference and recorded are the database's to give: an action that chose its own could pass for another.
GRANT SELECT, INSERT (account_id, entity_id, currency, type, delta, balance, status, version, created, reference_type,
                      external_reference, comment, by_id, idempotency_key) ON ledger_action TO {app};
GRANT SELECT ON ledger_cap, ledger_headroom TO {app};
GRANT EXECUTE ON FUNCTION ledger_set_cap(text, numeric), ledger_lock_headroom(text[]) TO {app};

-- 6. One limit of a kind for a subject at a time. Core PostgreSQL has GiST for ranges only, so a subject is a range of one.
CREATE FUNCTION ledger_limit_subject(kind text, currency text, entity bigint, account bigint) RETURNS int8range
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$
    SELECT int8range(subject, subject, '[]')
    FROM (SELECT hashtextextended(concat_ws('/', kind, currency, coalesce(entity, 0), coalesce(account, 0)), 0) / 2) h (subject)
$$;
GRANT EXECUTE ON FUNCTION ledger_limit_subject(text, text, bigint, bigint) TO {app};
ALTER TABLE ledger_limit ADD CONSTRAINT ledger_limit_no_overlap EXCLUDE USING gist (
    ledger_limit_subject(kind, currency, entity_id, account_id) WITH &&, valid WITH &&
) WHERE (NOT is_void);
