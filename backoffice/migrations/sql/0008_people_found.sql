-- People are found by how they begin: the last and first name in either order, the customer number, the address.

-- A text as it is compared: without case and accents, however many spaces. Letters that are no accented ones stay themselves.
CREATE FUNCTION backoffice_folded(said text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN btrim(regexp_replace(regexp_replace(
    translate(lower(normalize(said, NFKD) COLLATE "pg_c_utf8"), 'łøđħıŧ', 'lodhit'), '[\u0300-\u036f]', '', 'g'), '\s+', ' ', 'g'));

-- Beside the entity, 0 for who has none.
CREATE INDEX backoffice_user_by_last ON backoffice_user
    (coalesce(entity_id, 0), backoffice_folded(last_name || ' ' || first_name) text_pattern_ops);
CREATE INDEX backoffice_user_by_first ON backoffice_user
    (coalesce(entity_id, 0), backoffice_folded(first_name || ' ' || last_name) text_pattern_ops);
CREATE INDEX backoffice_user_by_username ON backoffice_user
    (coalesce(entity_id, 0), backoffice_folded(username) text_pattern_ops);
CREATE INDEX backoffice_user_by_email ON backoffice_user
    (coalesce(entity_id, 0), backoffice_folded(email) text_pattern_ops);
CREATE INDEX backoffice_user_staff ON backoffice_user (id) WHERE is_staff;

-- Up to `most` of the people whose name, number or address begins so: those of the entities of the scope and, with `others`,
-- staff and people without an account. As the owner, whose policy lets the indexes serve a condition that is not leakproof:
-- the entities are compared here instead. The text is folded already. Planned once: to plan it takes longer than to run it.
CREATE FUNCTION backoffice_people_beginning(said text, others boolean, most integer) RETURNS SETOF bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    beyond text := said || U&'\+10FFFF';
    mine bigint[] := backoffice_scope() || CASE WHEN others THEN ARRAY[0::bigint] END;
BEGIN
    RETURN QUERY
    (SELECT id FROM backoffice_user WHERE coalesce(entity_id, 0) = ANY (mine)
        AND backoffice_folded(last_name || ' ' || first_name) ~>=~ said
        AND backoffice_folded(last_name || ' ' || first_name) ~<~ beyond LIMIT most)
    UNION
    (SELECT id FROM backoffice_user WHERE coalesce(entity_id, 0) = ANY (mine)
        AND backoffice_folded(first_name || ' ' || last_name) ~>=~ said
        AND backoffice_folded(first_name || ' ' || last_name) ~<~ beyond LIMIT most)
    UNION
    (SELECT id FROM backoffice_user WHERE coalesce(entity_id, 0) = ANY (mine)
        AND backoffice_folded(username) ~>=~ said AND backoffice_folded(username) ~<~ beyond LIMIT most)
    UNION
    (SELECT id FROM backoffice_user WHERE coalesce(entity_id, 0) = ANY (mine) AND strpos(said, '@') > 0
        AND backoffice_folded(email) ~>=~ said AND backoffice_folded(email) ~<~ beyond LIMIT most)
    UNION
    (SELECT id FROM backoffice_user WHERE others AND is_staff AND coalesce(entity_id, 0) <> ALL (mine) AND (
        starts_with(backoffice_folded(last_name || ' ' || first_name), said)
        OR starts_with(backoffice_folded(first_name || ' ' || last_name), said)
        OR starts_with(backoffice_folded(username), said)
        OR strpos(said, '@') > 0 AND starts_with(backoffice_folded(email), said)) LIMIT most)
    LIMIT most;
END $$;

-- Up to `most` of the people who are meant by what was typed: all of it begins one of those, or each of its words begins a
-- name or the number. The rarest of the longest words leads; where all are frequent, the first `most` that each finds.
CREATE FUNCTION backoffice_people_found(typed text, others boolean, most integer) RETURNS SETOF bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    folded text := backoffice_folded(typed);
    words text[] := string_to_array(folded, ' ');
    word text;
    meant bigint[];
    likely bigint[];
BEGIN
    IF backoffice_scope() IS NULL OR folded = '' THEN
        RETURN;
    END IF;
    meant := ARRAY(SELECT backoffice_people_beginning(folded, others, most));
    IF cardinality(words) > 1 THEN
        FOR word IN SELECT w FROM unnest(words) w ORDER BY length(w) DESC LIMIT 4 LOOP
            likely := ARRAY(SELECT backoffice_people_beginning(word, others, most));
            meant := meant || ARRAY(SELECT id FROM backoffice_user WHERE id = ANY (likely) AND NOT EXISTS (
                SELECT FROM unnest(words) w WHERE NOT (
                    starts_with(backoffice_folded(last_name), w) OR starts_with(backoffice_folded(first_name), w)
                    OR starts_with(backoffice_folded(username), w))));
            EXIT WHEN cardinality(likely) < most;
        END LOOP;
    END IF;
    RETURN QUERY SELECT DISTINCT unnest(meant) LIMIT most;
END $$;

REVOKE ALL ON FUNCTION backoffice_people_beginning(text, boolean, integer), backoffice_people_found(text, boolean, integer)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION backoffice_folded(text), backoffice_people_found(text, boolean, integer) TO {app};

-- A customer is seen by whoever sees the account; staff, and who has no account, by everybody: they are named in the record.
CALL backoffice_secure('backoffice_user');
CREATE POLICY entity ON backoffice_user TO {app} USING (
    CASE WHEN is_staff OR entity_id IS NULL THEN true ELSE entity_id = ANY ((SELECT backoffice_scope())::bigint[]) END);
CALL backoffice_secure('backoffice_historicaluser');
CREATE POLICY entity ON backoffice_historicaluser TO {app} USING (
    (SELECT true FROM backoffice_user u WHERE u.id = backoffice_historicaluser.id));
