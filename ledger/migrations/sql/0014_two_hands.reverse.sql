DROP TRIGGER ledger_approval_two_hands ON ledger_approval;
DROP FUNCTION ledger_two_hands();
