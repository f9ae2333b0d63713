-- Rows of the ledger are seen and written by whom their entity was announced for (backoffice/scope.py), and by nobody else.

-- 1. What belongs to one entity, with its versions.
DO $$
DECLARE
    source regclass;
BEGIN
    FOREACH source IN ARRAY ARRAY['ledger_account', 'ledger_action', 'ledger_hold', 'ledger_historicalaccount']::regclass[] LOOP
        CALL backoffice_secure_by_entity(source);
    END LOOP;
END $$;

-- 2. Requests: one that is for all entities is decided by those who see all of them.
DO $$
DECLARE
    source regclass;
BEGIN
    FOREACH source IN ARRAY ARRAY['ledger_approval', 'ledger_historicalapproval']::regclass[] LOOP
        CALL backoffice_secure(source);
        EXECUTE format('CREATE POLICY entity ON %s TO {app} USING (CASE WHEN entity_id IS NULL
            THEN (SELECT backoffice_sees_everything()) ELSE entity_id = ANY ((SELECT backoffice_scope())::bigint[]) END)', source);
    END LOOP;
END $$;

-- 3. Limits: what binds an account is seen by whoever sees the account, also where it was set for an entity above or for
-- the currency; set by those alone who see what it is for.
CALL backoffice_secure('ledger_limit');
CREATE POLICY bound ON ledger_limit FOR SELECT TO {app} USING (CASE
    WHEN account_id IS NOT NULL THEN (SELECT true FROM ledger_account a WHERE a.id = account_id)
    WHEN entity_id IS NOT NULL THEN branch && (SELECT backoffice_scope())
    ELSE (SELECT backoffice_scope()) IS NOT NULL END);
CREATE POLICY entity ON ledger_limit TO {app} USING (CASE
    WHEN account_id IS NOT NULL THEN (SELECT true FROM ledger_account a WHERE a.id = account_id)
    WHEN entity_id IS NOT NULL THEN entity_id = ANY ((SELECT backoffice_scope())::bigint[])
    ELSE (SELECT backoffice_sees_everything()) END);
CALL backoffice_secure('ledger_historicallimit');
CREATE POLICY entity ON ledger_historicallimit TO {app} USING (CASE
    WHEN account_id IS NOT NULL THEN (SELECT true FROM ledger_account a WHERE a.id = account_id)
    WHEN entity_id IS NOT NULL THEN entity_id = ANY ((SELECT backoffice_scope())::bigint[])
    ELSE (SELECT backoffice_scope()) IS NOT NULL END);

-- 4. Refused rows of files; one without an account is for who sees every entity.
CALL backoffice_secure('ledger_refusal');
CREATE POLICY entity ON ledger_refusal TO {app} USING (CASE WHEN account_id IS NULL
    THEN (SELECT backoffice_sees_everything()) ELSE (SELECT true FROM ledger_account a WHERE a.id = account_id) END);
