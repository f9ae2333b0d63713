SELECT audit_release('ledger_account', 'ledger_historicalaccount');
SELECT audit_release('ledger_limit', 'ledger_historicallimit');
