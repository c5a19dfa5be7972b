CREATE TABLE u (a UInt8, b String) ENGINE = URL('http://127.0.0.1:1/a.csv', CSV);
SHOW CREATE TABLE u;
SELECT engine, engine_full, has_own_data, partition_key, sorting_key FROM system.tables WHERE database = currentDatabase() AND name = 'u';
SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = 'u';
DESCRIBE TABLE u;
TRUNCATE TABLE u; -- { serverError NOT_IMPLEMENTED }
OPTIMIZE TABLE u; -- { serverError NOT_IMPLEMENTED }
ALTER TABLE u ADD COLUMN c UInt8; -- { serverError NOT_IMPLEMENTED }
ALTER TABLE u DELETE WHERE a = 1; -- { serverError NOT_IMPLEMENTED }
SELECT * FROM u FINAL; -- { serverError ILLEGAL_FINAL }
SELECT * FROM u PREWHERE a = 1; -- { serverError ILLEGAL_PREWHERE }
ALTER TABLE u MODIFY COMMENT 'pages';
SELECT comment FROM system.tables WHERE database = currentDatabase() AND name = 'u';
RENAME TABLE u TO u2;
DETACH TABLE u2;
ATTACH TABLE u2;
EXISTS TABLE u2;
SELECT table_type FROM information_schema.tables WHERE table_schema = currentDatabase() AND table_name = 'u2';
CREATE TABLE h (a UInt8) ENGINE = URL('http://ann:pw@127.0.0.1:1/a.csv', 'CSV', headers('X-Token' = 'abc'));
SHOW CREATE TABLE h;
CREATE TABLE m (a UInt8) ENGINE = MySQL('127.0.0.1:1', 'd', 't', 'u', 'pw');
SHOW CREATE TABLE m;
CREATE TABLE p (a UInt8) ENGINE = PostgreSQL('127.0.0.1:1', 'd', 't', 'u', 'pw', 's');
SHOW CREATE TABLE p;
CREATE TABLE s1 (a UInt8) ENGINE = S3('http://127.0.0.1:1/bucket/k.csv', 'AK', 'SK', 'CSV');
SHOW CREATE TABLE s1;
CREATE TABLE s2 (a UInt8) ENGINE = S3('http://127.0.0.1:1/bucket/k.csv', NOSIGN, 'CSV', 'gzip');
SHOW CREATE TABLE s2;
CREATE TABLE s3 (a UInt8) ENGINE = S3('http://127.0.0.1:1/bucket/k.csv', 'AK', 'SK', 'TOKEN', CSV);
SHOW CREATE TABLE s3;
SELECT name, engine_full FROM system.tables WHERE database = currentDatabase() AND engine IN ('MySQL', 'PostgreSQL', 'S3', 'URL') ORDER BY name;
CREATE VIEW v AS SELECT * FROM s3('http://127.0.0.1:1/bucket/k.csv', 'AK', 'SK', 'CSV', 'a UInt8');
SHOW CREATE TABLE v;
CREATE TABLE x (a UInt8) ENGINE = URL(); -- { serverError NUMBER_OF_ARGUMENTS_DOESNT_MATCH }
CREATE TABLE x (a UInt8) ENGINE = URL('http://127.0.0.1:1/x', Nope); -- { serverError UNKNOWN_FORMAT }
CREATE TABLE x (a UInt8) ENGINE = URL('http://127.0.0.1:1/x', CSV) ORDER BY a; -- { serverError BAD_ARGUMENTS }
CREATE TABLE x (a UInt8) ENGINE = S3('http://127.0.0.1:1/bucket/k.csv', 'Nope'); -- { serverError UNKNOWN_FORMAT }
CREATE TABLE x (a UInt8) ENGINE = S3('nourl', 'CSV'); -- { serverError BAD_ARGUMENTS }
CREATE TABLE x (a UInt8) ENGINE = MySQL('127.0.0.1:1', 'd', 't', 'u'); -- { serverError NUMBER_OF_ARGUMENTS_DOESNT_MATCH }
SELECT * FROM url(); -- { serverError NUMBER_OF_ARGUMENTS_DOESNT_MATCH }
SELECT * FROM url('http://127.0.0.1:1/x', NoFormat); -- { serverError UNKNOWN_FORMAT }
SELECT * FROM url('http://127.0.0.1:1/x', CSV, 'a'); -- { serverError SYNTAX_ERROR }
SELECT * FROM url('http://127.0.0.1:1/x', CSV, 'a UInt8', 'nocomp'); -- { serverError NOT_IMPLEMENTED }
SELECT * FROM url('ftp://127.0.0.1/x', CSV, 'a UInt8'); -- { serverError BAD_ARGUMENTS }
SELECT * FROM url('not a url', CSV, 'a UInt8'); -- { serverError POCO_EXCEPTION }
SELECT * FROM s3(); -- { serverError NUMBER_OF_ARGUMENTS_DOESNT_MATCH }
SELECT * FROM s3('http://127.0.0.1:1/', 'AK', 'SK', 'CSV', 'a UInt8'); -- { serverError BAD_ARGUMENTS }
SELECT * FROM mysql('127.0.0.1:1', 'd', 't', 'u'); -- { serverError NUMBER_OF_ARGUMENTS_DOESNT_MATCH }
SELECT * FROM postgresql('127.0.0.1:1', 'd', 't'); -- { serverError NUMBER_OF_ARGUMENTS_DOESNT_MATCH }
SELECT * FROM url('http://127.0.0.1:1/x', CSV, 'a UInt8') SETTINGS http_max_tries = 1; -- { serverError POCO_EXCEPTION }
SELECT * FROM mysql('127.0.0.1:1', 'd', 't', 'u', 'pw'); -- { serverError ALL_CONNECTION_TRIES_FAILED }
SELECT * FROM postgresql('127.0.0.1:1', 'd', 't', 'u', 'pw'); -- { serverError POSTGRESQL_CONNECTION_FAILURE }
DROP TABLE u2;
SHOW TABLES;
