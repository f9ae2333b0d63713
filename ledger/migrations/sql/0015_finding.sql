-- Which actions a search looks through that nothing else narrows: `most` by number, as numbers are given in the order of
-- recording but for what is recorded at the same moment. From the first recorded at or after `since`; without one, up to the
-- last recorded before `until`; without either, the latest. What happened at a time is never recorded before it, so what is
-- left out is what was recorded before `after`, for the latest, or from `before` on, NULL where there is none.
-- As the owner: a bisection under the reader's policy would walk over what the reader does not see.
CREATE FUNCTION ledger_recorded_between(
    since timestamptz, until timestamptz, most bigint,
    OUT first bigint, OUT last bigint, OUT after timestamptz, OUT before timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public SET enable_seqscan = off AS $$
DECLARE
    latest CONSTANT bigint := coalesce((SELECT max(id) FROM ledger_action), 0);
    oldest CONSTANT bigint := coalesce((SELECT min(id) FROM ledger_action), 1);
    low bigint := oldest;
    high bigint := latest + 1;
    asked CONSTANT timestamptz := coalesce(since, until);
    found record;
BEGIN
    WHILE asked IS NOT NULL AND low < high LOOP
        SELECT id, recorded INTO found FROM ledger_action WHERE id >= (low + high) / 2 ORDER BY id LIMIT 1;
        IF found.recorded < asked THEN
            low := found.id + 1;
        ELSE
            high := (low + high) / 2;
        END IF;
    END LOOP;
    IF since IS NOT NULL AND until IS NOT NULL THEN
        first := low;
    ELSIF since IS NOT NULL THEN
        first := greatest(low, latest - most + 1);
    ELSE
        first := greatest(oldest, CASE WHEN until IS NULL THEN latest + 1 ELSE low END - most);
    END IF;
    last := least(first + most - 1, latest);
    IF first > (CASE WHEN since IS NULL THEN oldest ELSE low END) THEN
        SELECT recorded INTO after FROM ledger_action WHERE id >= first ORDER BY id LIMIT 1;
    END IF;
    IF last < latest THEN
        SELECT recorded INTO before FROM ledger_action WHERE id <= last ORDER BY id DESC LIMIT 1;
    END IF;
END $$;
GRANT EXECUTE ON FUNCTION ledger_recorded_between(timestamptz, timestamptz, bigint) TO {app};
