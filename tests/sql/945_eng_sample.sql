CREATE TABLE t (k UInt32, h UInt32, v UInt64) ENGINE = MergeTree ORDER BY (k, h) SAMPLE BY h;
CREATE TABLE bad (k UInt32, h UInt32) ENGINE = MergeTree ORDER BY k SAMPLE BY h; -- { serverError BAD_ARGUMENTS }
CREATE TABLE bad (k UInt32, h Int32) ENGINE = MergeTree ORDER BY h SAMPLE BY h; -- { serverError ILLEGAL_TYPE_OF_COLUMN_FOR_FILTER }
CREATE TABLE bad (k UInt32, h String) ENGINE = MergeTree ORDER BY h SAMPLE BY h; -- { serverError ILLEGAL_TYPE_OF_COLUMN_FOR_FILTER }
CREATE TABLE bad (k UInt32, h UInt8) ENGINE = MergeTree PRIMARY KEY k ORDER BY (k, h) SAMPLE BY h; -- { serverError BAD_ARGUMENTS }
CREATE TABLE bad (k UInt32, h UInt8) ENGINE = Memory SAMPLE BY h; -- { serverError BAD_ARGUMENTS }
CREATE TABLE u8 (k UInt32, h UInt8) ENGINE = MergeTree ORDER BY (k, intHash32(h)) SAMPLE BY intHash32(h);
CREATE TABLE u64 (k UInt32, h UInt64) ENGINE = MergeTree ORDER BY (k, h) SAMPLE BY h;
CREATE TABLE u16 (k UInt32, h UInt16) ENGINE = ReplacingMergeTree ORDER BY (k, h) SAMPLE BY h;
SHOW CREATE TABLE t;
INSERT INTO t SELECT number % 10, number * 42949672, number FROM numbers(100);
SELECT count(), min(h), max(h) FROM t SAMPLE 0.1;
SELECT count(), min(h), max(h) FROM t SAMPLE 1/10;
SELECT count(), min(h), max(h) FROM t SAMPLE 1/10 OFFSET 1/2;
SELECT count(), min(h), max(h) FROM t SAMPLE 1/10 OFFSET 0.95;
SELECT count(), min(h), max(h) FROM t SAMPLE 1/3 OFFSET 1/3;
SELECT count() FROM t SAMPLE 0;
SELECT count() FROM t SAMPLE 1;
SELECT count() FROM t SAMPLE 10;
SELECT count(), min(h), max(h) FROM t SAMPLE 50;
SELECT count() FROM t SAMPLE 1000;
SELECT count(), any(_sample_factor) FROM t SAMPLE 0.1;
SELECT count(), any(_sample_factor) FROM t SAMPLE 50;
SELECT count(), any(_sample_factor) FROM t;
SELECT count(), any(_sample_factor) FROM t SAMPLE 1000;
SELECT sum(v * _sample_factor) FROM t SAMPLE 1/2;
SELECT count() FROM t SAMPLE 0.1 OFFSET 2;
SELECT count() FROM t SAMPLE 2 OFFSET 0.5;
SELECT count() FROM t SAMPLE 10 OFFSET 50;
SELECT count() FROM t SAMPLE -1; -- { serverError SYNTAX_ERROR }
INSERT INTO u8 SELECT number, number FROM numbers(200);
INSERT INTO u16 SELECT number, number * 300 FROM numbers(200);
INSERT INTO u16 SELECT number, number * 300 FROM numbers(100);
INSERT INTO u64 SELECT number, number * 184467440737095516 FROM numbers(100);
SELECT count() FROM u8 SAMPLE 0.1;
SELECT count() FROM u8 SAMPLE 0.5;
SELECT count(), max(h) FROM u16 FINAL SAMPLE 0.1;
SELECT count(), max(h) FROM u16 FINAL SAMPLE 0.1 OFFSET 0.1;
SELECT count(), max(h) FROM u64 SAMPLE 0.1;
SELECT count(), max(h), min(h) FROM u64 SAMPLE 0.1 OFFSET 0.3;
SELECT count(), any(_sample_factor) FROM u64 SAMPLE 3/7 WHERE k % 2 = 0;
CREATE TABLE m (k UInt32) ENGINE = Memory;
SELECT count() FROM m SAMPLE 0.1; -- { serverError SAMPLING_NOT_SUPPORTED }
CREATE TABLE nos (k UInt32) ENGINE = MergeTree ORDER BY k;
SELECT count() FROM nos SAMPLE 0.1; -- { serverError SAMPLING_NOT_SUPPORTED }
SELECT count() FROM (SELECT 1) SAMPLE 0.1; -- { serverError UNSUPPORTED_METHOD }
SELECT count() FROM numbers(10) SAMPLE 0.1; -- { serverError SAMPLING_NOT_SUPPORTED }
SELECT count() FROM t AS x SAMPLE 0.1;
SELECT count() FROM t AS a SAMPLE 0.1 JOIN t AS b USING v;
ALTER TABLE nos MODIFY SAMPLE BY k;
SHOW CREATE TABLE nos;
INSERT INTO nos SELECT number * 42949672 FROM numbers(100);
SELECT count() FROM nos SAMPLE 0.1;
ALTER TABLE nos MODIFY SAMPLE BY k + 1; -- { serverError BAD_ARGUMENTS }
ALTER TABLE nos REMOVE SAMPLE BY;
SHOW CREATE TABLE nos;
SELECT count() FROM nos SAMPLE 0.1; -- { serverError SAMPLING_NOT_SUPPORTED }
ALTER TABLE nos REMOVE SAMPLE BY; -- { serverError BAD_ARGUMENTS }
ALTER TABLE m MODIFY SAMPLE BY k; -- { serverError NOT_IMPLEMENTED }
ALTER TABLE m REMOVE SAMPLE BY; -- { serverError BAD_ARGUMENTS }
SELECT sampling_key FROM system.tables WHERE database = currentDatabase() AND name = 't';
SELECT name, is_in_sampling_key FROM system.columns WHERE database = currentDatabase() AND table = 't';
ALTER TABLE t DROP COLUMN h; -- { serverError ALTER_OF_COLUMN_IS_FORBIDDEN }
ALTER TABLE t RENAME COLUMN h TO g; -- { serverError ALTER_OF_COLUMN_IS_FORBIDDEN }
CREATE MATERIALIZED VIEW mv ENGINE = MergeTree ORDER BY k AS SELECT k FROM t SAMPLE 0.1; -- { serverError QUERY_IS_NOT_SUPPORTED_IN_MATERIALIZED_VIEW }
CREATE TABLE merged (k UInt32) ENGINE = Merge(currentDatabase(), '^t$');
SELECT count() FROM merged SAMPLE 0.1;
-- parts that were frozen
CREATE TABLE f (k UInt8, v UInt8) ENGINE = MergeTree ORDER BY v PARTITION BY k;
INSERT INTO f VALUES (1, 1), (2, 2);
SELECT partition, is_frozen FROM system.parts WHERE table = 'f' AND active ORDER BY partition;
