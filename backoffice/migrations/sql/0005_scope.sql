-- Which entities somebody sees: what backoffice/scope.py announces, and what policies read.

-- What was announced in this transaction; NULL where nothing was. A policy asks it in a subquery, so once a statement.
CREATE FUNCTION backoffice_scope() RETURNS bigint[] LANGUAGE sql STABLE PARALLEL SAFE
RETURN nullif(current_setting('backoffice.entities', true), '')::bigint[];

-- Whether that is every entity that stands: who decides about what binds all of them has to see all of them.
CREATE FUNCTION backoffice_sees_everything() RETURNS boolean LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT backoffice_scope() IS NOT NULL
        AND NOT EXISTS (SELECT FROM backoffice_entity WHERE NOT is_void AND id <> ALL (backoffice_scope()));
END;

-- The entities that a person and their groups were granted; none for nobody.
CREATE FUNCTION backoffice_granted_to(person bigint) RETURNS SETOF bigint LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH work AS (
        SELECT p.id FROM auth_permission p JOIN django_content_type t ON t.id = p.content_type_id
        WHERE t.app_label = 'backoffice' AND p.codename = 'work_on_entity'
    )
    SELECT entity_id FROM backoffice_groupgrant
    WHERE permission_id IN (SELECT id FROM work)
      AND group_id IN (SELECT group_id FROM backoffice_user_groups WHERE user_id = person)
    UNION
    SELECT entity_id FROM backoffice_persongrant
    WHERE permission_id IN (SELECT id FROM work) AND user_id = person;
END;

-- What that covers, with all below.
CREATE FUNCTION backoffice_entities_of(person bigint) RETURNS bigint[] LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH RECURSIVE branch (id) AS (
        SELECT g.id FROM backoffice_granted_to(person) g (id)
        UNION
        SELECT entity.id FROM backoffice_entity entity JOIN branch ON entity.parent_id = branch.id
    )
    SELECT coalesce(array_agg(id ORDER BY id), '{}') FROM branch;
END;

-- For superusers, and for what the system does by itself; whoever it is.
CREATE FUNCTION backoffice_every_entity(person bigint) RETURNS bigint[] LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce(array_agg(id ORDER BY id), '{}') FROM backoffice_entity;
END;

GRANT EXECUTE ON FUNCTION backoffice_scope(), backoffice_sees_everything(), backoffice_granted_to(bigint),
    backoffice_entities_of(bigint), backoffice_every_entity(bigint) TO {app};

-- Who makes an entity sees it for the rest of the transaction: its accounts are opened there, its grants given.
CREATE FUNCTION backoffice_see_new() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('backoffice.entities', (backoffice_scope() || NEW.id)::text, true);
    RETURN NULL;
END $$;
CREATE TRIGGER backoffice_see_new AFTER INSERT ON backoffice_entity
    FOR EACH ROW WHEN (backoffice_scope() IS NOT NULL) EXECUTE FUNCTION backoffice_see_new();

-- What runs as the owner is what we wrote: triggers, functions that the relay calls, migrations, erasure. They see all rows.
CREATE PROCEDURE backoffice_secure(source regclass) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', source);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', source);
    EXECUTE format('CREATE POLICY owner ON %s TO CURRENT_USER USING (true)', source);
END $$;

-- The same for a table whose rows belong to one entity each. The condition stands in a CASE, which the planner takes for one
-- that tells it nothing: beside the page's own condition on the entity, which says the same, it would take rows for as rare
-- as both together, and walk through all of an entity for what is named by key. So that it knows how rare an entity is,
-- the statistics know 500 of them.
CREATE PROCEDURE backoffice_secure_by_entity(source regclass) LANGUAGE plpgsql AS $$
BEGIN
    CALL backoffice_secure(source);
    EXECUTE format('CREATE POLICY entity ON %s TO {app} USING
        (CASE WHEN entity_id = ANY ((SELECT backoffice_scope())::bigint[]) THEN true ELSE false END)', source);
    EXECUTE format('ALTER TABLE %s ALTER COLUMN entity_id SET STATISTICS 500', source);
END $$;
