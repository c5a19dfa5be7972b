CREATE NAMED COLLECTION case_961 AS url = 'http://127.0.0.1:1/a.csv', format = 'CSV' NOT OVERRIDABLE, structure = 'a UInt8' OVERRIDABLE;
SELECT name, collection, source, create_query FROM system.named_collections WHERE name = 'case_961';
CREATE NAMED COLLECTION case_961 AS a = 1; -- { serverError NAMED_COLLECTION_ALREADY_EXISTS }
CREATE NAMED COLLECTION IF NOT EXISTS case_961 AS a = 1;
CREATE NAMED COLLECTION case_961_2 AS a = 1, a = 2; -- { serverError BAD_ARGUMENTS }
SELECT * FROM url(case_961, format = 'TSV'); -- { serverError BAD_ARGUMENTS }
SELECT * FROM url(case_961, nokey = 1); -- { serverError BAD_ARGUMENTS }
SELECT * FROM url(case_961, 'CSV'); -- { serverError BAD_ARGUMENTS }
SELECT * FROM url(case_961_none); -- { serverError NAMED_COLLECTION_DOESNT_EXIST }
SELECT * FROM mysql(case_961); -- { serverError BAD_ARGUMENTS }
SELECT * FROM postgresql(case_961); -- { serverError BAD_ARGUMENTS }
DESCRIBE url(case_961);
CREATE TABLE t (a UInt8) ENGINE = URL(case_961);
SHOW CREATE TABLE t;
SELECT engine_full FROM system.tables WHERE database = currentDatabase() AND name = 't';
CREATE TABLE t2 (a UInt8) ENGINE = MySQL(case_961); -- { serverError BAD_ARGUMENTS }
CREATE TABLE t2 (a UInt8) ENGINE = URL(case_961_none); -- { serverError NAMED_COLLECTION_DOESNT_EXIST }
ALTER NAMED COLLECTION case_961 SET format = 'TSV' OVERRIDABLE, filename = 'x' DELETE structure;
SELECT collection, create_query FROM system.named_collections WHERE name = 'case_961';
ALTER NAMED COLLECTION case_961 DELETE nokey; -- { serverError BAD_ARGUMENTS }
ALTER NAMED COLLECTION case_961 DELETE url, format, filename; -- { serverError BAD_ARGUMENTS }
ALTER NAMED COLLECTION case_961_none SET a = 1; -- { serverError NAMED_COLLECTION_DOESNT_EXIST }
ALTER NAMED COLLECTION IF EXISTS case_961_none SET a = 1;
DROP TABLE t;
DROP NAMED COLLECTION case_961;
DROP NAMED COLLECTION case_961; -- { serverError NAMED_COLLECTION_DOESNT_EXIST }
DROP NAMED COLLECTION IF EXISTS case_961;
SELECT count() FROM system.named_collections WHERE name LIKE 'case_961%';
