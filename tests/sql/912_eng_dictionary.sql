CREATE TABLE src (id UInt64, parent UInt64, name String, w Float64, n Nullable(Int32)) ENGINE = MergeTree ORDER BY id;
INSERT INTO src VALUES (1, 0, 'one', 1.5, 10), (2, 1, 'two', 2.5, NULL), (3, 2, 'three', 3.5, 30);
CREATE DICTIONARY f (id UInt64, parent UInt64 HIERARCHICAL, name String DEFAULT 'none', w Float64 DEFAULT 9.5, n Nullable(Int32)) PRIMARY KEY id SOURCE(CLICKHOUSE(TABLE 'src' DB 'default')) LAYOUT(FLAT()) LIFETIME(MIN 0 MAX 0);
SHOW CREATE DICTIONARY f;
SHOW CREATE TABLE f;
SELECT status, element_count, type FROM system.dictionaries WHERE name = 'f';
SELECT dictGet('f', 'name', toUInt64(1)), dictGet('f', 'name', toUInt64(99)), dictGet('default.f', 'n', 2::UInt64);
SELECT dictGet('f', ('name', 'w'), toUInt64(1)), toTypeName(dictGet('f', ('name', 'w'), toUInt64(1)));
SELECT dictGet('f', 'name', 1), dictGet('f', 'name', '1'), dictGet(f, 'name', 1), dictGet(default.f, 'name', 1);
SELECT dictGet('f', 'nosuch', 1); -- { serverError BAD_ARGUMENTS }
SELECT dictGet('f', 'id', 1); -- { serverError BAD_ARGUMENTS }
SELECT dictGet('nosuch', 'name', 1); -- { serverError BAD_ARGUMENTS }
SELECT dictGet('nodb.f', 'name', 1); -- { serverError BAD_ARGUMENTS }
SELECT dictGetOrDefault('f', 'name', 99, 'dflt'), dictGetOrDefault('f', 'name', 1, 'dflt'), dictGetOrDefault('f', 'w', 99, 1), toTypeName(dictGetOrDefault('f', 'w', 99, 1));
SELECT dictGetOrDefault('f', ('name', 'w'), 99, ('x', 1));
SELECT dictGetOrDefault('f', 'name', 99, NULL); -- { serverError CANNOT_CONVERT_TYPE }
SELECT dictGetOrDefault('f', 'name', number, toString(number)) FROM numbers(4);
SELECT dictGetOrNull('f', 'name', 99), dictGetOrNull('f', 'name', 1), toTypeName(dictGetOrNull('f', 'name', 1)), dictGetOrNull('f', ('name', 'n'), 99), toTypeName(dictGetOrNull('f', ('name', 'n'), 99));
SELECT dictGetString('f', 'name', 1), dictGetFloat64('f', 'w', 1), dictGetUInt64('f', 'parent', 3);
SELECT dictGetUInt64('f', 'name', 1); -- { serverError TYPE_MISMATCH }
SELECT dictGetStringOrDefault('f', 'name', 99, 'q'), dictGetFloat64OrDefault('f', 'w', 99, 7);
SELECT dictHas('f', 1), dictHas('f', 99), toTypeName(dictHas('f', 1));
SELECT dictGetHierarchy('f', 3), dictGetHierarchy('f', 99), toTypeName(dictGetHierarchy('f', 3));
SELECT dictIsIn('f', 3, 1), dictIsIn('f', 1, 3), dictIsIn('f', 3, 3), dictIsIn('f', 99, 99);
SELECT dictGetChildren('f', 1), dictGetChildren('f', 0), dictGetChildren('f', 99);
SELECT dictGetDescendants('f', 1), dictGetDescendants('f', 1, 1), dictGetDescendants('f', 0, 2), dictGetDescendants('f', 99);
SELECT dictGetAll('f', 'name', 1); -- { serverError NOT_IMPLEMENTED }
SELECT * FROM f ORDER BY id;
SELECT * FROM dictionary('f') ORDER BY id;
SELECT name FROM dictionary('default.f') WHERE id = 2;
SELECT name FROM dictionary(f) WHERE id = 2;
SELECT * FROM dictionary('nosuch'); -- { serverError BAD_ARGUMENTS }
DESCRIBE f;
DESCRIBE dictionary('f');
SELECT name, engine, engine_full FROM system.tables WHERE name = 'f';
SELECT name, type, default_kind FROM system.columns WHERE database = currentDatabase() AND table = 'f' ORDER BY position;
CREATE TABLE ft (id UInt64, name String) ENGINE = Dictionary('default.f');
SELECT * FROM ft ORDER BY id;
CREATE TABLE ft2 (id UInt64, name2 String) ENGINE = Dictionary('default.f'); -- { serverError THERE_IS_NO_COLUMN }
CREATE TABLE ft3 (id UInt64, name UInt8) ENGINE = Dictionary('default.f'); -- { serverError THERE_IS_NO_COLUMN }
CREATE TABLE ft4 ENGINE = Dictionary('default.f'); -- { serverError INCORRECT_QUERY }
CREATE TABLE ft5 (id UInt64) ENGINE = Dictionary('default.nosuch'); -- { serverError BAD_ARGUMENTS }
INSERT INTO f VALUES (1); -- { serverError NOT_IMPLEMENTED }
ALTER TABLE f ADD COLUMN x UInt8; -- { serverError NOT_IMPLEMENTED }
TRUNCATE TABLE f; -- { serverError SYNTAX_ERROR }
DROP TABLE f; -- { serverError CANNOT_DETACH_DICTIONARY_AS_TABLE }
OPTIMIZE TABLE f; -- { serverError NOT_IMPLEMENTED }
SELECT * FROM f FINAL; -- { serverError ILLEGAL_FINAL }
SELECT * FROM f PREWHERE id = 1; -- { serverError ILLEGAL_PREWHERE }
CREATE TABLE likedict AS f; -- { serverError INCORRECT_QUERY }
DROP TABLE ft;
EXISTS DICTIONARY f;
EXISTS TABLE f;
EXISTS DICTIONARY src;
EXISTS f;
SHOW DICTIONARIES;
SHOW TABLES;
DETACH TABLE f; -- { serverError CANNOT_DETACH_DICTIONARY_AS_TABLE }
DETACH DICTIONARY f;
SELECT dictGet('f', 'name', 1); -- { serverError BAD_ARGUMENTS }
ATTACH DICTIONARY f;
SELECT dictGet('f', 'name', 1);
RENAME DICTIONARY f TO g;
SELECT dictGet('g', 'name', 1);
RENAME TABLE g TO f;
SELECT dictGet('f', 'name', 1);
DROP DICTIONARY src; -- { serverError INCORRECT_QUERY }
SHOW CREATE DICTIONARY src; -- { serverError BAD_ARGUMENTS }
CREATE OR REPLACE DICTIONARY f (id UInt64, name String) PRIMARY KEY id SOURCE(CLICKHOUSE(TABLE 'src')) LAYOUT(HASHED()) LIFETIME(3600);
SHOW CREATE DICTIONARY f;
SELECT dictGet('f', 'name', 1);
CREATE DICTIONARY f (id UInt64, name String) PRIMARY KEY id SOURCE(CLICKHOUSE(TABLE 'src')) LAYOUT(HASHED()) LIFETIME(3600); -- { serverError DICTIONARY_ALREADY_EXISTS }
CREATE TABLE f (x UInt8) ENGINE = Memory; -- { serverError DICTIONARY_ALREADY_EXISTS }
CREATE DICTIONARY src (id UInt64, name String) PRIMARY KEY id SOURCE(CLICKHOUSE(TABLE 'src')) LAYOUT(HASHED()) LIFETIME(3600); -- { serverError TABLE_ALREADY_EXISTS }
CREATE DICTIONARY IF NOT EXISTS f (id UInt64, name String) PRIMARY KEY id SOURCE(CLICKHOUSE(TABLE 'src')) LAYOUT(HASHED()) LIFETIME(3600);
DROP TABLE src; -- { serverError HAVE_DEPENDENT_OBJECTS }
RENAME TABLE src TO src2; -- { serverError HAVE_DEPENDENT_OBJECTS }
DROP DICTIONARY f;
DROP DICTIONARY IF EXISTS f;
DROP DICTIONARY f; -- { serverError UNKNOWN_TABLE }
DROP TABLE src;
