DROP TRIGGER backoffice_right_comes_back ON backoffice_user;
DROP FUNCTION backoffice_right_comes_back();
