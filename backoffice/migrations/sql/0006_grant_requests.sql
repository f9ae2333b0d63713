-- Maker and checker for rights. What these tables hold says who sees which money, so the rules stand here too.

-- 1. A request begins pending, is decided once and in time, stays as it was asked, and is never gone.
CREATE FUNCTION backoffice_refuse_grantrequest() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'A request for rights is decided once, in time, and never changed.'
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'backoffice_grantrequest_decided_once';
END $$;
CREATE TRIGGER backoffice_grantrequest_permanent BEFORE DELETE OR TRUNCATE ON backoffice_grantrequest
    FOR EACH STATEMENT EXECUTE FUNCTION backoffice_refuse_grantrequest();
CREATE TRIGGER backoffice_grantrequest_begins_pending BEFORE INSERT ON backoffice_grantrequest FOR EACH ROW
    WHEN (NEW.state <> 'pending' OR NEW.checker_id IS NOT NULL OR NEW.decided IS NOT NULL)
    EXECUTE FUNCTION backoffice_refuse_grantrequest();
CREATE TRIGGER backoffice_grantrequest_decided_once BEFORE UPDATE ON backoffice_grantrequest FOR EACH ROW
    WHEN (OLD.state <> 'pending' OR NEW.state = 'pending'
        OR (NEW.state = 'approved' AND OLD.expires <= statement_timestamp())
        OR (OLD.id, OLD.give, OLD.entity_id, OLD.group_id, OLD.person_id, OLD.parent_id, OLD.shown, OLD.reason, OLD.maker_id, OLD.requested, OLD.expires)
        IS DISTINCT FROM (NEW.id, NEW.give, NEW.entity_id, NEW.group_id, NEW.person_id, NEW.parent_id, NEW.shown, NEW.reason, NEW.maker_id, NEW.requested, NEW.expires))
    EXECUTE FUNCTION backoffice_refuse_grantrequest();

-- When it was decided is the database's to say: the check below asks whether that was in this very transaction.
CREATE FUNCTION backoffice_grantrequest_dated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.decided := clock_timestamp();
    RETURN NEW;
END $$;
CREATE TRIGGER backoffice_grantrequest_dated BEFORE UPDATE ON backoffice_grantrequest
    FOR EACH ROW EXECUTE FUNCTION backoffice_grantrequest_dated();

-- Nor does anybody ask for rights of a group that he is in, or decide on them: they would be his own.
CREATE FUNCTION backoffice_grantrequest_own_group() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM backoffice_user_groups
        WHERE group_id = NEW.group_id AND user_id IN (NEW.maker_id, NEW.checker_id)) THEN
        RAISE EXCEPTION 'Nobody asks for rights of a group that he is in, or decides on them.'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'backoffice_grantrequest_own_group';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER backoffice_grantrequest_own_group BEFORE INSERT OR UPDATE ON backoffice_grantrequest FOR EACH ROW
    WHEN (NEW.person_id IS NULL AND NEW.group_id IS NOT NULL AND NEW.state IN ('pending', 'approved', 'rejected'))
    EXECUTE FUNCTION backoffice_grantrequest_own_group();

-- 2. What was approved was done, in the same transaction, unless another approval came after it.
CREATE FUNCTION backoffice_grantrequest_carried_out() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.give <> CASE
        WHEN NEW.group_id IS NULL AND NEW.person_id IS NULL THEN EXISTS (
            SELECT FROM backoffice_entity WHERE id = NEW.entity_id AND parent_id IS NOT DISTINCT FROM NEW.parent_id)
        WHEN NEW.entity_id IS NULL THEN EXISTS (
            SELECT FROM backoffice_user_groups WHERE user_id = NEW.person_id AND group_id = NEW.group_id)
        WHEN NEW.group_id IS NULL THEN EXISTS (
            SELECT FROM backoffice_persongrant WHERE user_id = NEW.person_id AND entity_id = NEW.entity_id)
        ELSE EXISTS (
            SELECT FROM backoffice_groupgrant WHERE group_id = NEW.group_id AND entity_id = NEW.entity_id)
    END) AND NOT EXISTS (
        SELECT FROM backoffice_grantrequest r
        WHERE r.state = 'approved' AND r.decided > NEW.decided
          AND (r.entity_id, r.group_id, r.person_id) IS NOT DISTINCT FROM (NEW.entity_id, NEW.group_id, NEW.person_id)
    ) THEN
        RAISE EXCEPTION 'What was approved has to be done.'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'backoffice_grantrequest_carried_out';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER backoffice_grantrequest_carried_out AFTER UPDATE ON backoffice_grantrequest
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.state = 'approved')
    EXECUTE FUNCTION backoffice_grantrequest_carried_out();

-- 3. A request to the site gives and takes no right but by what another person approved in this transaction, whatever
-- page, form or superuser it comes from. Commands and migrations come from no request, and have no method.
CREATE FUNCTION backoffice_right_was_approved() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    link jsonb := to_jsonb(coalesce(NEW, OLD));
BEGIN
    IF TG_OP = 'UPDATE' OR NOT EXISTS (
        SELECT FROM backoffice_grantrequest r
        WHERE r.state = 'approved' AND r.decided >= transaction_timestamp() AND r.give = (TG_OP = 'INSERT')
          AND r.entity_id IS NOT DISTINCT FROM (link ->> 'entity_id')::bigint
          AND r.group_id IS NOT DISTINCT FROM (link ->> 'group_id')::bigint
          AND r.person_id IS NOT DISTINCT FROM (link ->> 'user_id')::bigint
    ) THEN
        RAISE EXCEPTION 'A right is given and taken by a request that another person approves.'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'backoffice_right_was_approved';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER backoffice_right_was_approved AFTER INSERT OR UPDATE OR DELETE ON backoffice_groupgrant FOR EACH ROW
    WHEN (current_setting('backoffice.method', true) <> '') EXECUTE FUNCTION backoffice_right_was_approved();
CREATE TRIGGER backoffice_right_was_approved AFTER INSERT OR UPDATE OR DELETE ON backoffice_persongrant FOR EACH ROW
    WHEN (current_setting('backoffice.method', true) <> '') EXECUTE FUNCTION backoffice_right_was_approved();
CREATE TRIGGER backoffice_right_was_approved AFTER INSERT OR UPDATE OR DELETE ON backoffice_user_groups FOR EACH ROW
    WHEN (current_setting('backoffice.method', true) <> '') EXECUTE FUNCTION backoffice_right_was_approved();

-- Nor does it move an entity: whoever works above works on it, and limits from above bind it.
CREATE FUNCTION backoffice_right_to_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM backoffice_grantrequest r
        WHERE r.state = 'approved' AND r.decided >= transaction_timestamp() AND r.entity_id = NEW.id
          AND r.group_id IS NULL AND r.person_id IS NULL AND r.parent_id IS NOT DISTINCT FROM NEW.parent_id
    ) THEN
        RAISE EXCEPTION 'An entity is moved by a request that another person approves.'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'backoffice_right_was_approved';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER backoffice_right_to_move AFTER UPDATE ON backoffice_entity FOR EACH ROW
    WHEN (OLD.parent_id IS DISTINCT FROM NEW.parent_id AND current_setting('backoffice.method', true) <> '')
    EXECUTE FUNCTION backoffice_right_to_move();

-- An entity stands below none that is below it, whoever writes. Moves come one at a time: ledger_branches_alone.
CREATE FUNCTION backoffice_entity_no_circle() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        WITH RECURSIVE above (id) AS (
            SELECT NEW.parent_id
            UNION
            SELECT e.parent_id FROM backoffice_entity e JOIN above ON e.id = above.id
        )
        SELECT FROM above WHERE id = NEW.id
    ) THEN
        RAISE EXCEPTION 'An entity cannot stand below itself.'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'backoffice_entity_no_circle';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER backoffice_entity_no_circle AFTER UPDATE ON backoffice_entity FOR EACH ROW
    WHEN (OLD.parent_id IS DISTINCT FROM NEW.parent_id AND NEW.parent_id IS NOT NULL)
    EXECUTE FUNCTION backoffice_entity_no_circle();

-- 4. Rights of the site's role, and history.
REVOKE ALL ON backoffice_grantrequest FROM {app};
GRANT SELECT, INSERT, UPDATE (state, checker_id, comment) ON backoffice_grantrequest TO {app};
SELECT audit_capture('backoffice_grantrequest', 'backoffice_historicalgrantrequest', 'backoffice.grantrequest', '{app}');
