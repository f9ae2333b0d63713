-- Caps: who raised or lowered one, and when. The headroom below them moves with every posting and is not captured.
SELECT audit_capture('ledger_cap', 'ledger_historicalcap', 'ledger.cap', '{app}');
