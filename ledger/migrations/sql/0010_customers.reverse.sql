DROP TRIGGER ledger_account_places ON ledger_account;
DROP FUNCTION ledger_account_places();
