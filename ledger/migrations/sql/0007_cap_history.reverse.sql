SELECT audit_release('ledger_cap', 'ledger_historicalcap');
