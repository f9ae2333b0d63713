-- The three roles of the back office and what they may do with its three databases. Plain SQL, repeatable.
--
-- Run as a superuser, after CREATE DATABASE backoffice; backoffice_sandbox; backoffice_audit; on a server of your own:
--     psql --single-transaction --file deploy/roles.sql postgres
-- then give the roles a password there (ALTER ROLE … PASSWORD …). The embedded server runs it by itself.
-- Rights on tables come with the migrations, which run as the owner.

-- backoffice_owner owns the databases and, by `migrate`, the tables. backoffice_app is what the site runs as: it owns
-- nothing, so that guards, grants and row-level security bind it. backoffice_relay carries events from the outboxes into the
-- event store, seals them there and brings them to alerts and subscribers: what the site itself cannot do. It alone bypasses
-- row-level security, since events are of all entities; it has no right on any table of the ledger.
DO $$
DECLARE
    wanted record;
BEGIN
    FOR wanted IN
        SELECT * FROM (VALUES ('backoffice_owner', true, false), ('backoffice_app', false, false), ('backoffice_relay', false, true))
            AS v (name, inherit, bypass)
    LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted.name) THEN
            EXECUTE format('CREATE ROLE %I LOGIN', wanted.name);
        END IF;
        EXECUTE format(
            'ALTER ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION %s %s',
            wanted.name, CASE WHEN wanted.inherit THEN 'INHERIT' ELSE 'NOINHERIT' END,
            CASE WHEN wanted.bypass THEN 'BYPASSRLS' ELSE 'NOBYPASSRLS' END
        );
    END LOOP;
END
$$;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['backoffice', 'backoffice_sandbox', 'backoffice_audit'] LOOP
        EXECUTE format('ALTER DATABASE %I OWNER TO backoffice_owner', name);
        EXECUTE format('REVOKE CONNECT, TEMPORARY ON DATABASE %I FROM PUBLIC', name);
        EXECUTE format('GRANT CONNECT ON DATABASE %I TO backoffice_owner, backoffice_app, backoffice_relay', name);
    END LOOP;
END
$$;
