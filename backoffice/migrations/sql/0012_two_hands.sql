-- Two accounts may be one person: who made an account, or wrote the address to which links for a password go, can be in it.
-- The database keeps who that was last, and lets neither of the two decide on what the other asks for.
CREATE FUNCTION backoffice_password_by() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    actor CONSTANT bigint := nullif(current_setting('backoffice.actor', true), '')::bigint;
    at_the_site CONSTANT boolean := coalesce(current_setting('backoffice.method', true), '') <> '';
    opens CONSTANT boolean := NEW.password NOT LIKE '!%' AND NEW.password <> '';
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.password_by := actor;
    -- A new password of one's own proves nothing, since the old one is all it takes; a link by e-mail proves the address alone.
    ELSIF actor = NEW.id OR actor IS NULL AND at_the_site THEN
        NEW.password_by := OLD.password_by;
    ELSIF NEW.email IS DISTINCT FROM OLD.email THEN
        NEW.password_by := actor;
        -- Who wrote the address before could know the password, which a link there has set.
        IF at_the_site AND NEW.password = OLD.password AND opens THEN
            NEW.password := '!' || replace(gen_random_uuid()::text, '-', '');
        END IF;
    -- To send a link is to take the password off, and to learn nothing: who can read it is whose the address is.
    ELSIF opens AND NEW.password IS DISTINCT FROM OLD.password THEN
        NEW.password_by := actor;
    ELSE
        NEW.password_by := OLD.password_by;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER backoffice_password_by BEFORE INSERT OR UPDATE OF password, email, password_by ON backoffice_user
    FOR EACH ROW EXECUTE FUNCTION backoffice_password_by();

CREATE FUNCTION backoffice_may_be_one(one bigint, other bigint) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT EXISTS (SELECT FROM backoffice_user WHERE (id, password_by) IN ((one, other), (other, one)))
$$;
GRANT EXECUTE ON FUNCTION backoffice_may_be_one(bigint, bigint) TO {app};

CREATE FUNCTION backoffice_grantrequest_two_hands() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF backoffice_may_be_one(NEW.maker_id, NEW.checker_id) THEN
        RAISE EXCEPTION 'Who made an account, or wrote its address, and who uses it do not decide for each other.'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'backoffice_grantrequest_two_hands';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER backoffice_grantrequest_two_hands BEFORE UPDATE ON backoffice_grantrequest FOR EACH ROW
    WHEN (NEW.state IN ('approved', 'rejected')) EXECUTE FUNCTION backoffice_grantrequest_two_hands();
