DROP POLICY entity ON backoffice_historicaluser;
DROP POLICY owner ON backoffice_historicaluser;
ALTER TABLE backoffice_historicaluser NO FORCE ROW LEVEL SECURITY;
ALTER TABLE backoffice_historicaluser DISABLE ROW LEVEL SECURITY;
DROP POLICY entity ON backoffice_user;
DROP POLICY owner ON backoffice_user;
ALTER TABLE backoffice_user NO FORCE ROW LEVEL SECURITY;
ALTER TABLE backoffice_user DISABLE ROW LEVEL SECURITY;
DROP FUNCTION backoffice_people_found(text, boolean, integer), backoffice_people_beginning(text, boolean, integer);
DROP INDEX backoffice_user_by_last, backoffice_user_by_first, backoffice_user_by_username, backoffice_user_by_email,
    backoffice_user_staff;
DROP FUNCTION backoffice_folded(text);
