-- A limit for an entity binds its branch. The branch stands in the limit's row, so that a posting finds the limits of its
-- account without walking the tree; whoever writes, it is what the tree says.
CREATE FUNCTION ledger_branch(root bigint) RETURNS bigint[]
LANGUAGE sql STABLE SET search_path = pg_catalog, public AS $$
    WITH RECURSIVE branch (id) AS (
        SELECT root WHERE root IS NOT NULL
        UNION
        SELECT e.id FROM backoffice_entity e JOIN branch ON e.parent_id = branch.id
    )
    SELECT array_agg(id ORDER BY id) FROM branch
$$;

-- One at a time, before a row is locked: a limit and an entity below it that are new at the same moment would not see each other.
CREATE FUNCTION ledger_branches_alone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('ledger_branches', 0));
    RETURN NULL;
END $$;

CREATE FUNCTION ledger_limit_branch() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    NEW.branch := ledger_branch(NEW.entity_id);
    RETURN NEW;
END $$;
CREATE TRIGGER ledger_limit_alone BEFORE INSERT OR UPDATE OF entity_id, branch ON ledger_limit
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_branches_alone();
CREATE TRIGGER ledger_limit_branch BEFORE INSERT OR UPDATE OF entity_id, branch ON ledger_limit
    FOR EACH ROW EXECUTE FUNCTION ledger_limit_branch();

CREATE FUNCTION ledger_limits_follow() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    UPDATE ledger_limit SET branch = NULL  -- ledger_limit_branch() fills it in
    WHERE entity_id IS NOT NULL AND branch IS DISTINCT FROM ledger_branch(entity_id);
    RETURN NULL;
END $$;
CREATE TRIGGER ledger_branches_alone BEFORE INSERT OR DELETE OR UPDATE OF parent_id ON backoffice_entity
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_branches_alone();
CREATE TRIGGER ledger_limits_follow AFTER INSERT OR DELETE OR UPDATE OF parent_id ON backoffice_entity
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_limits_follow();

UPDATE ledger_limit SET branch = NULL WHERE entity_id IS NOT NULL;
