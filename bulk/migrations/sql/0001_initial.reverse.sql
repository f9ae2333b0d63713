DROP TRIGGER bulk_row_settled_once ON bulk_row;
DROP FUNCTION bulk_row_settled_once();
DROP POLICY entity ON bulk_row;
DROP POLICY owner ON bulk_row;
DROP POLICY entity ON bulk_run;
DROP POLICY owner ON bulk_run;
ALTER TABLE bulk_row NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY;
ALTER TABLE bulk_run NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY;
GRANT UPDATE, DELETE ON bulk_run, bulk_row TO {app};
