SELECT audit_release('ledger_approval', 'ledger_historicalapproval');
SELECT audit_release('ledger_account', 'ledger_historicalaccount');
SELECT audit_release('ledger_limit', 'ledger_historicallimit');
