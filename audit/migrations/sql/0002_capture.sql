-- Capture, in default and sandbox: every change of a captured table writes a historical row and an event, in its own
-- statement. Who acts is told by local settings (backoffice/scope.py), read by the defaults of the columns.

-- 1. The outbox: written by triggers and audit_record(), read by anybody of the site, emptied by the relay's role alone.
CREATE FUNCTION audit_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: what was recorded stays.', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_TABLE_NAME || '_immutable';
END $$;

REVOKE ALL ON audit_outbox FROM {app};
GRANT SELECT ON audit_outbox TO {app};
CREATE TRIGGER audit_outbox_immutable BEFORE UPDATE OR TRUNCATE ON audit_outbox
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();

-- The types that may be told explicitly, and what the data of each holds: `migrate` copies them from audit/registry.py.
CREATE TABLE audit_event_type (
    name text PRIMARY KEY,
    required text[] NOT NULL,
    fields jsonb NOT NULL  -- {"rows": "number", …}, or "any"
);
REVOKE ALL ON audit_event_type FROM {app};

-- What the site tells by itself, of types that are not the database's own. The id, the moment and the transaction are not for
-- it to say; nor is who acts, where the transaction has announced that. What does not come from the site says so.
CREATE FUNCTION audit_record(event jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    actor CONSTANT bigint := nullif(current_setting('backoffice.actor', true), '')::bigint;
    source CONSTANT text := audit_source(event ->> 'request_id', event ->> 'method');
    kind audit_event_type;
BEGIN
    IF event ->> 'type' LIKE ANY ('{"change.%","ledger.%","audit.%"}') THEN
        RAISE EXCEPTION 'Events of type % are written by the database alone.', event ->> 'type'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    SELECT * INTO kind FROM audit_event_type WHERE name = event ->> 'type';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'No event type % is registered.', event ->> 'type' USING ERRCODE = 'check_violation';
    END IF;
    IF jsonb_typeof(event -> 'data') IS DISTINCT FROM 'object' OR NOT event -> 'data' ?& kind.required OR EXISTS (
        SELECT FROM jsonb_each(event -> 'data') d
        WHERE kind.fields ->> d.key IS NULL OR kind.fields ->> d.key NOT IN ('any', jsonb_typeof(d.value))
    ) THEN
        RAISE EXCEPTION 'The data of an event % is not what its type says.', kind.name USING ERRCODE = 'check_violation';
    END IF;
    INSERT INTO audit_outbox (type, user_id, username, entity_id, object_type, object_id, request_id, method, path, status,
                              ip, browser, reason, success, data)
    -- Cut, because some of it comes from the URL of whoever asks, and an index takes no more than 2,704 bytes.
    SELECT e.type, coalesce(actor, e.user_id),
           left(CASE WHEN actor IS NULL THEN e.username ELSE current_setting('backoffice.username', true) END, 200), e.entity_id, left(e.object_type, 200), left(e.object_id, 200),
           left(e.request_id, 200), left(e.method, 20), left(e.path, 2000), e.status,
           e.ip, left(e.browser, 500), left(e.reason, 2000), e.success,
           e.data || CASE WHEN source = '' THEN '{}' ELSE jsonb_build_object('source', source) END
    FROM jsonb_populate_record(NULL::audit_outbox, event) e;
END $$;
GRANT EXECUTE ON FUNCTION audit_record(jsonb) TO {app};

-- 2. The relay's two halves. A row is due once every transaction that began before its own has ended: then no earlier one
-- can still appear. Taken rows are locked, so that relays share the work. Neither is for the site: what it has written it
-- cannot take back.
CREATE FUNCTION audit_take(most int) RETURNS SETOF audit_outbox
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT * FROM audit_outbox WHERE xid < pg_snapshot_xmin(pg_current_snapshot())
    ORDER BY id LIMIT most FOR UPDATE SKIP LOCKED
$$;
CREATE FUNCTION audit_forget(taken uuid[]) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    WITH gone AS (
        DELETE FROM audit_outbox WHERE id = ANY (taken) AND xid < pg_snapshot_xmin(pg_current_snapshot()) RETURNING 1
    )
    SELECT count(*) FROM gone
$$;
-- A row of the database's own may stand for many events and name the function that writes them out. Of historical rows and
-- actions that somebody has removed past their guards meanwhile, it is told how many are gone: an event fewer is never passed over.
CREATE FUNCTION audit_written_out(o audit_outbox) RETURNS SETOF audit_outbox
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public AS $$
DECLARE
    promised CONSTANT bigint := coalesce((o.data #>> '{rows,count}')::bigint,
        CASE WHEN jsonb_typeof(o.data #> '{rows,ids}') = 'array' THEN jsonb_array_length(o.data #> '{rows,ids}') END,
        CASE WHEN jsonb_typeof(o.data -> 'actions') = 'array' THEN jsonb_array_length(o.data -> 'actions') END);
    written bigint;
BEGIN
    IF o.type LIKE ANY ('{"ledger.%","change.%"}') AND o.data ? 'written_out_by' THEN
        RETURN QUERY EXECUTE format('SELECT * FROM %I($1)', o.data ->> 'written_out_by') USING o;
        GET DIAGNOSTICS written = ROW_COUNT;
        IF written < promised THEN
            o.data := jsonb_build_object('source', format('%s of %s %s were gone before their events were sealed; %s',
                promised - written, promised, CASE WHEN o.data ? 'actions' THEN 'actions' ELSE 'versions' END,
                coalesce(o.data ->> 'source', 'the site')));
            RETURN NEXT o;
        END IF;
    ELSE
        RETURN NEXT o;
    END IF;
END $$;
-- Many rows written by one statement: their historical rows hold all there is to tell, and never change. What an update changed
-- is the difference from the version before, where there is one (the sandbox is refreshed without its history). The event of
-- a row has the same id each time, sorted by time as the others are.
CREATE FUNCTION audit_versions(o audit_outbox) RETURNS SETOF audit_outbox
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    rows CONSTANT jsonb := o.data -> 'rows';
BEGIN
    RETURN QUERY EXECUTE format($query$
        SELECT (jsonb_populate_record($1, jsonb_build_object(
            'id', left($1.id::text, 14) || '7' || substr(d, 1, 3) || '-8' || substr(d, 4, 3) || '-' || substr(d, 7, 12),
            'object_id', x.n ->> ($2 ->> 'key'),
            'entity_id', x.n -> ($2 ->> 'entity'),
            'data', ($1.data - '{written_out_by,rows}'::text[]) || CASE
                WHEN h.history_type = '-' THEN jsonb_build_object('old', x.n)
                WHEN was.p IS NULL THEN jsonb_build_object('new', x.n)
                ELSE jsonb_build_object('changes', (
                    SELECT jsonb_object_agg(name, jsonb_build_object('old', was.p -> name, 'new', value))
                    FROM jsonb_each(x.n) e (name, value) WHERE value <> was.p -> name)) END))).*
        FROM %1$I h
        CROSS JOIN LATERAL (SELECT to_jsonb(h) - %3$L::text[] AS n, md5($1.id::text || h.history_id) AS d) x
        LEFT JOIN LATERAL (
            SELECT to_jsonb(b) - %3$L::text[] AS p FROM %1$I b
            WHERE b.%2$I = h.%2$I AND b.history_date <= h.history_date AND b.history_id < h.history_id
            ORDER BY b.history_date DESC, b.history_id DESC LIMIT 1
        ) was ON h.history_type = '~'
        WHERE h.history_id = ANY (ARRAY(
            SELECT generate_series(lower(r), upper(r) - 1) FROM unnest(($2 ->> 'ids')::int8multirange) r))
        $query$, rows ->> 'history', rows ->> 'pk',
        '{history_id,history_date,history_type,history_source,history_user_id,history_change_reason,history_request_id}')
    USING o, rows;
END $$;
-- What is due as it goes to the event store, beside the row of the outbox that it stands in (alone, where that stands for
-- nothing). Ends after the row with which `events` is reached, as far as that can be told by its size. Who acts without
-- saying a name gets the one he has at this moment; `origin` is what the data of every event says beside its own.
CREATE FUNCTION audit_due(most int, events bigint, origin jsonb) RETURNS TABLE (taken uuid, id uuid, created timestamptz,
    type text, user_id bigint, username text, entity_id bigint, object_type text, object_id text, request_id text,
    method text, path text, status smallint, ip inet, browser text, reason text, success boolean, data jsonb)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    RETURN QUERY
    WITH locked AS MATERIALIZED (
        SELECT t AS stands, t.id AS row_id,
               CASE WHEN t.data ? 'written_out_by'
                   THEN coalesce((t.data -> 'rows' ->> 'count')::int, 1 + octet_length(t.data::text) / 8) ELSE 1 END AS size
        FROM audit_take(most) t
    ), measured AS (
        SELECT stands, row_id, sum(size) OVER (ORDER BY row_id) - size AS before FROM locked
    )
    SELECT m.row_id, o.id, o.created, o.type, o.user_id, coalesce(nullif(o.username, ''), u.username, ''), o.entity_id,
           o.object_type, o.object_id, o.request_id, o.method, o.path, o.status, o.ip, o.browser, o.reason, o.success,
           o.data || origin
    FROM measured m LEFT JOIN LATERAL audit_written_out(m.stands) o ON true
    LEFT JOIN backoffice_user u ON u.id = o.user_id AND o.username = ''
    WHERE m.before < events ORDER BY m.row_id;
END $$;
GRANT SELECT ON audit_outbox TO {relay};
GRANT EXECUTE ON FUNCTION audit_due(int, bigint, jsonb), audit_forget(uuid[]) TO {relay};

-- 3. What capture leans on.
-- Where a write comes from: '' for a request of the site, `backoffice/COMMAND` for what another program of ours has announced
-- (backoffice/scope.py), else the role that logged in and its program. Settings can say what they like, so it counts first
-- who logged in: SET ROLE changes nothing about session_user, and what SET SESSION AUTHORIZATION changes shows where the server
-- asked for a password. A role is quoted, so that none can be called `backoffice/…`.
CREATE FUNCTION audit_source(request text DEFAULT current_setting('backoffice.request_id', true),
    method text DEFAULT current_setting('backoffice.method', true)) RETURNS text
LANGUAGE sql STABLE
RETURN CASE
    WHEN request <> '' AND '"' || session_user || '"' = '{app}' AND current_setting('application_name') LIKE 'backoffice/%'
        AND (system_user IS NULL OR split_part(system_user, ':', 1) NOT IN ('scram-sha-256', 'md5', 'password')
             OR substr(system_user, strpos(system_user, ':') + 1) = session_user)
    THEN CASE WHEN method <> '' THEN '' ELSE current_setting('application_name') END
    ELSE concat_ws(' ', quote_ident(session_user), nullif(current_setting('application_name'), ''))
END;
GRANT EXECUTE ON FUNCTION audit_source(text, text) TO {app};

CREATE FUNCTION audit_key_changed() RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RAISE EXCEPTION 'The key of a captured row never changes.'
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'audit_key_never_changes';
END $$;

CREATE FUNCTION audit_refuse_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'TRUNCATE of % is refused: it would leave no history.', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'audit_truncate_refused';
END $$;

-- 4. Turning it on. Makes one trigger function for the table, with its columns written out, so that nothing is looked up
-- when it runs; call it again after a column came or went. Its primary key has one column. `about` and `key` name the object that events speak of: a row
-- of a link table speaks of what it links. `secrets` are columns whose change is told and whose values are not.
-- `mostly_elsewhere` is for a table whose updates hardly ever touch what is captured: a row trigger whose condition is
-- tested without a call. An event of a new row holds {"new": {…}}, of a deleted one {"old": {…}}, of a changed one
-- {"changes": {"column": {"old": …, "new": …}}}: one flat object a row costs a third of nested ones. Of twenty rows or more
-- that one statement writes, the outbox gets one row, which the relay writes out of the historical rows.
CREATE FUNCTION audit_capture(source regclass, history regclass, about text, app regrole, key name DEFAULT NULL,
    is_link boolean DEFAULT false, secrets name[] DEFAULT '{}', mostly_elsewhere boolean DEFAULT false) RETURNS void
LANGUAGE plpgsql SET search_path = public AS $make$
DECLARE
    place text := replace(source::text, '"', '');
    pk name := (SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
        WHERE i.indrelid = source AND i.indisprimary);
    captured name[];
    columns text;  -- id, code
    news text;  -- n.id, n.code
    old_values text;  -- o.code, and secrets: what is compared
    new_values text;
    difference text;  -- {"code": {"old": …, "new": …}} for each that differs
    entity text;
    entity_now text;  -- where it stands in the row and is not captured
    body text;
BEGIN
    SELECT array_agg(a.attname ORDER BY a.attnum) INTO captured
    FROM pg_attribute a JOIN pg_attribute h ON h.attrelid = history AND h.attname = a.attname AND NOT h.attisdropped
    WHERE a.attrelid = source AND a.attnum > 0 AND NOT a.attisdropped;
    SELECT string_agg(quote_ident(c), ', '), string_agg('n.' || quote_ident(c), ', ')
    INTO columns, news FROM unnest(captured) c;
    SELECT string_agg('o.' || quote_ident(c), ', '), string_agg('n.' || quote_ident(c), ', '),
           string_agg(format('%1$L VALUE CASE WHEN o.%1$I IS DISTINCT FROM n.%1$I THEN '
               || CASE WHEN c = ANY (secrets) THEN 'to_jsonb(''not shown''::text)'
                  ELSE 'jsonb_build_object(''old'', o.%1$I, ''new'', n.%1$I)' END
               || ' END', c), E',\n                        ')
    INTO old_values, new_values, difference FROM unnest(captured || secrets) c WHERE c <> pk;
    entity := CASE WHEN about = 'backoffice.entity' THEN 'n.id' WHEN 'entity_id' = ANY (captured) THEN 'n.entity_id'
        ELSE 'NULL::bigint' END;
    entity_now := CASE WHEN entity = 'NULL::bigint' AND EXISTS (SELECT FROM pg_attribute
        WHERE attrelid = source AND attname = 'entity_id' AND NOT attisdropped) THEN 'n.entity_id' ELSE entity END;

    body := $body$
        <<capture>>  -- so that no column of the table is taken for one of these
        DECLARE
            moment CONSTANT timestamptz := clock_timestamp();
            source CONSTANT text := audit_source();
            outside CONSTANT jsonb := CASE WHEN source = '' THEN '{}' ELSE jsonb_build_object('source', source) END;
            actor CONSTANT bigint := nullif(current_setting('backoffice.actor', true), '')::bigint;
            request CONSTANT text := left(coalesce(current_setting('backoffice.request_id', true), ''), 600);
            reason CONSTANT text := left(coalesce(current_setting('backoffice.reason', true), ''), 600);
            before CONSTANT bigint := coalesce(pg_sequence_last_value({sequence}), 0);
            last bigint;
            written bigint;
            ids int8multirange;
        BEGIN
            IF TG_OP = 'INSERT' THEN
                INSERT INTO {history} ({columns}, {facts}) SELECT {news}, '+', {values} FROM came n;
                GET DIAGNOSTICS written = ROW_COUNT;
                IF written < {many} THEN
                    INSERT INTO audit_outbox (created, type, object_type, object_id, entity_id, data)
                    SELECT capture.moment, '{created}', '{about}', n.{key}::text, {entity}, jsonb_build_object('new', to_jsonb(n)) || capture.outside
                    FROM (SELECT {news} FROM came n) n;
                    RETURN NULL;
                END IF;
            ELSIF TG_OP = 'DELETE' THEN
                INSERT INTO {history} ({columns}, {facts}) SELECT {news}, '-', {values} FROM gone n;
                GET DIAGNOSTICS written = ROW_COUNT;
                IF written < {many} THEN
                    INSERT INTO audit_outbox (created, type, object_type, object_id, entity_id, data)
                    SELECT capture.moment, '{deleted}', '{about}', n.{key}::text, {entity}, jsonb_build_object('old', to_jsonb(n)) || capture.outside
                    FROM (SELECT {news} FROM gone n) n;
                    RETURN NULL;
                END IF;
            ELSE
                -- FULL JOIN finds a changed key, and is hashed however few rows the plan was first made for.
                INSERT INTO {history} ({columns}, {facts}) SELECT {news}, '~', {values} FROM {pairs}
                WHERE CASE WHEN n.{pk} IS DISTINCT FROM o.{pk} THEN audit_key_changed()
                    ELSE ({old_values}) IS DISTINCT FROM ({new_values}) END;
                GET DIAGNOSTICS written = ROW_COUNT;
                IF written = 0 THEN
                    RETURN NULL;
                ELSIF written < {many} OR {secret} THEN
                    INSERT INTO audit_outbox (created, type, object_type, object_id, entity_id, data)
                    SELECT capture.moment, 'change.updated', '{about}', n.{key}::text, {entity_now}, jsonb_build_object('changes', JSON_OBJECT(
                        {difference} ABSENT ON NULL RETURNING jsonb)) || capture.outside
                    FROM {pairs} WHERE ({old_values}) IS DISTINCT FROM ({new_values});
                    RETURN NULL;
                END IF;
            END IF;
            -- Who took as many numbers as were given out has taken them all. Else others took some in between; but nobody else
            -- has written a version of these rows, which are locked.
            last := currval({sequence});
            IF last - before = written THEN
                ids := int8multirange(int8range(before, last, '(]'));
            ELSIF TG_OP = 'DELETE' THEN
                ids := (SELECT range_agg(int8range(h.history_id, h.history_id, '[]')) FROM gone n JOIN {history} h
                    ON h.{pk} = n.{pk} AND h.history_date = capture.moment AND h.history_id > capture.before);
            ELSE
                ids := (SELECT range_agg(int8range(h.history_id, h.history_id, '[]')) FROM came n JOIN {history} h
                    ON h.{pk} = n.{pk} AND h.history_date = capture.moment AND h.history_id > capture.before);
            END IF;
            INSERT INTO audit_outbox (created, type, object_type, data)
            VALUES (moment, CASE TG_OP WHEN 'INSERT' THEN '{created}' WHEN 'DELETE' THEN '{deleted}' ELSE 'change.updated' END,
                '{about}', outside || jsonb_build_object('written_out_by', 'audit_versions', 'rows', jsonb_build_object(
                    'history', '{history}', 'pk', '{pk_name}', 'key', '{key_name}', 'entity', '{entity_name}',
                    'ids', ids, 'count', written)));
            RETURN NULL;
        END $body$;
    body := replace(body, '{facts}', 'history_type, history_date, history_source, history_user_id, history_request_id, history_change_reason');
    body := replace(replace(body, '{values}', 'capture.moment, capture.source, capture.actor, capture.request, capture.reason'), '{sequence}', quote_literal(pg_get_serial_sequence(history::text, 'history_id')));
    body := replace(replace(replace(replace(body, '{history}', history::text), '{columns}', columns), '{news}', news), '{entity}', entity);
    body := replace(replace(replace(body, '{difference}', difference), '{old_values}', old_values), '{new_values}', new_values);
    body := replace(body, '{entity_now}', entity_now);
    body := replace(replace(body, '{about}', about), '{key}', quote_ident(coalesce(key, pk)));
    body := replace(replace(replace(body, '{key_name}', coalesce(key, pk)), '{pk_name}', pk), '{pk}', quote_ident(pk));
    -- A secret that changed leaves nothing in the historical row to tell it by.
    body := replace(replace(body, '{secret}', (secrets <> '{}')::text), '{many}', '20');
    body := replace(body, '{entity_name}', CASE WHEN about = 'backoffice.entity' THEN 'id' ELSE 'entity_id' END);
    body := replace(body, '{created}', CASE WHEN is_link THEN 'change.updated' ELSE 'change.created' END);
    body := replace(body, '{deleted}', CASE WHEN is_link THEN 'change.updated' ELSE 'change.deleted' END);
    body := replace(body, '{pairs}', CASE WHEN mostly_elsewhere THEN '(SELECT (NEW).*) n, (SELECT (OLD).*) o'
        ELSE format('came n FULL JOIN gone o ON n.%1$I = o.%1$I', pk) END);
    EXECUTE format('CREATE OR REPLACE FUNCTION %I() RETURNS trigger LANGUAGE plpgsql VOLATILE SECURITY DEFINER
        SET search_path = pg_catalog, public AS %L', 'audit_capture_' || place, body);

    EXECUTE format('CREATE OR REPLACE TRIGGER audit_capture_insert AFTER INSERT ON %s REFERENCING NEW TABLE AS came
        FOR EACH STATEMENT EXECUTE FUNCTION %I()', source, 'audit_capture_' || place);
    EXECUTE format('CREATE OR REPLACE TRIGGER audit_capture_delete AFTER DELETE ON %s REFERENCING OLD TABLE AS gone
        FOR EACH STATEMENT EXECUTE FUNCTION %I()', source, 'audit_capture_' || place);
    IF mostly_elsewhere THEN
        EXECUTE format('CREATE OR REPLACE TRIGGER audit_capture_update AFTER UPDATE OF %s ON %s FOR EACH ROW
            WHEN ((%s, OLD.%I) IS DISTINCT FROM (%s, NEW.%I)) EXECUTE FUNCTION %I()',
            columns, source, replace(old_values, 'o.', 'OLD.'), pk, replace(new_values, 'n.', 'NEW.'), pk, 'audit_capture_' || place);
    ELSE
        EXECUTE format('CREATE OR REPLACE TRIGGER audit_capture_update AFTER UPDATE ON %s
            REFERENCING NEW TABLE AS came OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION %I()',
            source, 'audit_capture_' || place);
    END IF;
    EXECUTE format('CREATE OR REPLACE TRIGGER audit_capture_truncate BEFORE TRUNCATE ON %s
        FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_truncate()', source);
    EXECUTE format('CREATE OR REPLACE TRIGGER audit_history_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON %s
        FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change()', history);
    EXECUTE format('REVOKE ALL ON %s FROM %s', history, app);
    EXECUTE format('GRANT SELECT ON %s TO %s', history, app);
    -- What was there before has a beginning too.
    EXECUTE format('INSERT INTO %s (%s, history_type, history_change_reason)
        SELECT %s, ''+'', ''Was there when capture began'' FROM %s n
        WHERE NOT EXISTS (SELECT FROM %s h WHERE h.%I = n.%I)', history, columns, news, source, history, pk, pk);
END $make$;

CREATE FUNCTION audit_release(source regclass, history regclass) RETURNS void
LANGUAGE plpgsql SET search_path = public AS $$
DECLARE
    place text := replace(source::text, '"', '');
    step text;
BEGIN
    FOREACH step IN ARRAY '{insert,update,delete,truncate}'::text[] LOOP
        EXECUTE format('DROP TRIGGER audit_capture_%s ON %s', step, source);
    END LOOP;
    EXECUTE format('DROP TRIGGER audit_history_immutable ON %s', history);
    EXECUTE format('DROP FUNCTION %I()', 'audit_capture_' || place);
END $$;
