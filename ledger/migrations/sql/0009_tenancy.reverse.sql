DO $$
DECLARE
    found record;
BEGIN
    FOR found IN SELECT polrelid::regclass AS source, polname AS name FROM pg_policy
        JOIN pg_class c ON c.oid = polrelid WHERE c.relname LIKE 'ledger\_%' LOOP
        EXECUTE format('DROP POLICY %I ON %s', found.name, found.source);
        EXECUTE format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY', found.source);
        EXECUTE format('ALTER TABLE %s DISABLE ROW LEVEL SECURITY', found.source);
    END LOOP;
END $$;
