-- A run belongs to all entities whose objects it speaks of, and is seen by those who see all of these.
CALL backoffice_secure('bulk_run');
CREATE POLICY entity ON bulk_run TO {app} USING (entities <@ (SELECT backoffice_scope()));
CALL backoffice_secure_by_entity('bulk_row');

-- What was confirmed stays as it was; how far it has come is written.
REVOKE UPDATE, DELETE ON bulk_run, bulk_row FROM {app};
GRANT UPDATE (posted, asked_for, refused, state, problem, due, tries, finished) ON bulk_run TO {app};
GRANT UPDATE (state, code, text, action_id, approval_id) ON bulk_row TO {app};

CREATE FUNCTION bulk_row_settled_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'Row % of bulk run % is settled already.', OLD.object_id, OLD.run_id USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER bulk_row_settled_once BEFORE UPDATE ON bulk_row
    FOR EACH ROW WHEN (OLD.state <> 'waiting') EXECUTE FUNCTION bulk_row_settled_once();
