DROP FUNCTION ledger_recorded_between(timestamptz, timestamptz, bigint);
