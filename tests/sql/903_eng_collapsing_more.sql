CREATE TABLE c1 (k UInt32, v UInt32, s Int8) ENGINE = CollapsingMergeTree(s) ORDER BY k;
INSERT INTO c1 VALUES (1, 10, 1);
INSERT INTO c1 VALUES (1, 10, -1), (1, 20, 1);
INSERT INTO c1 VALUES (2, 5, -1);
SELECT * FROM c1 FINAL ORDER BY k;
SELECT k, sum(v * s) FROM c1 GROUP BY k HAVING sum(s) > 0 ORDER BY k;
OPTIMIZE TABLE c1 FINAL;
SELECT * FROM c1 ORDER BY k;
INSERT INTO c1 VALUES (3, 1, 0); -- { serverError INCORRECT_DATA }
CREATE TABLE c2 (k UInt32, s UInt8) ENGINE = CollapsingMergeTree(s) ORDER BY k; -- { serverError BAD_TYPE_OF_FIELD }
CREATE TABLE c3 (k UInt32, s Int8) ENGINE = CollapsingMergeTree ORDER BY k; -- { serverError NUMBER_OF_ARGUMENTS_DOESNT_MATCH }
CREATE TABLE c4 (k UInt32, s Int8) ENGINE = CollapsingMergeTree(zz) ORDER BY k; -- { serverError NO_SUCH_COLUMN_IN_TABLE }
CREATE TABLE v1 (k UInt32, v UInt32, s Int8, ver UInt8) ENGINE = VersionedCollapsingMergeTree(s, ver) ORDER BY k;
INSERT INTO v1 VALUES (1, 10, 1, 1), (1, 20, 1, 2);
INSERT INTO v1 VALUES (1, 10, -1, 1), (2, 7, -1, 1);
SELECT * FROM v1 FINAL ORDER BY k, ver;
SELECT * FROM v1 ORDER BY k, ver, s;
OPTIMIZE TABLE v1 FINAL;
SELECT * FROM v1 ORDER BY k, ver, s;
CREATE TABLE v2 (k UInt32, s Int8, ver String) ENGINE = VersionedCollapsingMergeTree(s, ver) ORDER BY k; -- { serverError BAD_TYPE_OF_FIELD }
CREATE TABLE v3 (k UInt32, s Int8) ENGINE = VersionedCollapsingMergeTree(s) ORDER BY k; -- { serverError NUMBER_OF_ARGUMENTS_DOESNT_MATCH }
CREATE TABLE a1 (k UInt32, m SimpleAggregateFunction(max, UInt32), l SimpleAggregateFunction(anyLast, String), u AggregateFunction(uniqExact, UInt32), g SimpleAggregateFunction(groupUniqArrayArray, Array(UInt8))) ENGINE = AggregatingMergeTree ORDER BY k;
INSERT INTO a1 SELECT 1, 5, 'a', uniqExactState(toUInt32(1)), [1, 2];
INSERT INTO a1 SELECT 1, 3, 'b', uniqExactState(toUInt32(2)), [2, 3];
SELECT k, m, l, finalizeAggregation(u), arraySort(g) FROM a1 FINAL;
OPTIMIZE TABLE a1 FINAL;
SELECT k, m, l, uniqExactMerge(u), arraySort(any(g)) FROM a1 GROUP BY k, m, l;
SELECT count() FROM a1 FINAL;
CREATE TABLE a3 (k UInt32, v String) ENGINE = AggregatingMergeTree ORDER BY k SETTINGS allow_dimensions_outside_sorting_key = 1;
INSERT INTO a3 VALUES (1, 'a'), (1, 'b');
SELECT * FROM a3;
CREATE TABLE co (k UInt32, a Nullable(UInt32), b String, t DateTime) ENGINE = CoalescingMergeTree(a) ORDER BY k;
INSERT INTO co VALUES (1, 5, 'x', '2025-01-01 00:00:00');
INSERT INTO co VALUES (1, NULL, 'y', '2025-01-02 00:00:00');
SELECT * FROM co FINAL;
