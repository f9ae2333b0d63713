DROP TABLE login_cache;
