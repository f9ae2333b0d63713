GRANT SELECT, INSERT, UPDATE, DELETE ON audit_event TO {app};
DROP TRIGGER audit_event_immutable ON audit_event;
DROP FUNCTION audit_refuse_change();
