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
CREATE TRIGGER ledger_approval_permanent BEFORE DELETE OR TRUNCATE ON ledger_approval
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER ledger_hold_permanent BEFORE DELETE OR TRUNCATE ON ledger_hold
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER ledger_refusal_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_refusal
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();

-- NaN is larger than every number to PostgreSQL, so an upper bound keeps it out where `>= 0` would let it in.
ALTER TABLE ledger_cap ADD CONSTRAINT ledger_cap_is_a_number CHECK (ceiling < 1e15);
ALTER TABLE ledger_limit ADD CONSTRAINT ledger_limit_is_a_number CHECK (amount < 1e15);

-- 2. An account begins empty and open, and moves only with its actions: a trigger stands at depth 1, a session at 0.
CREATE FUNCTION ledger_refuse_account_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The balance, status and identity of an account change only with its actions.'
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_account_moves_with_actions';
END $$;

CREATE TRIGGER ledger_account_begins_empty BEFORE INSERT ON ledger_account FOR EACH ROW
    WHEN (NEW.balance <> 0 OR NEW.held <> 0 OR NEW.turnover <> 0 OR NEW.version <> 0 OR NEW.status <> 'open' OR NEW.latest <> NEW.created)
    EXECUTE FUNCTION ledger_refuse_account_change();
-- By statement and by column: a condition that compared old and new rows would cost every posting as much as its UPDATE.
CREATE TRIGGER ledger_account_moves_with_actions BEFORE UPDATE OF
    id, uid, user_id, entity_id, currency, status, balance, held, turnover, version, created, modified, latest ON ledger_account
    FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION ledger_refuse_account_change();

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

-- A slot that holds enough is taken from by itself. One that does not is filled up from all others, which are locked in order
-- while none is held, so that nobody waits in a circle. So the slot is looked at first: an UPDATE of slots that hold enough
-- would keep a slot locked that another emptied meanwhile. Two backends may share a slot and empty it at the same moment:
-- then its CHECK refuses the later one, and the engine posts again with all slots locked.
CREATE FUNCTION ledger_take_headroom(wanted text, net numeric) RETURNS void
LANGUAGE plpgsql AS $$  -- called by ledger_action_posted(), with its rights
DECLARE
    own CONSTANT int := pg_backend_pid() % 64;
    total numeric;
BEGIN
    IF net < 0 OR (SELECT h.remaining FROM ledger_headroom h WHERE h.currency = wanted AND h.slot = own) >= net THEN
        UPDATE ledger_headroom SET remaining = remaining - net WHERE currency = wanted AND slot = own;
        IF FOUND THEN
            RETURN;
        END IF;
    END IF;
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
    SELECT status = 'open' OR status = 'frozen' AND type IN ('unfrozen', 'closed', 'released')
$$;

-- The status that an action leaves.
CREATE FUNCTION ledger_left(before text, type text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE type WHEN 'frozen' THEN 'frozen' WHEN 'unfrozen' THEN 'open' WHEN 'closed' THEN 'closed' ELSE before END
$$;

-- What of an action counts as turnover; what goes back is turnover of none.
CREATE FUNCTION ledger_turned(type text, delta numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN type IN ('reversed', 'refunded') THEN 0 ELSE abs(delta) END
$$;

-- What goes with the type of an action: the signs of its amounts, and what it speaks of beside its account.
CREATE FUNCTION ledger_is_sound(type text, delta numeric, held_delta numeric, reverses bigint, hold bigint, expires timestamptz,
    transfer uuid, counterparty bigint) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN type IN ('deposited', 'transferred_in') THEN delta > 0
                WHEN type IN ('withdrawn', 'transferred_out', 'captured') THEN delta < 0
                WHEN type IN ('reversed', 'refunded') THEN delta <> 0
                ELSE delta = 0 END
        AND CASE WHEN type = 'held' THEN held_delta > 0 WHEN type IN ('captured', 'released') THEN held_delta < 0
                 ELSE held_delta = 0 END
        AND (type IN ('reversed', 'refunded')) = (reverses IS NOT NULL)
        AND (type IN ('captured', 'released')) = (hold IS NOT NULL)
        AND (type = 'held' OR expires IS NULL)
        AND (transfer IS NULL) = (counterparty IS NULL)
        AND (type NOT IN ('transferred_out', 'transferred_in') OR transfer IS NOT NULL)
$$;

CREATE FUNCTION ledger_refuse_step(too_early boolean DEFAULT false) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF too_early THEN
        RAISE EXCEPTION 'The clock of the database stands before the last action of the account.'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_action_too_early';
    END IF;
    RAISE EXCEPTION 'An action does not continue its account.'
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_action_out_of_step';
END $$;

CREATE FUNCTION ledger_refuse_action() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The amounts of an action, or what it speaks of, do not go with its type.'
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_action_sound';
END $$;

-- 4. What an action does: it continues its account, moves it along, and takes from the cap, in its own statement. These are
-- guards and not CHECKs, which every statement pays for anew, ten times as much. One action or two go by plans that are kept;
-- those for many are made for each batch, as one that was kept from a large batch would scan all accounts for a small one.
-- Nor are they asked whether the clock was set back: that costs one action next to nothing, and many 3 % and more.
CREATE FUNCTION ledger_action_posted() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    actions bigint := 0;
    accounts bigint;
    moved bigint;
    sound boolean;
    turned boolean;
    first ledger_action;
    last ledger_action;
    step ledger_action;
    net record;
BEGIN
    FOR last IN SELECT * FROM posted ORDER BY account_id, version LIMIT 3 LOOP
        actions := actions + 1;
        IF actions = 1 THEN
            first := last;
        END IF;
    END LOOP;
    IF actions = 0 THEN
        RETURN NULL;
    END IF;
    IF actions = 1 OR actions = 2 AND first.currency = last.currency THEN
        FOR turn IN 1..actions LOOP
            step := CASE turn WHEN 1 THEN first ELSE last END;
            IF NOT ledger_is_sound(step.type, step.delta, step.held_delta, step.reverses_id, step.hold_id, step.expires,
                                   step.transfer, step.counterparty_id) THEN
                PERFORM ledger_refuse_action();
            END IF;
            UPDATE ledger_account a
            SET balance = step.balance, held = step.held, turnover = step.turnover, version = step.version,
                modified = step.created, latest = step.latest
            WHERE a.id = step.account_id AND a.version = step.version - 1 AND a.balance = step.balance - step.delta
              AND a.held = step.held - step.held_delta AND a.turnover = step.turnover - ledger_turned(step.type, step.delta)
              AND step.latest = greatest(a.latest, step.created) AND a.currency = step.currency AND a.entity_id = step.entity_id
              AND ledger_allows(a.status, step.type) AND step.status = ledger_left(a.status, step.type)
              AND (step.type = 'created') = (step.version = 1)
              AND NOT EXISTS (SELECT FROM ledger_action l
                  WHERE l.account_id = step.account_id AND l.version = step.version - 1 AND l.recorded > step.recorded);
            IF NOT FOUND THEN
                PERFORM ledger_refuse_step(EXISTS (SELECT FROM posted p JOIN ledger_action l
                    ON l.account_id = p.account_id AND l.version = p.version - 1 AND l.recorded > p.recorded));
            END IF;
            IF step.type IN ('frozen', 'unfrozen', 'closed') THEN
                UPDATE ledger_account SET status = step.status WHERE id = step.account_id;
            END IF;
        END LOOP;
        IF actions = 2 THEN
            last.delta := first.delta + last.delta;
        END IF;
        IF last.delta <> 0 THEN
            PERFORM ledger_take_headroom(last.currency, last.delta);
        END IF;
        RETURN NULL;
    END IF;

    SELECT count(*), count(DISTINCT account_id),
        bool_and(ledger_is_sound(type, delta, held_delta, reverses_id, hold_id, expires, transfer, counterparty_id)),
        bool_or(type IN ('frozen', 'unfrozen', 'closed'))
    INTO actions, accounts, sound, turned FROM posted;
    IF NOT sound THEN
        PERFORM ledger_refuse_action();
    END IF;
    IF actions > accounts AND EXISTS (
        SELECT FROM (
            SELECT *, lag(version) OVER a AS version_before, lag(balance) OVER a AS balance_before,
                lag(held) OVER a AS held_before, lag(turnover) OVER a AS turnover_before, lag(latest) OVER a AS latest_before,
                lag(status) OVER a AS status_before, lag(currency) OVER a AS currency_before, lag(entity_id) OVER a AS entity_before
            FROM posted WINDOW a AS (PARTITION BY account_id ORDER BY version)
        ) s
        WHERE version_before IS NOT NULL AND (
            version <> version_before + 1 OR balance <> balance_before + delta OR held <> held_before + held_delta
            OR turnover <> turnover_before + ledger_turned(type, delta) OR latest <> greatest(latest_before, created)
            OR NOT ledger_allows(status_before, type) OR status <> ledger_left(status_before, type) OR type = 'created'
            OR currency <> currency_before OR entity_id <> entity_before)
    ) THEN
        PERFORM ledger_refuse_step();
    END IF;
    IF actions = accounts THEN
        EXECUTE $each$
            UPDATE ledger_account a
            SET balance = s.balance, held = s.held, turnover = s.turnover, version = s.version, modified = s.created, latest = s.latest
            FROM (SELECT * FROM posted ORDER BY account_id) s
            WHERE a.id = s.account_id AND a.version = s.version - 1 AND a.balance = s.balance - s.delta
              AND a.held = s.held - s.held_delta AND a.turnover = s.turnover - ledger_turned(s.type, s.delta)
              AND s.latest = greatest(a.latest, s.created)
              AND a.currency = s.currency AND a.entity_id = s.entity_id AND ledger_allows(a.status, s.type)
              AND s.status = ledger_left(a.status, s.type) AND (s.type = 'created') = (s.version = 1)
        $each$;
    ELSE
        EXECUTE $move$
            UPDATE ledger_account a
            SET balance = s.balance, held = s.held, turnover = s.turnover, version = s.version, modified = s.created, latest = s.latest
            FROM (
                SELECT DISTINCT ON (account_id) account_id, entity_id, currency, balance, held, turnover, version, created, latest,
                    count(*) OVER a AS actions, sum(delta) OVER a AS delta, sum(held_delta) OVER a AS held_delta,
                    sum(ledger_turned(type, delta)) OVER a AS turned, max(created) OVER a AS latest_created,
                    first_value(type) OVER a AS first_type, first_value(status) OVER a AS first_status,
                    first_value(version) OVER a AS first_version
                FROM posted
                WINDOW a AS (PARTITION BY account_id ORDER BY version ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
                ORDER BY account_id, version DESC
            ) s
            WHERE a.id = s.account_id AND a.version = s.version - s.actions AND a.balance = s.balance - s.delta
              AND a.held = s.held - s.held_delta AND a.turnover = s.turnover - s.turned
              AND s.latest = greatest(a.latest, s.latest_created)
              AND a.currency = s.currency AND a.entity_id = s.entity_id AND ledger_allows(a.status, s.first_type)
              AND s.first_status = ledger_left(a.status, s.first_type) AND (s.first_type = 'created') = (s.first_version = 1)
        $move$;
    END IF;
    GET DIAGNOSTICS moved = ROW_COUNT;
    IF moved <> accounts THEN
        PERFORM ledger_refuse_step();
    END IF;
    IF turned THEN
        EXECUTE $turn$
            UPDATE ledger_account a SET status = s.status
            FROM (SELECT DISTINCT ON (account_id) account_id, status FROM posted ORDER BY account_id, version DESC) s
            WHERE a.id = s.account_id AND a.status <> s.status
        $turn$;
    END IF;
    FOR net IN SELECT currency, sum(delta) AS delta FROM posted GROUP BY currency HAVING sum(delta) <> 0 ORDER BY currency LOOP
        PERFORM ledger_take_headroom(net.currency, net.delta);
    END LOOP;
    RETURN NULL;
END $$;

CREATE TRIGGER ledger_action_posted AFTER INSERT ON ledger_action REFERENCING NEW TABLE AS posted
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_action_posted();

-- 5. What some actions speak of.
CREATE FUNCTION ledger_refuse_hold_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'A hold begins and ends with its actions.'
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_hold_follows_actions';
END $$;
CREATE TRIGGER ledger_hold_follows_actions BEFORE INSERT OR UPDATE ON ledger_hold FOR EACH ROW
    WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION ledger_refuse_hold_change();

CREATE FUNCTION ledger_type_of(verb text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE verb WHEN 'deposit' THEN 'deposited' WHEN 'withdraw' THEN 'withdrawn' WHEN 'transfer' THEN 'transferred_out'
        WHEN 'reverse' THEN 'reversed' WHEN 'refund' THEN 'refunded' WHEN 'hold' THEN 'held' END
$$;

-- One trigger with one condition: each condition is made ready anew for every statement, also for those it does not concern.
CREATE FUNCTION ledger_action_follows() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    IF NEW.approval_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM ledger_approval p WHERE p.id = NEW.approval_id AND p.state = 'approved' AND p.kind = 'posting'
            AND p.maker_id = NEW.by_id AND p.account_id = NEW.account_id AND NEW.type = ledger_type_of(p.asked ->> 'verb')
            AND p.amount = greatest(abs(NEW.delta), abs(NEW.held_delta))
    ) THEN
        RAISE EXCEPTION 'The action was not approved by another person.'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_action_approved';
    END IF;
    IF NEW.held_delta > 0 THEN
        INSERT INTO ledger_hold (placed_id, uid, account_id, entity_id, currency, amount, state, created, expires)
        VALUES (NEW.id, NEW.uid, NEW.account_id, NEW.entity_id, NEW.currency, NEW.held_delta, 'pending', NEW.created, NEW.expires);
    ELSIF NEW.held_delta < 0 THEN
        UPDATE ledger_hold
        SET state = CASE WHEN NEW.type = 'captured' THEN 'captured' WHEN expires <= NEW.created THEN 'expired' ELSE 'released' END,
            captured = -NEW.delta, resolved_id = NEW.id
        WHERE placed_id = NEW.hold_id AND account_id = NEW.account_id AND state = 'pending' AND amount = -NEW.held_delta
          AND created <= NEW.created AND (NEW.type = 'released' OR expires IS NULL OR expires > NEW.recorded);
        IF NOT FOUND THEN
            RAISE EXCEPTION 'A hold is resolved once, as a whole, and captured before it expires.'
                USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_hold_resolved_once';
        END IF;
    END IF;
    IF NEW.reverses_id IS NOT NULL THEN
        -- Whoever else returns some of that action waits here, and is counted or counts this.
        PERFORM FROM ledger_account WHERE id = NEW.account_id FOR NO KEY UPDATE;
        IF NOT EXISTS (
            SELECT FROM ledger_action o WHERE o.id = NEW.reverses_id AND o.account_id = NEW.account_id
                AND o.type IN ('deposited', 'withdrawn', 'transferred_out', 'transferred_in', 'captured')
                AND o.created <= NEW.created AND (o.transfer IS NULL) = (NEW.transfer IS NULL)
                AND o.counterparty_id IS NOT DISTINCT FROM NEW.counterparty_id AND sign(o.delta) = -sign(NEW.delta)
                AND (NEW.type = 'refunded' OR o.delta = -NEW.delta)
                AND abs(o.delta) >= (SELECT sum(abs(r.delta)) FROM ledger_action r WHERE r.reverses_id = o.id)
        ) THEN
            RAISE EXCEPTION 'No more goes back of an action than there was.'
                USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_return_within';
        END IF;
    END IF;
    IF NEW.transfer IS NOT NULL AND NOT (
        SELECT count(*) = 2 AND sum(delta) = 0 AND min(currency) = max(currency) AND min(account_id) < max(account_id)
            AND min(counterparty_id) = min(account_id) AND max(counterparty_id) = max(account_id)
        FROM ledger_action WHERE transfer = NEW.transfer
    ) THEN
        RAISE EXCEPTION 'A transfer has two legs, of one currency and two accounts, that come to nothing.'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_transfer_balanced';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER ledger_action_follows AFTER INSERT ON ledger_action FOR EACH ROW
    WHEN (NEW.held_delta <> 0 OR NEW.reverses_id IS NOT NULL OR NEW.transfer IS NOT NULL OR NEW.approval_id IS NOT NULL)
    EXECUTE FUNCTION ledger_action_follows();

-- A request for approval begins pending, is decided once, and what was asked stays as it was asked.
CREATE FUNCTION ledger_refuse_approval_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'A request for approval is decided once, and never changed.'
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_approval_decided_once';
END $$;
CREATE TRIGGER ledger_approval_begins_pending BEFORE INSERT ON ledger_approval FOR EACH ROW
    WHEN (NEW.state <> 'pending' OR NEW.checker_id IS NOT NULL OR NEW.decided IS NOT NULL)
    EXECUTE FUNCTION ledger_refuse_approval_change();
CREATE TRIGGER ledger_approval_decided_once BEFORE UPDATE ON ledger_approval FOR EACH ROW
    WHEN (OLD.state <> 'pending' OR NEW.state = 'pending' OR NEW.decided IS NULL
        OR (NEW.state = 'approved' AND OLD.expires <= statement_timestamp())
        OR (OLD.id, OLD.uid, OLD.kind, OLD.entity_id, OLD.account_id, OLD.currency, OLD.amount, OLD.asked, OLD.shown, OLD.fingerprint, OLD.reason, OLD.maker_id, OLD.requested, OLD.expires)
        IS DISTINCT FROM (NEW.id, NEW.uid, NEW.kind, NEW.entity_id, NEW.account_id, NEW.currency, NEW.amount, NEW.asked, NEW.shown, NEW.fingerprint, NEW.reason, NEW.maker_id, NEW.requested, NEW.expires))
    EXECUTE FUNCTION ledger_refuse_approval_change();

-- What was approved was carried out, in the same transaction.
CREATE FUNCTION ledger_approval_carried_out() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM ledger_action WHERE approval_id = NEW.id) THEN
        RAISE EXCEPTION 'A posting that was approved has to be posted.'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_approval_carried_out';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER ledger_approval_carried_out AFTER UPDATE ON ledger_approval DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (NEW.state = 'approved' AND NEW.kind = 'posting') EXECUTE FUNCTION ledger_approval_carried_out();

-- 6. As of a moment, by index: versions have no gap, and neither `recorded` nor `latest` ever falls, so the last action
-- until then is found by bisection and its running balance is the answer. Business times may be given back-dated; what was
-- booked for a time before the latest one is in an index of its own and is added. `known` leaves out later versions: what
-- was known when the account had that many actions is the same for ever.
-- `version + 0` keeps the planner from walking the versions instead of the few that were back-dated.
CREATE INDEX ledger_action_returned ON ledger_action (account_id, version) INCLUDE (delta) WHERE reverses_id IS NOT NULL;

CREATE FUNCTION ledger_version_at(wanted bigint, moment timestamptz, business boolean, known int DEFAULT NULL) RETURNS int
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public SET enable_seqscan = off AS $$
DECLARE
    low int := 0;
    high int := coalesce(known, (SELECT version FROM ledger_account WHERE id = wanted));
    middle int := high;  -- most are asked about a moment after their last action
BEGIN
    WHILE low < high LOOP
        IF (SELECT CASE WHEN business THEN latest ELSE recorded END FROM ledger_action
            WHERE account_id = wanted AND version = middle) <= moment THEN
            low := middle;
        ELSE
            high := middle - 1;
        END IF;
        middle := (low + high + 1) / 2;
    END LOOP;
    RETURN low;
END $$;

CREATE FUNCTION ledger_balance_at(wanted bigint, moment timestamptz, business boolean) RETURNS numeric
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public SET enable_seqscan = off AS $$
DECLARE
    known CONSTANT int := (SELECT version FROM ledger_account WHERE id = wanted);
    number CONSTANT int := ledger_version_at(wanted, moment, business, known);
BEGIN
    RETURN coalesce((SELECT balance FROM ledger_action WHERE account_id = wanted AND version = number), 0)
        + CASE WHEN business AND number < known THEN coalesce((
            SELECT sum(delta) FROM ledger_action
            WHERE account_id = wanted AND created < latest AND created <= moment AND version + 0 > number), 0) ELSE 0 END;
END $$;

CREATE FUNCTION ledger_turnover_at(wanted bigint, moment timestamptz) RETURNS numeric
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public SET enable_seqscan = off AS $$
DECLARE
    number CONSTANT int := ledger_version_at(wanted, moment - interval '1 microsecond', false);
BEGIN
    RETURN coalesce((SELECT turnover FROM ledger_action WHERE account_id = wanted AND version = number), 0);
END $$;

-- A statement's frame, from `since` until before `until` by business time: the versions between which its movements in
-- order are found, the balances at its ends, and `moved`, all that came in and went out. Of the running turnover, which
-- leaves out what went back, plus what went back; less what these versions booked for before, plus what later ones booked
-- for the period.
CREATE FUNCTION ledger_statement(
    wanted bigint, since timestamptz, until timestamptz, known int,
    OUT first int, OUT last int, OUT opening numeric, OUT closing numeric, OUT moved numeric)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public SET enable_seqscan = off AS $$
DECLARE
    turned_first numeric := 0;
    late record;
BEGIN
    opening := 0;
    closing := 0;
    moved := 0;
    first := ledger_version_at(wanted, since - interval '1 microsecond', true, known);
    last := ledger_version_at(wanted, until - interval '1 microsecond', true, known);
    IF first > 0 THEN
        SELECT balance, turnover INTO opening, turned_first FROM ledger_action WHERE account_id = wanted AND version = first;
    END IF;
    IF last > 0 THEN
        SELECT balance, turnover - turned_first INTO closing, moved FROM ledger_action
        WHERE account_id = wanted AND version = last;
    END IF;
    moved := moved + coalesce((SELECT sum(abs(delta)) FROM ledger_action
        WHERE account_id = wanted AND reverses_id IS NOT NULL AND version > first AND version <= last), 0);
    IF first = known THEN
        RETURN;
    END IF;
    SELECT coalesce(sum(delta) FILTER (WHERE created < since), 0) AS opening,
        coalesce(sum(delta) FILTER (WHERE version > last), 0) AS closing,
        coalesce(sum(abs(delta)) FILTER (WHERE version > last AND created >= since), 0)
            - coalesce(sum(abs(delta)) FILTER (WHERE version <= last AND created < since), 0) AS moved
    INTO late FROM ledger_action
    WHERE account_id = wanted AND created < latest AND created < until AND version + 0 > first AND version + 0 <= known;
    opening := opening + late.opening;
    closing := closing + late.closing;
    moved := moved + late.moved;
END $$;

-- Where a statement goes on after one of its movements, in the order of business time, then version: the version after
-- which those in order follow, and the balance until here.
CREATE FUNCTION ledger_statement_after(
    wanted bigint, moment timestamptz, number int, known int, OUT first int, OUT balance numeric)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public SET enable_seqscan = off AS $$
BEGIN
    -- In order, it may stand among others of the same moment; back-dated, it was booked after all of that moment.
    first := least(number, ledger_version_at(wanted, moment, true, known));
    balance := coalesce((SELECT a.balance FROM ledger_action a WHERE a.account_id = wanted AND a.version = first), 0)
        + coalesce((SELECT sum(a.delta) FROM ledger_action a
            WHERE a.account_id = wanted AND a.created < a.latest AND a.created <= moment
              AND (a.created < moment OR a.version + 0 <= number) AND a.version + 0 > first AND a.version + 0 <= known), 0);
END $$;
GRANT EXECUTE ON FUNCTION ledger_version_at(bigint, timestamptz, boolean, int),
    ledger_balance_at(bigint, timestamptz, boolean), ledger_turnover_at(bigint, timestamptz),
    ledger_statement(bigint, timestamptz, timestamptz, int), ledger_statement_after(bigint, timestamptz, int, int) TO {app};

-- 7. Who may what. The app role adds to the record and reads it; it has no way to a balance but an action.
REVOKE ALL ON ledger_account, ledger_action, ledger_approval, ledger_cap, ledger_headroom, ledger_hold, ledger_refusal FROM {app};
GRANT SELECT, INSERT, UPDATE (note) ON ledger_account TO {app};
GRANT SELECT, INSERT ON ledger_refusal TO {app};
-- id, uid, reference and recorded are the database's to give: an action that chose its own could pass for another.
GRANT SELECT, INSERT (account_id, entity_id, currency, type, delta, balance, held_delta, held, turnover, status, version, created,
                      latest, reference_type, external_reference, comment, by_id, idempotency_key, counterparty_id, transfer,
                      reverses_id, hold_id, expires, approval_id) ON ledger_action TO {app};
GRANT SELECT, INSERT, UPDATE (state, checker_id, decided, comment, error_code, error_text) ON ledger_approval TO {app};
GRANT SELECT ON ledger_cap, ledger_headroom, ledger_hold TO {app};
GRANT EXECUTE ON FUNCTION ledger_set_cap(text, numeric), ledger_lock_headroom(text[]) TO {app};

-- 8. One limit of a kind for a subject at a time. Core PostgreSQL has GiST for ranges only, so a subject is a range of one.
CREATE FUNCTION ledger_limit_subject(kind text, currency text, entity bigint, account bigint) RETURNS int8range
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$
    SELECT int8range(subject, subject, '[]')
    FROM (SELECT hashtextextended(concat_ws('/', kind, currency, coalesce(entity, 0), coalesce(account, 0)), 0) / 2) h (subject)
$$;
GRANT EXECUTE ON FUNCTION ledger_limit_subject(text, text, bigint, bigint) TO {app};
ALTER TABLE ledger_limit ADD CONSTRAINT ledger_limit_no_overlap EXCLUDE USING gist (
    ledger_limit_subject(kind, currency, entity_id, account_id) WITH &&, valid WITH &&
) WHERE (NOT is_void);
