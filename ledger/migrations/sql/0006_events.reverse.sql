DROP FUNCTION ledger_events(audit_outbox);
DROP TRIGGER ledger_action_recorded ON ledger_action;
DROP FUNCTION ledger_record_actions();
