CREATE TABLE s1 (k UInt32, a UInt64, b Nullable(Int32), c String, d Float64, e Decimal(10,2)) ENGINE = SummingMergeTree((a, b)) ORDER BY k;
INSERT INTO s1 VALUES (1, 1, NULL, 'x', 1.5, 1.10), (1, 2, 3, 'y', 2.5, 2.20);
INSERT INTO s1 VALUES (1, 10, -3, 'z', 1, 1), (2, 0, 0, 'q', 9, 9), (3, 0, NULL, 'w', 1, 1);
SELECT * FROM s1 FINAL ORDER BY k;
OPTIMIZE TABLE s1 FINAL;
SELECT * FROM s1 ORDER BY k;
CREATE TABLE s2 (k UInt32, m Map(String, UInt64), n Nested(a UInt32, b UInt64), cntMap Nested(id UInt32, c UInt64)) ENGINE = SummingMergeTree ORDER BY k;
INSERT INTO s2 VALUES (1, {'a': 1}, [1], [2], [1, 2], [10, 20]);
INSERT INTO s2 VALUES (1, {'b': 2}, [3], [4], [2, 3], [5, 7]);
SELECT * FROM s2 FINAL;
CREATE TABLE s3 (k UInt32, a UInt64) ENGINE = SummingMergeTree(k) ORDER BY k; -- { serverError BAD_ARGUMENTS }
CREATE TABLE s4 (k UInt32, a UInt64) ENGINE = SummingMergeTree(zz) ORDER BY k; -- { serverError NO_SUCH_COLUMN_IN_TABLE }
CREATE TABLE s5 (k UInt32, a String) ENGINE = SummingMergeTree(a) ORDER BY k;
CREATE TABLE s6 (k UInt32, a UInt8, b Date, c Bool, u UUID) ENGINE = SummingMergeTree ORDER BY k;
INSERT INTO s6 VALUES (1, 200, '2025-01-01', true, '61f0c404-5cb3-11e7-907b-a6006ad3dba0'), (1, 100, '2025-01-02', true, '61f0c404-5cb3-11e7-907b-a6006ad3dba1');
SELECT * FROM s6;
CREATE TABLE s7 (d Date, k UInt32, a UInt64) ENGINE = SummingMergeTree PARTITION BY toYYYYMM(d) ORDER BY k;
INSERT INTO s7 VALUES ('2025-01-01', 1, 1), ('2025-02-01', 1, 2);
SELECT * FROM s7 FINAL ORDER BY d;
SELECT k, a FROM s7 FINAL ORDER BY a SETTINGS do_not_merge_across_partitions_select_final = 1;
CREATE TABLE s8 (k UInt32, a SimpleAggregateFunction(max, UInt32), b AggregateFunction(uniq, String), c Int64) ENGINE = SummingMergeTree ORDER BY k;
INSERT INTO s8 SELECT 1, 5, uniqState('a'), 2;
INSERT INTO s8 SELECT 1, 3, uniqState('b'), 5;
SELECT k, a, uniqMerge(b), sum(c) FROM s8 FINAL GROUP BY k, a;
