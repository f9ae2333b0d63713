DROP FUNCTION ledger_new_reference();
DROP SEQUENCE ledger_reference_seq;
