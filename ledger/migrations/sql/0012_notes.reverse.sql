DO $$
DECLARE
    source regclass;
BEGIN
    FOREACH source IN ARRAY ARRAY['ledger_note', 'ledger_mention', 'ledger_historicalnote']::regclass[] LOOP
        EXECUTE format('DROP POLICY entity ON %s', source);
        EXECUTE format('DROP POLICY owner ON %s', source);
        EXECUTE format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY', source);
        EXECUTE format('ALTER TABLE %s DISABLE ROW LEVEL SECURITY', source);
    END LOOP;
END $$;
SELECT audit_release('ledger_note', 'ledger_historicalnote');
DROP TRIGGER ledger_note_immutable ON ledger_note;
DROP TRIGGER ledger_mention_permanent ON ledger_mention;
DROP TRIGGER ledger_note_signed ON ledger_note;
DROP TRIGGER ledger_mention_of_note ON ledger_mention;
DROP FUNCTION ledger_note_signed();
DROP FUNCTION ledger_mention_of_note();
