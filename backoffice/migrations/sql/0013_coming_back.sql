-- Who comes back to work here comes with empty hands: else one person alone would give all that was held before.
CREATE FUNCTION backoffice_right_comes_back() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM backoffice_user_groups WHERE user_id = NEW.id)
        OR EXISTS (SELECT FROM backoffice_persongrant WHERE user_id = NEW.id)
        OR EXISTS (SELECT FROM backoffice_user_user_permissions WHERE user_id = NEW.id) THEN
        RAISE EXCEPTION 'Who comes back holds no rights: have them taken away first.'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'backoffice_right_comes_back';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER backoffice_right_comes_back AFTER UPDATE ON backoffice_user FOR EACH ROW
    WHEN (NEW.is_active AND NEW.is_staff AND NOT NEW.is_void AND NOT (OLD.is_active AND OLD.is_staff AND NOT OLD.is_void)
        AND current_setting('backoffice.method', true) <> '')
    EXECUTE FUNCTION backoffice_right_comes_back();
