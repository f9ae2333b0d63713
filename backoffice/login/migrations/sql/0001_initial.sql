-- Django's table for a cache in the database: wrong logins by address, and codes that are used up.
CREATE TABLE login_cache (
    cache_key varchar(255) PRIMARY KEY,
    value text NOT NULL,
    expires timestamptz NOT NULL
);
CREATE INDEX login_cache_expires ON login_cache (expires);
