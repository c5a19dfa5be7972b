-- one process: what is loaded is not kept over a restart. LIFETIME(300) alone would be anything from 0 to 300 seconds for
-- each cell of a cache, as in the real engine: one that drew 0 is read again by the next query.
CREATE TABLE src (id UInt64, a Int32, name String) ENGINE = MergeTree ORDER BY id;
INSERT INTO src VALUES (1, 10, 'one'), (2, 20, 'two');
CREATE DICTIONARY h (id UInt64, name String) PRIMARY KEY id SOURCE(CLICKHOUSE(TABLE 'src')) LAYOUT(HASHED()) LIFETIME(0);
SELECT name, status, element_count, type, source, lifetime_min, lifetime_max, key.names, key.types, attribute.names, attribute.types FROM system.dictionaries;
INSERT INTO src VALUES (3, 30, 'three');
SELECT dictGet('h', 'name', 3);
SELECT name, status, element_count, type, source, bytes_allocated > 0, query_count, hit_rate, found_rate, last_exception FROM system.dictionaries;
INSERT INTO src VALUES (4, 40, 'four');
SELECT dictGet('h', 'name', 4), dictHas('h', 4);
SYSTEM RELOAD DICTIONARY h;
SELECT dictGet('h', 'name', 4), dictHas('h', 4);
INSERT INTO src VALUES (5, 50, 'five');
SYSTEM RELOAD DICTIONARIES;
SELECT dictGet('h', 'name', 5), dictHas('h', 5);
SYSTEM RELOAD DICTIONARY nosuch; -- { serverError BAD_ARGUMENTS }
CREATE DICTIONARY fl (id UInt64, name String) PRIMARY KEY id SOURCE(CLICKHOUSE(TABLE 'src')) LAYOUT(FLAT(INITIAL_ARRAY_SIZE 10 MAX_ARRAY_SIZE 100)) LIFETIME(0);
SHOW CREATE DICTIONARY fl;
SELECT dictGet('fl', 'name', 1);
INSERT INTO src VALUES (101, 1, 'x');
SYSTEM RELOAD DICTIONARY fl; -- { serverError ARGUMENT_OUT_OF_BOUND }
SELECT dictGet('fl', 'name', 1);
SELECT status, last_exception != '' FROM system.dictionaries WHERE name = 'fl';
ALTER TABLE src DELETE WHERE id = 101 SETTINGS mutations_sync = 2;
SYSTEM RELOAD DICTIONARY fl;
SELECT status, last_exception != '' FROM system.dictionaries WHERE name = 'fl';
CREATE DICTIONARY bad (id UInt64, nosuch String) PRIMARY KEY id SOURCE(CLICKHOUSE(TABLE 'src')) LAYOUT(FLAT()) LIFETIME(0);
SELECT dictGet('bad', 'nosuch', 1); -- { serverError UNKNOWN_IDENTIFIER }
SELECT status, last_exception != '' FROM system.dictionaries WHERE name = 'bad';
SYSTEM RELOAD DICTIONARY bad; -- { serverError UNKNOWN_IDENTIFIER }
CREATE DICTIONARY gone (id UInt64, name String) PRIMARY KEY id SOURCE(CLICKHOUSE(TABLE 'nosuch')) LAYOUT(FLAT()) LIFETIME(0);
SELECT dictGet('gone', 'name', 1); -- { serverError UNKNOWN_TABLE }
CREATE DICTIONARY di (id UInt64, name String DEFAULT 'dd') PRIMARY KEY id SOURCE(CLICKHOUSE(TABLE 'src')) LAYOUT(DIRECT());
SHOW CREATE DICTIONARY di;
SELECT dictGet('di', 'name', 2);
INSERT INTO src VALUES (7, 1, 'seven');
SELECT dictGet('di', 'name', 7), dictHas('di', 8);
SELECT name FROM di WHERE id = 7;
INSERT INTO src VALUES (8, 1, 'eight');
SELECT dictGet('di', 'name', 7), dictHas('di', 8);
SELECT name FROM di WHERE id = 8;
CREATE TABLE target (id UInt64, v String DEFAULT dictGet('h', 'name', id), m String MATERIALIZED dictGetOrDefault('h', 'name', id, 'mm')) ENGINE = MergeTree ORDER BY id;
SHOW CREATE TABLE target;
INSERT INTO target (id) VALUES (1), (9);
SELECT *, m FROM target ORDER BY id;
CREATE TABLE ev (id UInt64) ENGINE = MergeTree ORDER BY id;
CREATE MATERIALIZED VIEW mv ENGINE = MergeTree ORDER BY id AS SELECT id, dictGet('default.h', 'name', id) AS v FROM ev;
INSERT INTO ev VALUES (1), (2), (7), (44);
SELECT * FROM mv ORDER BY id;
SYSTEM RELOAD DICTIONARY h;
INSERT INTO ev VALUES (7);
SELECT * FROM mv ORDER BY id, v;
SELECT count() FROM ev WHERE dictGet('h', 'name', id) = 'seven';
SELECT e.id, x.name FROM ev AS e LEFT JOIN h AS x ON e.id = x.id ORDER BY e.id;
SELECT e.id, x.name FROM ev AS e INNER JOIN dictionary('h') AS x USING (id) ORDER BY e.id;
ALTER TABLE target UPDATE v = dictGet('h', 'name', toUInt64(id + 1)) WHERE id = 1 SETTINGS mutations_sync = 2;
SELECT * FROM target ORDER BY id;
DROP DICTIONARY h; -- { serverError HAVE_DEPENDENT_OBJECTS }
DROP TABLE target;
DROP VIEW mv;
DROP DICTIONARY h;
CREATE DICTIONARY ca (id UInt64, name String DEFAULT 'dd') PRIMARY KEY id SOURCE(CLICKHOUSE(TABLE 'src')) LAYOUT(CACHE(SIZE_IN_CELLS 1000)) LIFETIME(MIN 300 MAX 300);
SHOW CREATE DICTIONARY ca;
SELECT dictGet('ca', 'name', 2), dictGet('ca', 'name', 18);
INSERT INTO src VALUES (18, 1, 'eighteen'), (19, 1, 'nineteen');
SELECT dictGet('ca', 'name', 18), dictGet('ca', 'name', 19), dictHas('ca', 2), dictHas('ca', 18);
SELECT id, dictGet('ca', 'name', id) FROM (SELECT toUInt64(arrayJoin([2, 18, 19, 20])) AS id) ORDER BY id;
SELECT * FROM ca ORDER BY id;
SELECT type, element_count FROM system.dictionaries WHERE name = 'ca';
CREATE DICTIONARY cca (id UInt64, name String, a Int32 DEFAULT 7) PRIMARY KEY id, name SOURCE(CLICKHOUSE(TABLE 'src')) LAYOUT(COMPLEX_KEY_CACHE(SIZE_IN_CELLS 1000)) LIFETIME(MIN 300 MAX 300);
SELECT dictGet('cca', 'a', (2, 'two')), dictGet('cca', 'a', (2, 'none'));
