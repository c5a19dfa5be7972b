CREATE TABLE t1 (a UInt32 COMMENT 'the a', b String DEFAULT 'x' CODEC(ZSTD(3)), c DateTime CODEC(Delta, LZ4), d LowCardinality(String), e UInt32 MATERIALIZED a + 1, f UInt32 ALIAS a + 2, g UInt8 EPHEMERAL 3, h UInt32 DEFAULT g + a) ENGINE = MergeTree ORDER BY (a, cityHash64(b)) PARTITION BY toYYYYMM(c) COMMENT 'tbl';
SHOW CREATE TABLE t1;
DESCRIBE TABLE t1;
INSERT INTO t1 (a, c, d, g) VALUES (1, '2025-01-01 00:00:00', 'q', 10);
INSERT INTO t1 (a, c, d) VALUES (2, '2025-02-01 00:00:00', 'q');
SELECT *, e, f FROM t1 ORDER BY a;
INSERT INTO t1 (a, e) VALUES (1, 1); -- { serverError ILLEGAL_COLUMN }
SELECT name, type, default_kind, default_expression, comment, is_in_partition_key, is_in_sorting_key, is_in_primary_key FROM system.columns WHERE database = currentDatabase() AND table = 't1' ORDER BY position;
CREATE TABLE t2 AS t1;
SHOW CREATE TABLE t2;
CREATE TABLE t3 AS t1 ENGINE = Memory;
CREATE TABLE t4 ENGINE = MergeTree ORDER BY a AS SELECT a, d FROM t1;
SELECT * FROM t4 ORDER BY a;
CREATE TABLE t5 (x UInt64) ENGINE = MergeTree ORDER BY x AS SELECT a FROM t1;
SELECT toTypeName(x), x FROM t5 ORDER BY x;
CREATE TABLE t6 (a UInt32, PRIMARY KEY a) ENGINE = MergeTree;
SHOW CREATE TABLE t6;
CREATE TABLE t7 (a UInt32, b UInt32, PRIMARY KEY (a)) ENGINE = MergeTree ORDER BY (a, b);
SHOW CREATE TABLE t7;
CREATE TABLE t8 (a UInt32 PRIMARY KEY, b UInt32) ENGINE = MergeTree;
SELECT primary_key, sorting_key FROM system.tables WHERE database = currentDatabase() AND name = 't8';
CREATE TABLE t9 (a UInt32) ENGINE = MergeTree ORDER BY b; -- { serverError UNKNOWN_IDENTIFIER }
CREATE TABLE t9 (a UInt32) ENGINE = MergeTree ORDER BY now(); -- { serverError BAD_ARGUMENTS }
CREATE TABLE t9 (a UInt32) ENGINE = MergeTree ORDER BY rand(); -- { serverError BAD_ARGUMENTS }
CREATE TABLE t9 (a UInt32, a UInt8) ENGINE = Memory; -- { serverError ILLEGAL_COLUMN }
CREATE TABLE t9 (a UInt32) ENGINE = Nope; -- { serverError UNKNOWN_STORAGE }
CREATE TABLE t9 (a UInt32) ENGINE = MergeTree ORDER BY a PRIMARY KEY (a, a); -- { serverError BAD_ARGUMENTS }
CREATE TABLE t9 (a Nullable(UInt32)) ENGINE = MergeTree ORDER BY a; -- { serverError ILLEGAL_COLUMN }
CREATE TABLE t9 (a UInt32) ENGINE = MergeTree ORDER BY a SETTINGS nope = 1; -- { serverError UNKNOWN_SETTING }
CREATE TABLE t9 (a UInt32 DEFAULT 'x') ENGINE = MergeTree ORDER BY a; -- { serverError CANNOT_PARSE_TEXT }
CREATE TABLE t10 (a UInt32, b UInt32 DEFAULT c, c UInt32 DEFAULT b) ENGINE = Memory; -- { serverError CYCLIC_ALIASES }
CREATE TABLE t11 (a Array(UInt8), b Tuple(x UInt8, y String), c Map(String, UInt8)) ENGINE = MergeTree ORDER BY tuple();
INSERT INTO t11 VALUES ([1], (1, 'a'), {'k': 1});
SELECT b.x, c['k'], a[1] FROM t11;
CREATE TABLE t13 (a UInt32, CONSTRAINT c1 CHECK a > 1, CONSTRAINT c2 ASSUME a < 100) ENGINE = MergeTree ORDER BY a;
INSERT INTO t13 VALUES (1); -- { serverError VIOLATED_CONSTRAINT }
INSERT INTO t13 VALUES (200);
SHOW CREATE TABLE t13;
