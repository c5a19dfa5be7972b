CREATE TABLE t (k UInt32, d DateTime, x Int64, s String, PROJECTION p (SELECT k, sum(x), count() GROUP BY k)) ENGINE = MergeTree ORDER BY d;
ALTER TABLE t ADD PROJECTION p (SELECT k, min(x) GROUP BY k); -- { serverError ILLEGAL_PROJECTION }
ALTER TABLE t ADD PROJECTION IF NOT EXISTS p (SELECT k, min(x) GROUP BY k);
ALTER TABLE t ADD PROJECTION IF NOT EXISTS p (SELECT nope); -- { serverError UNKNOWN_IDENTIFIER }
ALTER TABLE t ADD PROJECTION bad (SELECT nope GROUP BY nope); -- { serverError UNKNOWN_IDENTIFIER }
ALTER TABLE t ADD PROJECTION bad (SELECT k, x GROUP BY k); -- { serverError NOT_AN_AGGREGATE }
ALTER TABLE t ADD PROJECTION bad (SELECT k, sum(x) FROM t GROUP BY k); -- { serverError SYNTAX_ERROR }
ALTER TABLE t ADD PROJECTION bad (SELECT k, sum(x) GROUP BY k HAVING k > 1); -- { serverError SYNTAX_ERROR }
ALTER TABLE t ADD PROJECTION bad (SELECT k, sum(x) GROUP BY k LIMIT 1); -- { serverError SYNTAX_ERROR }
ALTER TABLE t ADD PROJECTION bad (SELECT k, sum(x) GROUP BY k WITH TOTALS); -- { serverError SYNTAX_ERROR }
ALTER TABLE t ADD PROJECTION bad (SELECT k, sum(x) GROUP BY k ORDER BY k); -- { serverError ILLEGAL_PROJECTION }
ALTER TABLE t ADD PROJECTION bad (SELECT nosuch(k), sum(x) GROUP BY k); -- { serverError UNKNOWN_FUNCTION }
ALTER TABLE t ADD PROJECTION bad (SELECT k, sum(s) GROUP BY k); -- { serverError ILLEGAL_TYPE_OF_ARGUMENT }
ALTER TABLE t ADD PROJECTION bad (SELECT k, sum(sum(x)) GROUP BY k); -- { serverError ILLEGAL_AGGREGATION }
ALTER TABLE t ADD PROJECTION w (SELECT k, sum(x) WHERE s = 'a' GROUP BY k);
ALTER TABLE t ADD PROJECTION e1 (SELECT sum(x));
ALTER TABLE t ADD PROJECTION e2 (SELECT k, sum(x) + 1 GROUP BY k) FIRST;
ALTER TABLE t ADD PROJECTION e3 (SELECT k, sum(x) AS s2, toStartOfHour(d) AS h GROUP BY k, h) AFTER p;
ALTER TABLE t ADD PROJECTION e4 (SELECT sum(x) GROUP BY k) AFTER nope;
ALTER TABLE t ADD PROJECTION e5 (SELECT k, k % 2, avg(x) GROUP BY k, k % 2);
ALTER TABLE t ADD PROJECTION e9 (SELECT k GROUP BY k);
ALTER TABLE t ADD PROJECTION e10 (SELECT 1, sum(x) GROUP BY 1);
ALTER TABLE t ADD PROJECTION `a b` (SELECT k, sumIf(x, k > 1), count(DISTINCT x), avg(x) FILTER (WHERE x > 1), quantile(0.5)(x) GROUP BY k);
SHOW CREATE TABLE t;
SELECT name, type, sorting_key, query FROM system.projections WHERE database = currentDatabase() AND table = 't';
CREATE TABLE l AS t;
SELECT name, query FROM system.projections WHERE database = currentDatabase() AND table = 'l';
INSERT INTO t SELECT number % 3, toDateTime(number), number, ['a', 'b'][number % 2 + 1] FROM numbers(100);
SELECT name, rows FROM system.projection_parts WHERE active AND database = currentDatabase() AND table = 't' ORDER BY name;
SELECT k, sum(x) FROM t WHERE s = 'a' GROUP BY k ORDER BY k SETTINGS force_optimize_projection_name = 'w';
SELECT k, sum(x) FROM t WHERE s = 'b' GROUP BY k ORDER BY k;
ALTER TABLE t DROP PROJECTION nope; -- { serverError NO_SUCH_PROJECTION_IN_TABLE }
ALTER TABLE t DROP PROJECTION IF EXISTS nope;
ALTER TABLE t CLEAR PROJECTION nope;
ALTER TABLE t CLEAR PROJECTION IF EXISTS nope;
ALTER TABLE t MATERIALIZE PROJECTION IF EXISTS nope SETTINGS mutations_sync = 1;
ALTER TABLE t DROP COLUMN k; -- { serverError UNKNOWN_IDENTIFIER }
ALTER TABLE t DROP COLUMN x; -- { serverError UNKNOWN_IDENTIFIER }
ALTER TABLE t RENAME COLUMN x TO y; -- { serverError UNKNOWN_IDENTIFIER }
ALTER TABLE t MODIFY COLUMN k UInt64; -- { serverError ALTER_OF_COLUMN_IS_FORBIDDEN }
ALTER TABLE t DROP PROJECTION w;
ALTER TABLE t MODIFY COLUMN s LowCardinality(String);
DELETE FROM t WHERE k = 1; -- { serverError SUPPORT_IS_DISABLED }
SELECT count() FROM t;
ALTER TABLE t MODIFY SETTING lightweight_mutation_projection_mode = 'drop';
DELETE FROM t WHERE k = 1;
SELECT k, sum(x), count() FROM t GROUP BY k ORDER BY k;
SELECT count() FROM system.projection_parts WHERE active AND database = currentDatabase() AND table = 't';
OPTIMIZE TABLE t FINAL;
SELECT k, sum(x), count() FROM t GROUP BY k ORDER BY k;
ALTER TABLE t DROP PROJECTION e1, DROP PROJECTION e2, ADD PROJECTION z (SELECT count());
SELECT name FROM system.projections WHERE database = currentDatabase() AND table = 't';
CREATE TABLE r (k UInt32, x Int64, PROJECTION p (SELECT k, sum(x) GROUP BY k)) ENGINE = ReplacingMergeTree ORDER BY k; -- { serverError SUPPORT_IS_DISABLED }
CREATE TABLE r (k UInt32, x Int64, PROJECTION p (SELECT k, sum(x) GROUP BY k)) ENGINE = ReplacingMergeTree ORDER BY k SETTINGS deduplicate_merge_projection_mode = 'nope'; -- { serverError BAD_ARGUMENTS }
CREATE TABLE r (k UInt32, x Int64, PROJECTION p (SELECT k, sum(x) GROUP BY k)) ENGINE = ReplacingMergeTree ORDER BY k SETTINGS deduplicate_merge_projection_mode = 'drop';
SHOW CREATE TABLE r;
INSERT INTO r VALUES (1, 1), (2, 2);
INSERT INTO r VALUES (1, 10);
SELECT k, sum(x) FROM r GROUP BY k ORDER BY k;
SELECT k, sum(x) FROM r FINAL GROUP BY k ORDER BY k;
SELECT k, sum(x) FROM r FINAL GROUP BY k SETTINGS force_optimize_projection = 1; -- { serverError PROJECTION_NOT_USED }
OPTIMIZE TABLE r FINAL;
SELECT count() FROM system.projection_parts WHERE active AND database = currentDatabase() AND table = 'r';
SELECT k, sum(x) FROM r GROUP BY k ORDER BY k;
CREATE TABLE b (k UInt32, x Int64, PROJECTION p (SELECT k, sum(x) GROUP BY k)) ENGINE = SummingMergeTree ORDER BY k SETTINGS deduplicate_merge_projection_mode = 'rebuild';
INSERT INTO b VALUES (1, 1), (2, 2);
INSERT INTO b VALUES (1, 10), (2, -2);
OPTIMIZE TABLE b FINAL;
SELECT rows, parent_rows FROM system.projection_parts WHERE active AND database = currentDatabase() AND table = 'b';
SELECT k, sum(x) FROM b GROUP BY k ORDER BY k SETTINGS force_optimize_projection = 1;
CREATE TABLE c (k UInt32, x Int64) ENGINE = SummingMergeTree ORDER BY k;
ALTER TABLE c ADD PROJECTION p (SELECT k, sum(x) GROUP BY k); -- { serverError SUPPORT_IS_DISABLED }
CREATE TABLE m (k UInt32, x Int64, PROJECTION p (SELECT k, sum(x) GROUP BY k)) ENGINE = Memory; -- { serverError BAD_ARGUMENTS }
CREATE TABLE m (k UInt32, x Int64) ENGINE = Memory;
ALTER TABLE m ADD PROJECTION p (SELECT k, sum(x) GROUP BY k); -- { serverError NOT_IMPLEMENTED }
CREATE TABLE dup (k UInt32, PROJECTION p (SELECT k GROUP BY k), PROJECTION p (SELECT k, count() GROUP BY k)) ENGINE = MergeTree ORDER BY k; -- { serverError ILLEGAL_PROJECTION }
