DROP PROCEDURE backoffice_secure_by_entity(regclass), backoffice_secure(regclass);
DROP TRIGGER backoffice_see_new ON backoffice_entity;
DROP FUNCTION backoffice_see_new();
DROP FUNCTION backoffice_every_entity(bigint), backoffice_entities_of(bigint), backoffice_granted_to(bigint),
    backoffice_sees_everything(), backoffice_scope();
