DROP POLICY entity ON imports_import;
DROP POLICY owner ON imports_import;
ALTER TABLE imports_import NO FORCE ROW LEVEL SECURITY;
ALTER TABLE imports_import DISABLE ROW LEVEL SECURITY;
