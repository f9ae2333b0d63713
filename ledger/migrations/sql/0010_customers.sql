-- A customer is of the entity that the account is on. It stands in the person's row, because who does not see the account
-- cannot tell a customer from somebody without one.
CREATE FUNCTION ledger_account_places() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    UPDATE backoffice_user u SET entity_id = o.entity_id FROM opened o WHERE u.id = o.user_id;
    RETURN NULL;
END $$;
CREATE TRIGGER ledger_account_places AFTER INSERT ON ledger_account REFERENCING NEW TABLE AS opened
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_account_places();
UPDATE backoffice_user u SET entity_id = a.entity_id FROM ledger_account a WHERE u.id = a.user_id;
