CREATE TABLE r1 (d Date, k UInt32, v String, ver DateTime) ENGINE = ReplacingMergeTree(ver) PARTITION BY toYYYYMM(d) ORDER BY k;
INSERT INTO r1 VALUES ('2025-01-01', 1, 'a', '2025-01-01 00:00:00'), ('2025-02-01', 1, 'b', '2025-01-01 00:00:00'), ('2025-02-02', 2, 'c', '2025-01-02 00:00:00');
SELECT * FROM r1 FINAL ORDER BY d;
SELECT * FROM r1 FINAL ORDER BY d SETTINGS do_not_merge_across_partitions_select_final = 1;
SELECT count() FROM r1;
SELECT count() FROM r1 FINAL;
SELECT * FROM r1 ORDER BY d SETTINGS final = 1;
SELECT a.k, b.v FROM r1 AS a FINAL JOIN r1 AS b FINAL ON a.k = b.k ORDER BY a.k, b.v;
SELECT * FROM (SELECT * FROM r1 FINAL) WHERE k = 1;
SELECT v FROM r1 FINAL PREWHERE v = 'a';
SELECT v FROM r1 FINAL WHERE v = 'a';
CREATE TABLE r2 (k UInt32, v String, ver Int64, del UInt8) ENGINE = ReplacingMergeTree(ver, del) ORDER BY k;
INSERT INTO r2 VALUES (1, 'a', 1, 0), (1, 'b', 2, 1), (2, 'c', 1, 0);
INSERT INTO r2 VALUES (3, 'x', 1, 2); -- { serverError INCORRECT_DATA }
SELECT * FROM r2 ORDER BY k;
SELECT * FROM r2 FINAL ORDER BY k;
OPTIMIZE TABLE r2 FINAL;
SELECT * FROM r2 ORDER BY k;
CREATE TABLE r4 (k UInt32, v String) ENGINE = ReplacingMergeTree(v) ORDER BY k; -- { serverError BAD_TYPE_OF_FIELD }
CREATE TABLE r5 (k UInt32, v UInt64, d UInt16) ENGINE = ReplacingMergeTree(v, d) ORDER BY k; -- { serverError BAD_TYPE_OF_FIELD }
CREATE TABLE r6 (k UInt32, v UInt64) ENGINE = ReplacingMergeTree(nope) ORDER BY k; -- { serverError NO_SUCH_COLUMN_IN_TABLE }
CREATE TABLE r7 (k UInt32, v UInt64) ENGINE = ReplacingMergeTree(v, v, v) ORDER BY k; -- { serverError NUMBER_OF_ARGUMENTS_DOESNT_MATCH }
CREATE TABLE r8 (k UInt32, v UInt64) ENGINE = ReplacingMergeTree(v); -- { serverError NUMBER_OF_ARGUMENTS_DOESNT_MATCH }
CREATE TABLE r9 (k UInt32, v UInt64) ENGINE = ReplacingMergeTree(v) PRIMARY KEY k;
INSERT INTO r9 VALUES (1, 1), (1, 3), (1, 2);
SELECT * FROM r9;
SHOW CREATE TABLE r9;
CREATE TABLE r10 (k UInt32, v UInt64, e UInt64) ENGINE = ReplacingMergeTree ORDER BY (k, v) PRIMARY KEY k;
INSERT INTO r10 SETTINGS optimize_on_insert = 0 VALUES (1, 1, 1), (1, 1, 2), (1, 2, 3);
SELECT count() FROM r10;
SELECT * FROM r10 FINAL ORDER BY v;
SELECT sorting_key, primary_key, partition_key, engine_full FROM system.tables WHERE database = currentDatabase() AND name IN ('r1', 'r10') ORDER BY name;
