-- References of actions: see ledger/reference.py for the alphabet, the check digit and why.
CREATE SEQUENCE ledger_reference_seq;
GRANT USAGE ON SEQUENCE ledger_reference_seq TO {app};

CREATE FUNCTION ledger_new_reference() RETURNS text
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, public AS $$
DECLARE
    alphabet CONSTANT text := '23456789CFHJKMNPQRTVWXY';
    -- 23^8 numbers; the factor shares no divisor with it, so each number of the sequence has a place of its own
    rest bigint := (nextval('ledger_reference_seq')::numeric * 48398850347) % 78310985281;
    digit int;
    weighed int := 0;
    symbols text := '';
BEGIN
    FOR position IN 1..8 LOOP
        digit := rest % 23;
        rest := rest / 23;
        symbols := symbols || substr(alphabet, digit + 1, 1);
        weighed := weighed + position * digit;
    END LOOP;
    symbols := symbols || substr(alphabet, weighed % 23 + 1, 1);
    RETURN substr(symbols, 1, 3) || '-' || substr(symbols, 4, 3) || '-' || substr(symbols, 7, 3);
END $$;
GRANT EXECUTE ON FUNCTION ledger_new_reference() TO {app};
