CREATE OR REPLACE FUNCTION backoffice_people_beginning(said text, others boolean, most integer) RETURNS SETOF bigint
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
DROP INDEX backoffice_user_by_phone;
DROP FUNCTION backoffice_dialled(text);
