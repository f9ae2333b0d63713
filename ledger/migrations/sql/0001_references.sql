-- References of actions: see ledger/reference.py for the alphabet, the check digit and why.
CREATE SEQUENCE ledger_reference_seq;
GRANT USAGE ON SEQUENCE ledger_reference_seq TO {app};

-- One expression and not a loop over the digits: every action pays for this.
CREATE FUNCTION ledger_new_reference() RETURNS text
LANGUAGE plpgsql VOLATILE AS $$  -- with the caller's rights, and no setting of its own: that would cost more than the rest
DECLARE
    alphabet CONSTANT text := '23456789CFHJKMNPQRTVWXY';
    -- 23^8 numbers; the factor shares no divisor with it, so each number of the sequence has a place of its own
    n CONSTANT bigint := (nextval('ledger_reference_seq')::numeric * 48398850347) % 78310985281;
    d CONSTANT int[] := ARRAY[n % 23, n / 23 % 23, n / 529 % 23, n / 12167 % 23, n / 279841 % 23, n / 6436343 % 23,
                              n / 148035889 % 23, n / 3404825447 % 23];
BEGIN
    RETURN substr(alphabet, d[1] + 1, 1) || substr(alphabet, d[2] + 1, 1) || substr(alphabet, d[3] + 1, 1)
        || '-' || substr(alphabet, d[4] + 1, 1) || substr(alphabet, d[5] + 1, 1) || substr(alphabet, d[6] + 1, 1)
        || '-' || substr(alphabet, d[7] + 1, 1) || substr(alphabet, d[8] + 1, 1)
        || substr(alphabet, (d[1] + 2 * d[2] + 3 * d[3] + 4 * d[4] + 5 * d[5] + 6 * d[6] + 7 * d[7] + 8 * d[8]) % 23 + 1, 1);
END $$;
GRANT EXECUTE ON FUNCTION ledger_new_reference() TO {app};
