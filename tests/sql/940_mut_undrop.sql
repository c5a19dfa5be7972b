CREATE TABLE t (a UInt8) ENGINE = MergeTree ORDER BY a;
INSERT INTO t VALUES (1), (2);
UNDROP TABLE t; -- { serverError TABLE_ALREADY_EXISTS }
DROP TABLE t;
SELECT index, database, table, engine, table_dropped_time > now() + 400, table_dropped_time <= now() + 480 FROM system.dropped_tables;
SELECT * FROM t; -- { serverError UNKNOWN_TABLE }
INSERT INTO t VALUES (3); -- { serverError UNKNOWN_TABLE }
UNDROP TABLE t;
SELECT * FROM t ORDER BY a;
SELECT count() FROM system.dropped_tables;
INSERT INTO t VALUES (3);
SELECT * FROM t ORDER BY a;
UNDROP TABLE nope; -- { serverError UNKNOWN_TABLE }
UNDROP TABLE nope.t; -- { serverError UNKNOWN_DATABASE }
UNDROP TABLE system.tables; -- { serverError TABLE_ALREADY_EXISTS }
UNDROP TABLE IF EXISTS t; -- { serverError SYNTAX_ERROR }
UNDROP VIEW t; -- { serverError SYNTAX_ERROR }
UNDROP TABLE t, t2; -- { serverError SYNTAX_ERROR }
UNDROP TABLE t UUID 'bad'; -- { serverError CANNOT_PARSE_UUID }
-- the name is taken, then free again: what was dropped last comes back first
DROP TABLE t;
CREATE TABLE t (b String) ENGINE = MergeTree ORDER BY b;
UNDROP TABLE t; -- { serverError TABLE_ALREADY_EXISTS }
SELECT sleep(1.1) FORMAT Null;
DROP TABLE t;
SELECT count() FROM system.dropped_tables;
UNDROP TABLE t;
DESCRIBE TABLE t;
DROP TABLE t SYNC;
UNDROP TABLE t;
SELECT * FROM t ORDER BY a;
DROP TABLE t NO DELAY;
SELECT count() FROM system.dropped_tables;
UNDROP TABLE t; -- { serverError UNKNOWN_TABLE }
CREATE TABLE t (a UInt8) ENGINE = MergeTree ORDER BY a;
DROP TABLE t SETTINGS database_atomic_wait_for_drop_and_detach_synchronously = 1;
SELECT count() FROM system.dropped_tables;
-- by UUID
CREATE TABLE u UUID '11111111-1111-1111-1111-111111111112' (a UInt8) ENGINE = ReplacingMergeTree ORDER BY a COMMENT 'x';
INSERT INTO u VALUES (1);
DROP TABLE u;
SELECT uuid, engine FROM system.dropped_tables;
UNDROP TABLE u UUID '11111111-1111-1111-1111-111111111113'; -- { serverError UNKNOWN_TABLE }
UNDROP TABLE other UUID '11111111-1111-1111-1111-111111111112';
SHOW CREATE TABLE u;
SELECT * FROM u;
DROP TABLE u;
CREATE TABLE u UUID '11111111-1111-1111-1111-111111111112' (a UInt8) ENGINE = MergeTree ORDER BY a; -- { serverError TABLE_ALREADY_EXISTS }
UNDROP TABLE u;
-- detached is taken, too
DETACH TABLE u;
UNDROP TABLE u; -- { serverError TABLE_ALREADY_EXISTS }
ATTACH TABLE u;
DROP TABLE u SYNC;
-- what has rows on the disk comes back
CREATE TABLE l (a UInt8) ENGINE = Log;
CREATE TABLE tl (a UInt8) ENGINE = TinyLog;
CREATE TABLE sl (a UInt8) ENGINE = StripeLog;
CREATE TABLE j (a UInt8, b UInt8) ENGINE = Join(ANY, LEFT, a);
CREATE TABLE s (a UInt8) ENGINE = Set;
INSERT INTO l VALUES (1);
INSERT INTO j VALUES (1, 2);
INSERT INTO s VALUES (1);
DROP TABLE l, tl, sl, j, s;
SELECT table, engine FROM system.dropped_tables ORDER BY table;
UNDROP TABLE l;
UNDROP TABLE tl;
UNDROP TABLE sl;
UNDROP TABLE j;
UNDROP TABLE s;
SELECT * FROM l;
SELECT joinGet('j', 'b', toUInt8(1));
SELECT 1 IN s, 2 IN s;
-- and nothing else does
CREATE TABLE m (a UInt8) ENGINE = Memory;
CREATE TABLE n (a UInt8) ENGINE = Null;
CREATE VIEW v AS SELECT a FROM l;
CREATE DICTIONARY dict (a UInt8, b UInt8) PRIMARY KEY a SOURCE(CLICKHOUSE(TABLE 'j' DB 'default')) LAYOUT(FLAT()) LIFETIME(0);
DROP TABLE m;
DROP TABLE n;
DROP VIEW v;
DROP DICTIONARY dict;
UNDROP TABLE m; -- { serverError UNKNOWN_TABLE }
UNDROP TABLE n; -- { serverError UNKNOWN_TABLE }
UNDROP TABLE v; -- { serverError UNKNOWN_TABLE }
UNDROP TABLE dict; -- { serverError UNKNOWN_TABLE }
-- the inner table of a view comes back as a table
CREATE MATERIALIZED VIEW mv UUID '11111111-1111-1111-1111-111111111111' ENGINE = MergeTree ORDER BY a AS SELECT a FROM l;
INSERT INTO l VALUES (7);
DROP TABLE mv;
SELECT table, engine FROM system.dropped_tables WHERE table LIKE '.inner%';
UNDROP TABLE mv; -- { serverError UNKNOWN_TABLE }
UNDROP TABLE `.inner_id.11111111-1111-1111-1111-111111111111`;
SELECT * FROM `.inner_id.11111111-1111-1111-1111-111111111111`;
DROP TABLE `.inner_id.11111111-1111-1111-1111-111111111111` SYNC;
-- views over a name go on when the table is back
CREATE TABLE src (a UInt8) ENGINE = MergeTree ORDER BY a;
CREATE TABLE sink (a UInt8) ENGINE = MergeTree ORDER BY a;
CREATE MATERIALIZED VIEW mv TO sink AS SELECT a FROM src;
INSERT INTO src VALUES (1);
DROP TABLE src;
UNDROP TABLE src;
INSERT INTO src VALUES (2);
SELECT a FROM sink ORDER BY a;
-- columns that were renamed, rows that were deleted, detached parts
CREATE TABLE h (a UInt8, b UInt8, c UInt8) ENGINE = MergeTree ORDER BY a PARTITION BY a;
INSERT INTO h VALUES (1, 1, 1), (2, 2, 2), (3, 3, 3);
ALTER TABLE h RENAME COLUMN b TO d;
ALTER TABLE h DROP COLUMN c;
DELETE FROM h WHERE a = 1;
ALTER TABLE h DETACH PARTITION 3;
DROP TABLE h;
UNDROP TABLE h;
SELECT * FROM h ORDER BY a;
ALTER TABLE h ATTACH PARTITION 3;
SELECT * FROM h ORDER BY a;
-- a table that was replaced is kept under another name
CREATE OR REPLACE TABLE h (x String) ENGINE = MergeTree ORDER BY x;
SELECT table LIKE '_tmp_replace_%', engine FROM system.dropped_tables;
DROP TABLE h SYNC;
UNDROP TABLE h; -- { serverError UNKNOWN_TABLE }
-- what was dropped stays in the database that it was in
CREATE DATABASE d;
CREATE TABLE d.t (a UInt8) ENGINE = MergeTree ORDER BY a;
INSERT INTO d.t VALUES (5);
DROP TABLE d.t;
RENAME DATABASE d TO e;
UNDROP TABLE e.t; -- { serverError UNKNOWN_TABLE }
UNDROP TABLE d.t; -- { serverError UNKNOWN_DATABASE }
RENAME DATABASE e TO d;
UNDROP TABLE d.t;
SELECT * FROM d.t;
DROP DATABASE d;
SELECT database, table FROM system.dropped_tables WHERE database = 'd';
UNDROP TABLE d.t; -- { serverError UNKNOWN_DATABASE }
