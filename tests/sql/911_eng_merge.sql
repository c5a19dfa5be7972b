CREATE TABLE a1 (x UInt32, s String) ENGINE = MergeTree ORDER BY x;
CREATE TABLE a2 (x UInt64, n Nullable(String), s LowCardinality(String)) ENGINE = MergeTree ORDER BY x;
CREATE TABLE a3 (x UInt8, d Date DEFAULT '2020-01-01') ENGINE = Memory;
INSERT INTO a1 VALUES (1, 'a');
INSERT INTO a2 VALUES (2, 'n', 'b');
INSERT INTO a3 VALUES (3, '2021-01-01');
CREATE TABLE m ENGINE = Merge(currentDatabase(), '^a');
SHOW CREATE TABLE m;
DESCRIBE m;
SELECT * FROM m ORDER BY x;
SELECT _table, _database, x FROM m ORDER BY x;
SELECT _table, x FROM m WHERE _table = 'a2';
SELECT toTypeName(_table), toTypeName(_database), toTypeName(x) FROM m LIMIT 1;
CREATE TABLE m2 (x UInt32, s String) ENGINE = Merge(default, '^a');
SELECT *, _table FROM m2 ORDER BY x;
DESCRIBE merge('default', '^a');
SELECT * FROM merge('^a[12]') ORDER BY x;
SELECT * FROM merge('default', '^a[123]$') ORDER BY x;
SELECT * FROM merge('default', 'nothing'); -- { serverError CANNOT_EXTRACT_TABLE_STRUCTURE }
SELECT * FROM merge('nodb', 'a'); -- { serverError UNKNOWN_DATABASE }
SELECT _database, _table, * FROM merge(REGEXP('def.*'), '^a[12]$') ORDER BY x;
CREATE TABLE m3 ENGINE = Merge(REGEXP('def.*'), '^a[12]$');
SHOW CREATE TABLE m3;
CREATE TABLE m4 ENGINE = Merge(default, 'nothing'); -- { serverError CANNOT_EXTRACT_TABLE_STRUCTURE }
CREATE TABLE m4 (x UInt8) ENGINE = Merge(default, 'nothing');
SELECT * FROM m4;
SELECT count() FROM m4;
CREATE TABLE m5 (x UInt8) ENGINE = Merge(nodb, 'a');
SELECT * FROM m5; -- { serverError UNKNOWN_DATABASE }
CREATE TABLE m6 (x UInt8) ENGINE = Merge('a'); -- { serverError NUMBER_OF_ARGUMENTS_DOESNT_MATCH }
CREATE TABLE m6 (x UInt8) ENGINE = Merge(); -- { serverError NUMBER_OF_ARGUMENTS_DOESNT_MATCH }
CREATE TABLE m7 (x UInt8) ENGINE = Merge(default, '('); -- { serverError CANNOT_COMPILE_REGEXP }
CREATE TABLE m8 (x UInt8) ENGINE = Merge(default, '^a1$') ORDER BY x; -- { serverError BAD_ARGUMENTS }
CREATE TABLE m8 (x UInt8) ENGINE = Merge(default, '^a1$') SETTINGS a = 1; -- { serverError BAD_ARGUMENTS }
CREATE TABLE m8 (y UInt8) ENGINE = Merge(default, '^a1$');
SELECT * FROM m8;
INSERT INTO m2 VALUES (1, 'a'); -- { serverError NOT_IMPLEMENTED }
TRUNCATE TABLE m2; -- { serverError NOT_IMPLEMENTED }
OPTIMIZE TABLE m2; -- { serverError NOT_IMPLEMENTED }
ALTER TABLE m2 ADD COLUMN n String;
SELECT * FROM m2 ORDER BY x;
SHOW CREATE TABLE m2;
ALTER TABLE m2 MODIFY COLUMN x UInt64;
ALTER TABLE m2 DROP COLUMN n;
ALTER TABLE m2 UPDATE x = 1 WHERE 1; -- { serverError NOT_IMPLEMENTED }
ALTER TABLE m2 DELETE WHERE 1; -- { serverError NOT_IMPLEMENTED }
SELECT count() FROM m2;
SELECT * FROM m2 FINAL ORDER BY x;
SELECT * FROM m2 PREWHERE x = 1; -- { serverError ILLEGAL_PREWHERE }
SELECT * FROM merge('default', '^a1') PREWHERE x = 1;
CREATE TABLE a4 (x UInt16, extra UInt8) ENGINE = MergeTree ORDER BY x;
INSERT INTO a4 VALUES (4, 9);
SELECT * FROM m ORDER BY x;
SELECT * FROM m2 ORDER BY x;
DROP TABLE a4;
CREATE TABLE mm ENGINE = Merge(default, '^m$');
SELECT _table, * FROM mm ORDER BY x;
CREATE TABLE am (x UInt64) ENGINE = Merge(default, '^am?');
SELECT * FROM am ORDER BY x;
DROP TABLE am;
SELECT name, engine, engine_full FROM system.tables WHERE database = currentDatabase() AND name IN ('m', 'm2') ORDER BY name;
CREATE VIEW av AS SELECT toUInt32(77) AS x, 'v' AS s;
SELECT * FROM m2 ORDER BY x;
CREATE TABLE a5 (x UInt32, al UInt32 ALIAS x + 1, mt UInt32 MATERIALIZED x * 2) ENGINE = MergeTree ORDER BY x;
INSERT INTO a5 VALUES (50);
SELECT x, al, mt FROM merge('default', '^a5$');
SELECT * FROM merge('default', '^a5$');
DESCRIBE merge('default', '^a5$');
SELECT * FROM merge('default', '^a[15]$') ORDER BY x;
SELECT sum(x), _table FROM merge('default', '^a[15]$') GROUP BY _table ORDER BY _table;
SELECT * FROM merge(); -- { serverError NUMBER_OF_ARGUMENTS_DOESNT_MATCH }
SELECT * FROM merge('a', 'b', 'c'); -- { serverError NUMBER_OF_ARGUMENTS_DOESNT_MATCH }
CREATE TABLE k1 (x UInt64) ENGINE = Memory;
CREATE TABLE k2 (x Int64) ENGINE = Memory;
INSERT INTO k1 VALUES (1);
INSERT INTO k2 VALUES (-1);
CREATE TABLE km (x UInt64) ENGINE = Merge('default', '^k[12]');
SELECT * FROM km ORDER BY x;
SELECT * FROM km WHERE x = 1;
EXISTS TABLE km;
RENAME TABLE km TO kn;
SELECT count() FROM kn;
DETACH TABLE kn;
ATTACH TABLE kn;
SELECT count() FROM kn;
CREATE TABLE kp AS kn;
SHOW CREATE TABLE kp;
DROP TABLE k1;
SELECT * FROM kp;
CREATE TABLE b1 (z UInt8, x UInt8) ENGINE = Memory;
CREATE TABLE b2 (w UInt8, x UInt8, v UInt8) ENGINE = Memory;
CREATE TABLE b3 (x UInt16, q UInt8, w UInt8) ENGINE = Memory;
DESCRIBE merge('default', '^b[123]');
CREATE TABLE e1 (x Nullable(UInt8), s LowCardinality(String), f FixedString(3), a Array(UInt8), dt Date) ENGINE = Memory;
CREATE TABLE e2 (x UInt16, s FixedString(2), f String, a Array(Int8), dt DateTime) ENGINE = Memory;
DESCRIBE merge('default', '^e[12]');
CREATE TABLE q (x UInt16, e UInt8 DEFAULT x + 10, f String DEFAULT 'zz', g UInt16 ALIAS x * 100, h UInt8 MATERIALIZED 9) ENGINE = Merge(default, '^a[13]');
SELECT x, e, f, g, h FROM q ORDER BY x;
SELECT * FROM q ORDER BY x;
SELECT w.x, w._table FROM q AS w WHERE _table IN ('a1', 'zz') ORDER BY 1;
CREATE TABLE s1 (s String) ENGINE = Memory;
INSERT INTO s1 VALUES ('abc');
CREATE TABLE sm (s UInt8) ENGINE = Merge(default, '^s1');
SELECT * FROM sm; -- { serverError CANNOT_PARSE_TEXT }
CREATE TABLE r1 (k UInt8, v UInt8) ENGINE = ReplacingMergeTree ORDER BY k;
INSERT INTO r1 VALUES (1, 1);
INSERT INTO r1 VALUES (1, 2);
SELECT count() FROM merge('default', '^r1') FINAL;
SELECT count() FROM merge('default', '^r1');
SELECT count() FROM merge('default', '^r1') SETTINGS final = 1;
CREATE TABLE u (x UInt8, _table String) ENGINE = Merge(default, '^a1');
SELECT _table, x FROM u;
SELECT x FROM a1 WHERE x IN (SELECT x FROM merge('default', '^a[13]'));
