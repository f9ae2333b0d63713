-- People are found by their telephone numbers too, and by the beginning of an address before its @ is typed.

-- The digits of a number from the last to the first, without zeros in front: so one is found by its end, whether or not the
-- country's code or the zeros before it were typed.
CREATE FUNCTION backoffice_dialled(said text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN reverse(ltrim(regexp_replace(said, '[^0-9]', '', 'g'), '0'));

CREATE INDEX backoffice_user_by_phone ON backoffice_user
    (coalesce(entity_id, 0), backoffice_dialled(phone) text_pattern_ops) WHERE phone <> '';

-- As before, and by what the number ends with where six digits or more were typed; `:` comes behind all digits.
CREATE OR REPLACE FUNCTION backoffice_people_beginning(said text, others boolean, most integer) RETURNS SETOF bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    beyond text := said || U&'\+10FFFF';
    is_address CONSTANT boolean := strpos(said, '@') > 0 OR said ~ '^[^ ]+[.][^ ]*$';
    ends CONSTANT text := CASE WHEN said ~ '^[+0-9][0-9 ()./-]*$' AND length(backoffice_dialled(said)) >= 6 THEN backoffice_dialled(said) END;
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
    (SELECT id FROM backoffice_user WHERE coalesce(entity_id, 0) = ANY (mine) AND is_address
        AND backoffice_folded(email) ~>=~ said AND backoffice_folded(email) ~<~ beyond LIMIT most)
    UNION
    (SELECT id FROM backoffice_user WHERE coalesce(entity_id, 0) = ANY (mine) AND phone <> ''
        AND backoffice_dialled(phone) ~>=~ ends AND backoffice_dialled(phone) ~<~ (ends || ':') LIMIT most)
    UNION
    (SELECT id FROM backoffice_user WHERE others AND is_staff AND coalesce(entity_id, 0) <> ALL (mine) AND (
        starts_with(backoffice_folded(last_name || ' ' || first_name), said)
        OR starts_with(backoffice_folded(first_name || ' ' || last_name), said)
        OR starts_with(backoffice_folded(username), said)
        OR is_address AND starts_with(backoffice_folded(email), said)
        OR starts_with(backoffice_dialled(phone), ends)) LIMIT most)
    LIMIT most;
END $$;
GRANT EXECUTE ON FUNCTION backoffice_dialled(text) TO {app};
