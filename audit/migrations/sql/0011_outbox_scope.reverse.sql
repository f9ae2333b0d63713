DROP FUNCTION audit_waiting_since();
DROP POLICY entity ON audit_outbox;
DROP POLICY owner ON audit_outbox;
ALTER TABLE audit_outbox NO FORCE ROW LEVEL SECURITY;
ALTER TABLE audit_outbox DISABLE ROW LEVEL SECURITY;
