-- The order in which events arrived, for those who follow them: by the transaction that added them. Ids tell when they were
-- made, and one that was made earlier may arrive later. What is older than every running transaction is complete.
ALTER TABLE audit_event ADD COLUMN arrived xid8 NOT NULL DEFAULT pg_current_xact_id();
CREATE INDEX audit_event_arrived ON audit_event (arrived, id);
