CREATE TABLE r1 (k UInt32, ver UInt8, d Bool) ENGINE = ReplacingMergeTree(ver, d) ORDER BY k;
INSERT INTO r1 VALUES (1, 1, false), (2, 1, false);
INSERT INTO r1 VALUES (1, 2, true);
SELECT * FROM r1 FINAL ORDER BY k;
CREATE TABLE r2 (k UInt32, ver UInt64, del UInt8) ENGINE = ReplacingMergeTree(ver, del) ORDER BY k SETTINGS clean_deleted_rows = 'Never';
CREATE TABLE c1 (k UInt8, sign Int8) ENGINE = CollapsingMergeTree('sign') ORDER BY k; -- { serverError BAD_ARGUMENTS }
CREATE TABLE v1 (k UInt8, sign Int8, ver UInt8) ENGINE = VersionedCollapsingMergeTree(sign, sign) ORDER BY k; -- { serverError BAD_ARGUMENTS }
CREATE TABLE v1 (k UInt8, sign Int8, ver UInt8) ENGINE = VersionedCollapsingMergeTree(sign, nope) ORDER BY k; -- { serverError NO_SUCH_COLUMN_IN_TABLE }
CREATE TABLE m1 (d Date, a UInt32) ENGINE = MergeTree(d, a, 8192); -- { serverError BAD_ARGUMENTS }
CREATE TABLE a1 (k UInt8, a AggregateFunction(sum, UInt8)) ENGINE = AggregatingMergeTree(a) ORDER BY k; -- { serverError NUMBER_OF_ARGUMENTS_DOESNT_MATCH }
SELECT * FROM (SELECT 1) FINAL; -- { serverError UNSUPPORTED_METHOD }
SELECT r1.k FROM r1 FINAL AS x; -- { serverError SYNTAX_ERROR }
SELECT x.k FROM r1 AS x FINAL ORDER BY x.k;
CREATE VIEW vw AS SELECT * FROM r1;
SELECT count() FROM vw FINAL;
SELECT count() FROM vw SETTINGS final = 1;
CREATE TABLE s1 (x UInt8) ENGINE = MergeTree ORDER BY x SETTINGS index_granularity = 100, min_bytes_for_wide_part = 0, max_parts_in_total = 10;
SHOW CREATE TABLE s1;
ALTER TABLE s1 MODIFY SETTING parts_to_throw_insert = 100, max_suspicious_broken_parts = 5;
SHOW CREATE TABLE s1;
ALTER TABLE s1 RESET SETTING parts_to_throw_insert;
SHOW CREATE TABLE s1;
ALTER TABLE s1 RESET SETTING nope; -- { serverError BAD_ARGUMENTS }
ALTER TABLE s1 MODIFY SETTING nope = 1; -- { serverError UNKNOWN_SETTING }
ALTER TABLE s1 MODIFY SETTING index_granularity = 555; -- { serverError READONLY_SETTING }
ALTER TABLE s1 MODIFY SETTING parts_to_throw_insert = 'abc'; -- { serverError CANNOT_PARSE_INPUT_ASSERTION_FAILED }
CREATE TABLE s2 (x UInt8) ENGINE = MergeTree ORDER BY x SETTINGS index_granularity = 'abc'; -- { serverError CANNOT_PARSE_INPUT_ASSERTION_FAILED }
CREATE TABLE s2 (x UInt8) ENGINE = MergeTree ORDER BY x SETTINGS index_granularity = -1; -- { serverError CANNOT_CONVERT_TYPE }
CREATE TABLE s2 (x UInt8) ENGINE = MergeTree ORDER BY x SETTINGS merge_with_ttl_timeout = 'x'; -- { serverError CANNOT_PARSE_INPUT_ASSERTION_FAILED }
CREATE TABLE s2 (x UInt8) ENGINE = MergeTree ORDER BY x SETTINGS storage_policy = 'nope'; -- { serverError UNKNOWN_POLICY }
CREATE TABLE s2 (x UInt8) ENGINE = MergeTree ORDER BY x SETTINGS disk = 'nope'; -- { serverError UNKNOWN_DISK }
CREATE TABLE s2 (k UInt8, lc LowCardinality(UInt32)) ENGINE = MergeTree ORDER BY k SETTINGS allow_suspicious_low_cardinality_types = 1, mutations_sync = 2;
SHOW CREATE TABLE s2;
CREATE TABLE k1 (a UInt32, b UInt32) ENGINE = MergeTree ORDER BY (a DESC, b) SETTINGS allow_experimental_reverse_key = 1;
INSERT INTO k1 VALUES (1, 2), (3, 4), (2, 2), (3, 1);
SELECT * FROM k1;
SHOW CREATE TABLE k1;
SELECT sorting_key, primary_key FROM system.tables WHERE database = currentDatabase() AND name = 'k1';
CREATE TABLE k2 (a UInt32, b UInt32) ENGINE = MergeTree ORDER BY (a DESC, b);
CREATE TABLE k2 (a UInt32) ENGINE = MergeTree ORDER BY (a, a); -- { serverError TABLE_ALREADY_EXISTS }
CREATE TABLE k2 (a UInt32) ENGINE = MergeTree ORDER BY (a, a) SETTINGS allow_suspicious_indices = 1; -- { serverError TABLE_ALREADY_EXISTS }
SHOW CREATE TABLE k2;
CREATE TABLE k3 (a UInt32) ENGINE = MergeTree ORDER BY (SELECT 1); -- { serverError BAD_ARGUMENTS }
CREATE TABLE k3 (a UInt32) ENGINE = MergeTree PARTITION BY (SELECT 1) ORDER BY a; -- { serverError BAD_ARGUMENTS }
CREATE TABLE k3 (a UInt32) ENGINE = MergeTree PARTITION BY 'x' ORDER BY a; -- { serverError ILLEGAL_COLUMN }
CREATE TABLE k3 (a Nullable(UInt32)) ENGINE = MergeTree PARTITION BY a ORDER BY tuple(); -- { serverError ILLEGAL_COLUMN }
CREATE TABLE k3 (a AggregateFunction(sum, UInt8)) ENGINE = MergeTree PARTITION BY a ORDER BY tuple(); -- { serverError DATA_TYPE_CANNOT_BE_USED_IN_KEY }
CREATE TABLE k3 (a Nullable(UInt32)) ENGINE = MergeTree PARTITION BY a ORDER BY tuple() SETTINGS allow_nullable_key = 1;
INSERT INTO k3 VALUES (1), (NULL);
SELECT count() FROM k3;
CREATE TABLE k4 (a Float64) ENGINE = MergeTree PARTITION BY a ORDER BY a SETTINGS allow_floating_point_partition_key = 1;
INSERT INTO k4 VALUES (1.5), (2);
ALTER TABLE k4 DROP PARTITION 1.5;
SELECT * FROM k4;
CREATE TABLE k5 (a Date, b UInt8, c UInt8) ENGINE = MergeTree ORDER BY (b) TTL a + INTERVAL 1 DAY GROUP BY b SET c = max(c);
SHOW CREATE TABLE k5;
CREATE TABLE d1 (a UInt8, g UInt16 EPHEMERAL, h String DEFAULT toString(g)) ENGINE = MergeTree ORDER BY a;
INSERT INTO d1 (a) VALUES (1);
INSERT INTO d1 (a, g) VALUES (2, 77);
INSERT INTO d1 VALUES (4, 'z');
SELECT * FROM d1 ORDER BY a;
DESCRIBE d1;
SHOW CREATE TABLE d1;
SELECT name, default_kind, default_expression FROM system.columns WHERE database = currentDatabase() AND table = 'd1' ORDER BY position;
CREATE TABLE d2 (a UInt8 DEFAULT (SELECT 1)) ENGINE = MergeTree ORDER BY tuple(); -- { serverError THERE_IS_NO_DEFAULT_VALUE }
CREATE TABLE d2 (a UInt8 EPHEMERAL) ENGINE = MergeTree ORDER BY tuple(); -- { serverError EMPTY_LIST_OF_COLUMNS_PASSED }
CREATE TABLE d2 (a UInt8 ALIAS 1) ENGINE = MergeTree ORDER BY tuple(); -- { serverError EMPTY_LIST_OF_COLUMNS_PASSED }
CREATE TABLE d2 (k UInt8, x Nullable(Nothing)) ENGINE = Memory; -- { serverError DATA_TYPE_CANNOT_BE_USED_IN_TABLES }
CREATE TABLE d2 ENGINE = MergeTree ORDER BY tuple() AS SELECT NULL AS c; -- { serverError DATA_TYPE_CANNOT_BE_USED_IN_TABLES }
CREATE TABLE d2 (a UInt8 COMMENT '') ENGINE = MergeTree ORDER BY a;
SHOW CREATE TABLE d2;
CREATE TABLE d3 AS nope; -- { serverError CANNOT_GET_CREATE_TABLE_QUERY }
CREATE TABLE d3 AS nope ENGINE = Memory; -- { serverError UNKNOWN_TABLE }
CREATE OR REPLACE TABLE IF NOT EXISTS d3 (a UInt8) ENGINE = Memory; -- { serverError SYNTAX_ERROR }
CREATE DATABASE d4 ENGINE = Nope; -- { serverError UNKNOWN_DATABASE_ENGINE }
SHOW CREATE DATABASE default;
RENAME TABLE d9.a TO y; -- { serverError UNKNOWN_DATABASE }
CREATE TABLE mem (a UInt8) ENGINE = Memory;
ALTER TABLE mem ADD CONSTRAINT c CHECK a > 1; -- { serverError NOT_IMPLEMENTED }
CREATE TABLE z (a String CODEC(DoubleDelta, LZ4)) ENGINE = MergeTree ORDER BY a; -- { serverError BAD_ARGUMENTS }
CREATE TABLE z (a String CODEC(Gorilla)) ENGINE = MergeTree ORDER BY a; -- { serverError BAD_ARGUMENTS }
CREATE TABLE z (a String CODEC(T64)) ENGINE = MergeTree ORDER BY a; -- { serverError ILLEGAL_SYNTAX_FOR_CODEC_TYPE }
CREATE TABLE z (a UInt32 CODEC(ZSTD(99))) ENGINE = MergeTree ORDER BY a; -- { serverError ILLEGAL_CODEC_PARAMETER }
CREATE TABLE z (a UInt32 CODEC(LZ4, LZ4)) ENGINE = MergeTree ORDER BY a; -- { serverError BAD_ARGUMENTS }
CREATE TABLE z (a UInt32 CODEC(Delta(3))) ENGINE = MergeTree ORDER BY a; -- { serverError ILLEGAL_CODEC_PARAMETER }
CREATE TABLE z (a UInt32 CODEC(Delta)) ENGINE = MergeTree ORDER BY a; -- { serverError BAD_ARGUMENTS }
CREATE TABLE z (a UInt32 CODEC(NONE, LZ4)) ENGINE = MergeTree ORDER BY a; -- { serverError BAD_ARGUMENTS }
CREATE TABLE z (a UInt32 CODEC()) ENGINE = MergeTree ORDER BY a; -- { serverError SYNTAX_ERROR }
CREATE TABLE z (a UInt32, b UInt32 ALIAS a CODEC(LZ4)) ENGINE = MergeTree ORDER BY a; -- { serverError BAD_ARGUMENTS }
CREATE TABLE z (a UInt32 CODEC(Delta, Default), b Float32 CODEC(FPC(12)), c UInt64 CODEC(T64, LZ4)) ENGINE = MergeTree ORDER BY a;
SHOW CREATE TABLE z;
CREATE TABLE t (k UInt32, a UInt32, c Nullable(UInt8)) ENGINE = MergeTree ORDER BY k;
INSERT INTO t VALUES (1, 300, NULL);
ALTER TABLE t MODIFY COLUMN c UInt8; -- { serverError BAD_ARGUMENTS }
ALTER TABLE t MODIFY COLUMN a Array(UInt8); -- { serverError TYPE_MISMATCH }
ALTER TABLE t MODIFY COLUMN a Map(String, String); -- { serverError TYPE_MISMATCH }
ALTER TABLE t MODIFY COLUMN a Tuple(UInt8); -- { serverError TYPE_MISMATCH }
ALTER TABLE t MATERIALIZE COLUMN k; -- { serverError CANNOT_UPDATE_COLUMN }
SELECT * FROM t;
ALTER TABLE t ADD COLUMN z UInt8, MODIFY ORDER BY (k, z);
ALTER TABLE t MODIFY ORDER BY (k);
SHOW CREATE TABLE t;
OPTIMIZE TABLE t SETTINGS optimize_throw_if_noop = 1; -- { serverError CANNOT_ASSIGN_OPTIMIZE }
OPTIMIZE TABLE t FINAL SETTINGS optimize_throw_if_noop = 1;
CREATE TABLE i1 (a UInt8, INDEX i a TYPE minmax) ENGINE = Memory; -- { serverError BAD_ARGUMENTS }
CREATE TABLE i1 (a UInt8, INDEX i a TYPE minmax, INDEX i a TYPE set(1)) ENGINE = MergeTree ORDER BY a; -- { serverError ILLEGAL_INDEX }
CREATE TABLE i1 (a UInt8, INDEX i a) ENGINE = MergeTree ORDER BY a; -- { serverError SYNTAX_ERROR }
CREATE TABLE i1 (a UInt8, INDEX i a TYPE minmax GRANULARITY 0) ENGINE = MergeTree ORDER BY a; -- { serverError BAD_ARGUMENTS }
CREATE TABLE jn (k UInt32, v UInt8) ENGINE = Join(ANY, FULL, k); -- { serverError NOT_IMPLEMENTED }
