DROP TRIGGER backoffice_grantrequest_two_hands ON backoffice_grantrequest;
DROP FUNCTION backoffice_grantrequest_two_hands();
DROP FUNCTION backoffice_may_be_one(bigint, bigint);
DROP TRIGGER backoffice_password_by ON backoffice_user;
DROP FUNCTION backoffice_password_by();
