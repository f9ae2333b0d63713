DROP TRIGGER ledger_limits_follow ON backoffice_entity;
DROP TRIGGER ledger_branches_alone ON backoffice_entity;
DROP TRIGGER ledger_limit_branch ON ledger_limit;
DROP TRIGGER ledger_limit_alone ON ledger_limit;
DROP FUNCTION ledger_limits_follow(), ledger_limit_branch(), ledger_branches_alone(), ledger_branch(bigint);
