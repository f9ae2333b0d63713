-- Of two accounts that may be one person's, neither decides on what the other asks for.
CREATE FUNCTION ledger_two_hands() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF backoffice_may_be_one(NEW.maker_id, NEW.checker_id) THEN
        RAISE EXCEPTION 'Who made an account, or set its password or address, and who uses it do not decide for each other.'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_approval_two_hands';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER ledger_approval_two_hands BEFORE UPDATE ON ledger_approval FOR EACH ROW
    WHEN (NEW.state IN ('approved', 'failed', 'rejected')) EXECUTE FUNCTION ledger_two_hands();
