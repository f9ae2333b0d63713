-- Limits, and of accounts what their actions do not tell. A posting updates its account and writes no historical row.
SELECT audit_capture('ledger_limit', 'ledger_historicallimit', 'ledger.limit', '{app}');
SELECT audit_capture('ledger_account', 'ledger_historicalaccount', 'ledger.account', '{app}', mostly_elsewhere => true);
SELECT audit_capture('ledger_approval', 'ledger_historicalapproval', 'ledger.approval', '{app}');
